//! The network: the loopback interface, the first real one, its addresses, the name servers, and the box's name.
//!
//! What is set of it lies on the data partition and wins over the kernel's command line. A change is tried at once and comes back by
//! itself unless somebody confirms it within a minute, over the new network; only then it is written down, so that a restart brings
//! back the old one as well.
mod addresses;
mod applied;
mod rtnetlink;
mod settings;
mod stored;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use smol::Timer;
use smol::channel::Sender;

use crate::console::say;
use crate::exchange::Executor;
pub use addresses::own_addresses;
use applied::Applied;
pub use settings::NetworkSettings;

/// `/etc/resolv.conf` of the read-only root points here.
pub const RESOLV_CONF: &str = "/run/resolv.conf";
/// Where the settings lie on the data partition.
pub const FILE: &str = "network.json";

/// How long a change has to be confirmed.
pub const TRIAL: Duration = Duration::from_secs(60);
/// So long a change waits, so that whoever asked for it is answered over the network as it was.
const FAREWELL: Duration = Duration::from_millis(500);

/// How interfaces are set up and torn down; in the box by the kernel.
pub trait Kernel {
    /// Goes from what is set up now to this.
    fn apply(&self, settings: &NetworkSettings) -> Result<()>;
}

/// What is set, what is tried.
pub struct Network {
    kernel: Box<dyn Kernel>,
    executor: Executor,
    /// Where confirmed settings are written.
    file: PathBuf,
    confirmed: RefCell<NetworkSettings>,
    trial: RefCell<Option<Trial>>,
    /// Counts the trials: an old one that ends late ends nothing.
    number: Cell<u64>,
    length: Duration,
    /// Whether it could be set up at the start.
    is_up: bool,
}

struct Trial {
    number: u64,
    settings: NetworkSettings,
    until: Instant,
    is_applied: bool,
}

impl Network {
    /// The network as it is set up already by these settings.
    pub fn new(executor: Executor, kernel: Box<dyn Kernel>, file: PathBuf, confirmed: NetworkSettings) -> Network {
        Network {
            kernel,
            executor,
            file,
            confirmed: RefCell::new(confirmed),
            trial: RefCell::new(None),
            number: Cell::new(0),
            length: TRIAL,
            is_up: true,
        }
    }

    /// The settings, and those on trial with the seconds that are left.
    pub fn show(&self) -> Value {
        let trial = self.trial.borrow();
        let trial = trial.as_ref().map(|trial| {
            let left = trial.until.saturating_duration_since(Instant::now());
            json!({ "settings": trial.settings.to_json(), "seconds_left": left.as_secs_f64().ceil() as u64 })
        });
        json!({ "settings": self.confirmed.borrow().to_json(), "trial": trial })
    }

    /// Tries other settings; a trial that runs is replaced, and what counts when it fails is what was confirmed last.
    pub fn try_out(self: &Rc<Network>, settings: NetworkSettings) {
        let number = self.number.get() + 1;
        self.number.set(number);
        let until = Instant::now() + FAREWELL + self.length;
        *self.trial.borrow_mut() = Some(Trial { number, settings: settings.clone(), until, is_applied: false });
        let network = Rc::clone(self);
        let trying = async move {
            Timer::after(FAREWELL).await;
            if !network.is_on_trial(number) {
                return;
            }
            say("the network is changed, on trial");
            defmt::info!("the network is changed, on trial");
            network.apply(&settings);
            network.trial.borrow_mut().iter_mut().for_each(|trial| trial.is_applied = true);
            Timer::at(until).await;
            if network.is_on_trial(number) {
                say("nobody has confirmed the network, it is as it was before");
                defmt::warn!("the network is as it was before");
                *network.trial.borrow_mut() = None;
                let confirmed = network.confirmed.borrow().clone();
                network.apply(&confirmed);
            }
        };
        self.executor.spawn(trying).detach();
    }

    /// Keeps what is on trial.
    pub fn confirm(&self) -> Result<(), String> {
        let mut trial = self.trial.borrow_mut();
        let Some(running) = trial.as_ref() else { return Err("there are no settings on trial".to_owned()) };
        if !running.is_applied {
            return Err("the settings are not in use yet".to_owned());
        }
        stored::write(&self.file, &running.settings)
            .map_err(|error| format!("the settings cannot be kept: {error:#}"))?;
        self.confirmed.replace(running.settings.clone());
        *trial = None;
        say("the network is confirmed");
        defmt::info!("the network is confirmed");
        Ok(())
    }

    fn is_on_trial(&self, number: u64) -> bool {
        self.trial.borrow().as_ref().is_some_and(|trial| trial.number == number)
    }

    fn apply(&self, settings: &NetworkSettings) {
        if let Err(error) = self.kernel.apply(settings) {
            say(format_args!("the network is not as it should be: {error:#}"));
            defmt::error!("the network is not as it should be");
        }
    }
}

/// The address of the box's hardware, as it stands on labels.
pub fn hardware_address_of_the_box() -> Option<String> {
    let octets = applied::hardware_address(applied::INTERFACE).ok()?;
    Some(octets.map(|octet| format!("{octet:02x}")).join(":"))
}

/// Sets the network up for the first time: by what was confirmed last, or else by the command line. Where DHCP has a say, the channel
/// hears of each address, with the network's time servers.
pub fn up(
    executor: Executor,
    by_command_line: &NetworkSettings,
    file: PathBuf,
    has_address: Sender<Vec<Ipv4Addr>>,
) -> Rc<Network> {
    let settings = match stored::read(&file) {
        Ok(Some(settings)) => settings,
        Ok(None) => by_command_line.clone(),
        Err(error) => {
            say(format_args!("the settings of the network are ignored: {error:#}"));
            defmt::warn!("the settings of the network are ignored");
            by_command_line.clone()
        }
    };
    let kernel = Applied::new(executor, has_address);
    let applied = kernel.apply(&settings);
    if let Err(error) = &applied {
        say(format_args!("no network: {error:#}"));
        defmt::error!("no network");
    }
    let network = Network::new(executor, Box::new(kernel), file, settings);
    Rc::new(Network { is_up: applied.is_ok(), ..network })
}

impl Network {
    /// Whether an IPv4 address is to come from the network.
    pub fn waits_for_dhcp(&self) -> bool {
        self.is_up && self.confirmed.borrow().ipv4 == settings::Ipv4Wish::Dhcp
    }

    /// The name that was given to the box.
    pub fn hostname(&self) -> String {
        match &*self.trial.borrow() {
            Some(trial) if trial.is_applied => trial.settings.hostname.clone(),
            _ => self.confirmed.borrow().hostname.clone(),
        }
    }
}
