//! The client's side of DHCP as a machine without IO: discover, take, prolong (RFC 2131 section 4.4). Pure.
//!
//! Two deliberate differences: the first repetitions come after 1 and 2 s, not 4 and 8, because the network of a box that has
//! just been plugged in is often not up at the first try; and no address is declined, because nobody probes for its use.
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::message::{self, Reply, ReplyKind, Request, Sender};

/// Time since the client began.
pub type Time = Duration;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(64);
/// An offer that is not confirmed after so many requests is forgotten.
const TAKE_TRIES: u32 = 4;
/// A bound client repeats no faster (RFC 2131 section 4.4.5).
const PROLONG_RETRY: Duration = Duration::from_secs(60);
/// Shorter leases would have the box do little else.
const SHORTEST_LEASE: Duration = Duration::from_secs(10);
/// After a refusal, so that a confused server is not asked without pause.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// What the network lends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub address: Ipv4Addr,
    pub prefix: u8,
    pub router: Option<Ipv4Addr>,
    pub name_servers: Vec<Ipv4Addr>,
    pub time_servers: Vec<Ipv4Addr>,
    pub server: Ipv4Addr,
    /// How long from the acknowledgement; `None` is for ever.
    pub length: Option<Duration>,
}

/// Where a message goes, always to port 67.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Everybody,
    Server(Ipv4Addr),
}

/// What the client wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Send {
        message: Vec<u8>,
        to: Destination,
    },
    /// Use this lease; it may be the one in use, prolonged.
    Bind(Lease),
    /// Stop using any.
    Unbind,
}

#[derive(Debug)]
enum State {
    /// Looking for a server.
    Selecting { tries: u32 },
    /// Waiting for the confirmation of an offer.
    Taking { server: Ipv4Addr, address: Ipv4Addr, tries: u32 },
    /// Having a lease; what to do next, and the times after which its server, any server, or nobody can prolong it.
    Bound { lease: Lease, renew_at: Time, rebind_at: Time, expires_at: Time },
}

/// A DHCP client for one interface.
#[derive(Debug)]
pub struct Client {
    hardware: [u8; 6],
    state: State,
    transaction: u32,
    asking_since: Time,
    next: Time,
    random: u64,
    actions: VecDeque<Action>,
}

