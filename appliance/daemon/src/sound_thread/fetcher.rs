//! Fetches sounds from the network, a few at a time, in threads that are there only while there is something to fetch.
//!
//! Whoever names a URL may be a stranger: a flow is written by a customer. So nothing is fetched that can only be had from
//! this box itself or from beside it: no address of its own, no loopback, no link-local one (where clouds keep their secrets), wherever a
//! redirect or a name server leads. What answers slowly, never ends or lies about its length is given up.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::Order;
use super::cache::Cache;
use crate::limits;
use crate::queue::Queue;

/// What came of fetching a URL. If there is no reason, it is in the cache.
#[derive(Debug)]
pub struct Arrived {
    /// The URL.
    pub url: String,
    /// Why it is not there, in words.
    pub failure: Option<String>,
}

/// Which addresses sounds are fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All but our own.
    Others,
    /// Web servers of tests are on this box.
    #[cfg(test)]
    Anywhere,
}

/// Fetches.
#[derive(Debug)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cache: Cache,
    reach: Reach,
    orders: Queue<Order>,
    agent: OnceLock<Agent>,
    work: Mutex<Work>,
}

#[derive(Debug, Default)]
struct Work {
    waiting: VecDeque<String>,
    threads: usize,
}

impl Fetcher {
    /// What is fetched goes into `cache`, and is told by `orders`.
    pub fn new(cache: Cache, reach: Reach, orders: Queue<Order>) -> Fetcher {
        let (agent, work) = (OnceLock::new(), Mutex::default());
        Fetcher { shared: Arc::new(Shared { cache, reach, orders, agent, work }) }
    }

    /// Begins to fetch a URL that is not being fetched.
    pub fn fetch(&self, url: &str) -> Result<(), String> {
        let mut work = self.shared.work();
        if work.waiting.len() >= limits::FETCHES_WAITING {
            return Err("too many sounds are fetched already".into());
        }
        if work.threads < limits::FETCHES {
            let shared = self.shared.clone();
            let thread = std::thread::Builder::new().name("fetch".into()).stack_size(512 * 1_024);
            match thread.spawn(move || shared.run()) {
                Ok(_) => work.threads += 1,
                Err(error) if work.threads == 0 => return Err(format!("there is no thread to fetch it: {error}")),
                // Those that run come to it.
                Err(_) => {}
            }
        }
        work.waiting.push_back(url.to_owned());
        Ok(())
    }
}

impl Shared {
    fn work(&self) -> MutexGuard<'_, Work> {
        // Nothing in here panics half way.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches until nothing waits.
    fn run(&self) {
        loop {
            let next = {
                let mut work = self.work();
                let next = work.waiting.pop_front();
                work.threads -= usize::from(next.is_none());
                next
            };
            let Some(url) = next else { return };
            let failure = self.fetch(&url).err();
            self.orders.push_always(Order::Arrived(Arrived { url, failure }));
            self.orders.ring();
        }
    }

    fn fetch(&self, url: &str) -> Result<(), String> {
        let agent = self.agent.get_or_init(|| agent(self.reach));
        let mut answer = agent.get(url).call().map_err(in_words)?;
        if answer.status() != 200 {
            return Err(format!("the server answers {}", answer.status()));
        }
        // The cache has the limit: one octet more tells that there are too many.
        let body = answer.body_mut().with_config().limit(limits::SOUND_FILE + 1);
        self.cache.keep(url, body.reader())
    }
}

fn in_words(error: Error) -> String {
    match error {
        Error::TooManyRedirects => format!("it is redirected more than {} times", limits::REDIRECTS),
        Error::Timeout(_) => "the server takes too long".into(),
        Error::Other(refused) => refused.to_string(),
        error => error.to_string(),
    }
}

fn agent(reach: Reach) -> Agent {
    let config = Config::builder()
        .timeout_resolve(Some(limits::FETCH_CONNECT))
        .timeout_connect(Some(limits::FETCH_CONNECT))
        .timeout_global(Some(limits::FETCH))
        .max_redirects(limits::REDIRECTS)
        .http_status_as_error(false)
        // What stands in our environment is not for what customers ask for.
        .proxy(None)
        .max_idle_connections(0)
        .user_agent(concat!("tandem/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Guard { reach, names: DefaultResolver::default() })
}

/// Looks names up, and lets nobody in who is not meant.
#[derive(Debug)]
struct Guard {
    reach: Reach,
    names: DefaultResolver,
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        if self.reach == Reach::Others && found.iter().any(|address| is_near(address.ip())) {
            let refused = format!("{} is an address of this box or beside it", uri.host().unwrap_or_default());
            return Err(Error::Other(io::Error::other(refused).into()));
        }
        Ok(found)
    }
}

/// Whether it is an address of this box, or one that has no meaning beyond its cables.
fn is_near(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_special = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_unicast_link_local() || embeds_near(v6),
    };
    // The kernel lets a socket have exactly those addresses that are ours.
    is_special
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || UdpSocket::bind((address, 0)).is_ok()
}

/// Translators (RFC 6052's well-known prefix) lead to the IPv4 address at its end.
fn embeds_near(address: Ipv6Addr) -> bool {
    let octets = address.octets();
    let v4: [u8; 4] = [octets[12], octets[13], octets[14], octets[15]];
    octets[..12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] && is_near(IpAddr::from(v4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_box_and_beside_it_are_near() {
        for near in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(is_near(near.parse().expect("an address")), "{near}");
        }
        // Addresses for documentation (RFC 5737, RFC 3849) are nobody's, and so not ours.
        for far in ["192.0.2.7", "203.0.113.80", "2001:db8::7", "64:ff9b::c000:207"] {
            assert!(!is_near(far.parse().expect("an address")), "{far}");
        }
    }
}
