//! The box's name in its own network (mDNS, RFC 6762): `tandem.local`, or the next one that nobody else has, with the services that
//! are found there (RFC 6763).
//!
//! The library asks whether a name is taken, defends ours, follows the addresses that come and go, and has a thread of its own.
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mdns_sd::{DaemonEvent, RRType, ServiceDaemon, ServiceInfo};
use smol::Timer;

use crate::console::say;
use crate::network::Network;

/// How often to look whether the box was given another name.
const LOOK: Duration = Duration::from_secs(2);

/// The name by which the box is found now.
#[derive(Clone, Default)]
pub struct Name(Arc<Mutex<Option<String>>>);

impl Name {
    /// `tandem.local`; nothing before it is known that nobody else has it.
    pub fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, name: &str) {
        let name = name.trim_end_matches('.').to_owned();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_deref() != Some(&name) {
            say(format_args!("the box is found as {name}"));
            *held = Some(name);
        }
    }
}

/// What is found at the box: the type of a service and its port.
pub type Services = Vec<(&'static str, u16)>;

/// Makes the box known by the name it has, for as long as it runs.
pub async fn follow(network: Rc<Network>, services: Services, name: Name) {
    let daemon = match ServiceDaemon::new().and_then(|daemon| watch(&daemon, name.clone()).map(|()| daemon)) {
        Ok(daemon) => daemon,
        Err(error) => return say(format_args!("the box has no name in its network: {error}")),
    };
    let known = RefCell::new(String::new());
    loop {
        let wanted = network.hostname();
        if *known.borrow() != wanted {
            let old = known.replace(wanted.clone());
            for (kind, port) in &services {
                announce(&daemon, (kind, *port), &old, &wanted);
            }
            name.set(&format!("{wanted}.local"));
        }
        Timer::after(LOOK).await;
    }
}

/// Another name in the place of an old one.
fn announce(daemon: &ServiceDaemon, (kind, port): (&str, u16), old: &str, name: &str) {
    if !old.is_empty() {
        // It is told that it is gone; nobody waits for that.
        let _ = daemon.unregister(&format!("{old}.{kind}"));
    }
    let properties: [(&str, &str); 0] = [];
    let service = ServiceInfo::new(kind, name, &format!("{name}.local."), "", port, &properties[..]);
    let told = service.and_then(|service| daemon.register(service.enable_addr_auto()));
    if let Err(error) = told {
        say(format_args!("{kind} is not found in the network: {error}"));
    }
}

/// Hears of a name that somebody else has already: the library goes on to the next, `tandem-2.local`.
fn watch(daemon: &ServiceDaemon, name: Name) -> mdns_sd::Result<()> {
    let events = daemon.monitor()?;
    let heard = move || {
        while let Ok(event) = events.recv() {
            match event {
                DaemonEvent::NameChange(change) if matches!(change.rr_type, RRType::A | RRType::AAAA) => {
                    name.set(&change.new_name)
                }
                DaemonEvent::Error(error) => say(format_args!("mDNS: {error}")),
                _ => {}
            }
        }
    };
    let spawned = std::thread::Builder::new().name("mdns names".to_owned()).stack_size(64 << 10).spawn(heard);
    spawned.map(drop).map_err(|error| mdns_sd::Error::Msg(error.to_string()))
}