impl Client {
    /// A client that asks at once. The seed makes transaction numbers hard to guess.
    pub fn new(now: Time, hardware: [u8; 6], seed: u64) -> Client {
        let state = State::Selecting { tries: 0 };
        let (actions, random) = (VecDeque::new(), seed);
        let mut client = Client { hardware, state, transaction: 0, asking_since: now, next: now, random, actions };
        client.transaction = client.draw();
        client.handle_timeout(now);
        client
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call `handle_timeout` next.
    pub fn poll_timeout(&self) -> Time {
        self.next
    }

    /// Asks, asks again, or lets go what has expired.
    pub fn handle_timeout(&mut self, now: Time) {
        if now < self.next {
            return;
        }
        match &mut self.state {
            State::Selecting { tries } => {
                let wait = retry_after(*tries);
                *tries += 1;
                self.send(now, Request::Discover, Destination::Everybody);
                self.next = now + self.jitter(wait);
            }
            State::Taking { tries, .. } if *tries >= TAKE_TRIES => self.select(now, Duration::ZERO),
            State::Taking { server, address, tries } => {
                let (request, wait) = (Request::Take { server: *server, address: *address }, retry_after(*tries));
                *tries += 1;
                self.send(now, request, Destination::Everybody);
                self.next = now + self.jitter(wait);
            }
            State::Bound { expires_at, .. } if now >= *expires_at => {
                self.actions.push_back(Action::Unbind);
                self.select(now, Duration::ZERO);
            }
            State::Bound { lease, renew_at, rebind_at, expires_at } => {
                let request = Request::Prolong { address: lease.address };
                let (to, phase_end) = match now >= *rebind_at {
                    true => (Destination::Everybody, *expires_at),
                    false => (Destination::Server(lease.server), *rebind_at),
                };
                let (expires_at, half) = (*expires_at, (phase_end - now) / 2);
                if self.asking_since < *renew_at {
                    self.asking_since = now;
                    self.transaction = self.draw();
                }
                self.send(now, request, to);
                let next = if half < PROLONG_RETRY { phase_end } else { now + half };
                self.next = next.min(expires_at);
            }
        }
    }

    /// Takes a packet from the network, whoever sent it.
    pub fn handle_packet(&mut self, now: Time, packet: &[u8]) {
        let Some(reply) = message::read(packet) else { return };
        if reply.transaction != self.transaction || reply.hardware != self.hardware {
            return;
        }
        match (&self.state, reply.kind) {
            (State::Selecting { .. }, ReplyKind::Offer) if lease_of(&reply).is_some() => {
                self.state = State::Taking { server: reply.server, address: reply.address, tries: 0 };
                self.next = now;
                self.handle_timeout(now);
            }
            (State::Taking { server, .. }, ReplyKind::Acknowledge) if *server == reply.server => self.bind(now, &reply),
            (State::Taking { server, .. }, ReplyKind::Refuse) if *server == reply.server => {
                self.select(now, REFUSED_PAUSE)
            }
            (State::Bound { lease, renew_at, .. }, kind) if now >= *renew_at && self.asking_since >= *renew_at => {
                match kind {
                    ReplyKind::Acknowledge if lease.address == reply.address => self.bind(now, &reply),
                    ReplyKind::Refuse => {
                        self.actions.push_back(Action::Unbind);
                        self.select(now, REFUSED_PAUSE);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn bind(&mut self, now: Time, reply: &Reply) {
        let Some(lease) = lease_of(reply) else { return };
        let for_ever = Duration::from_secs(u64::from(u32::MAX)) * 100;
        let length = lease.length.unwrap_or(for_ever);
        let given = |seconds: Option<u32>| seconds.map(|seconds| Duration::from_secs(u64::from(seconds)));
        let rebind = given(reply.rebinding_time).filter(|time| *time < length).unwrap_or(length * 7 / 8);
        let renew = given(reply.renewal_time).filter(|time| *time < rebind).unwrap_or((length / 2).min(rebind));
        // What the server says of the times may leave no room between them; asking without pause helps nobody.
        let renew = renew.max(SHORTEST_LEASE / 2);
        self.next = now + renew;
        self.actions.push_back(Action::Bind(lease.clone()));
        let (renew_at, rebind_at, expires_at) = (now + renew, now + rebind.max(renew), now + length);
        self.state = State::Bound { lease, renew_at, rebind_at, expires_at };
    }

    fn select(&mut self, now: Time, pause: Duration) {
        self.state = State::Selecting { tries: 0 };
        self.transaction = self.draw();
        self.asking_since = now + pause;
        self.next = now + pause;
        self.handle_timeout(now);
    }

    fn send(&mut self, now: Time, request: Request, to: Destination) {
        let elapsed = now.saturating_sub(self.asking_since);
        let sender = Sender { transaction: self.transaction, hardware: self.hardware, elapsed };
        self.actions.push_back(Action::Send { message: message::write(request, &sender), to });
    }

    /// A quarter more or less, so that a house full of boxes does not ask in step after a power cut.
    fn jitter(&mut self, wait: Duration) -> Duration {
        wait * 3 / 4 + wait / 2 * (self.draw() >> 16) / (1 << 16)
    }

    /// The next of a sequence of numbers (SplitMix64).
    fn draw(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 32) as u32
    }
}

fn retry_after(tries: u32) -> Duration {
    (FIRST_RETRY * 2u32.pow(tries.min(6))).min(LAST_RETRY)
}

/// The lease an answer gives, if an interface can use it.
fn lease_of(reply: &Reply) -> Option<Lease> {
    let address = reply.address;
    let usable =
        !(address.is_unspecified() || address.is_broadcast() || address.is_multicast() || address.is_loopback());
    let length = match reply.lease_time? {
        u32::MAX => None,
        seconds => Some(Duration::from_secs(u64::from(seconds))),
    };
    // Without a mask the network is as large as its class (RFC 950).
    let prefix = reply.prefix.unwrap_or(match address.octets()[0] {
        0..128 => 8,
        128..192 => 16,
        _ => 24,
    });
    let router = reply.router.filter(|router| !router.is_unspecified());
    let (name_servers, time_servers) = (reply.name_servers.clone(), reply.time_servers.clone());
    (usable && length.is_none_or(|length| length >= SHORTEST_LEASE)).then_some(Lease {
        address,
        prefix,
        router,
        name_servers,
        time_servers,
        server: reply.server,
        length,
    })
}

#[cfg(test)]
mod tests;
