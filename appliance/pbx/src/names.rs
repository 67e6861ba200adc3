//! Where names are: asked of the world once, remembered as long as it is true, and longer while nobody can be asked.
//!
//! A call never waits for a name that was looked up before: an old answer is used at once, and asked for again beside it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustc_hash::FxHashMap;
use sip::{Flow, Transport};
use uuid::Uuid;

use crate::call::{CallKey, LegKey};
use crate::context::Context;
use crate::exchange::Output;
use crate::{Time, limits};

/// What is asked (RFC 3263 §4): a name or an address, and what of the answer is known already.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name, or an address.
    pub host: String,
    /// The port, where it is given.
    pub port: Option<u16>,
    /// The transport, where it is given.
    pub transport: Option<Transport>,
    /// Whether it may be TLS where none is given: whoever asks knows who has to be there.
    pub may_be_tls: bool,
}

/// One place where a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// How it is reached.
    pub transport: Transport,
    /// Our address as it is reached from.
    pub local: SocketAddr,
    /// Its address.
    pub remote: SocketAddr,
}

/// One of the servers of a name (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Those with the lowest are asked first.
    pub priority: u16,
    /// Its share among those of the same priority.
    pub weight: u16,
    /// Its addresses, the best one first; at least one.
    pub places: Vec<Place>,
}

/// Where a name is, and for how long that is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// At least one.
    pub servers: Vec<Server>,
    /// How long.
    pub life: Duration,
}

/// Why it is not known where a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// There is no such name, or it has no address.
    NoSuchName,
    /// No name server answered.
    NoAnswer,
}

/// Who waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiter {
    /// A leg that is to be rung there.
    Leg(LegKey),
    /// A provider that is to be told something.
    Provider(Uuid),
    /// Whoever wants to know where the world sees us.
    PublicAddress,
    /// A call whose flow has to do with somebody there.
    Flow(CallKey),
}

/// What is known at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// It is there.
    At(Vec<Place>),
    /// It is nowhere, as far as one knows.
    Nowhere(Unresolved),
    /// It is being looked up; the waiter is told.
    Asked,
}

/// What is remembered of names.
#[derive(Debug, Default)]
pub struct Names {
    known: FxHashMap<Question, Known>,
}

#[derive(Debug)]
struct Known {
    servers: Vec<Server>,
    failure: Unresolved,
    until: Time,
    asked: bool,
    waiting: Vec<Waiter>,
}

impl Place {
    /// The way there.
    pub fn flow(&self) -> Flow {
        let Place { transport, local, remote } = *self;
        Flow { transport, local, remote, connection: None }
    }
}

impl Question {
    /// The address, where it is one already.
    pub fn literal(&self) -> Option<SocketAddr> {
        let host = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        let address: IpAddr = host.parse().ok()?;
        Some(SocketAddr::new(address, self.port.unwrap_or(default_port(self.transport))))
    }
}

/// The port of SIP where none is said (RFC 3261 §19.1.2).
pub fn default_port(transport: Option<Transport>) -> u16 {
    if transport == Some(Transport::Tls) { 5061 } else { 5060 }
}

impl Names {
    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The places known of a name, however old.
    pub fn places(&self, question: &Question) -> impl Iterator<Item = &Place> {
        let servers = self.known.get(question).map_or(&[][..], |known| &known.servers);
        servers.iter().flat_map(|server| &server.places)
    }

    /// Makes room for one more: what is not waited for and was true the longest time ago goes.
    fn make_room(&mut self) {
        if self.known.len() < limits::NAMES {
            return;
        }
        let idle = self.known.iter().filter(|(_, known)| !known.asked);
        if let Some(oldest) = idle.min_by_key(|(_, known)| known.until).map(|(question, _)| question.clone()) {
            self.known.remove(&oldest);
        }
    }
}

/// Where a name is. Asks the world where that is not known, or not known to be still true.
pub fn locate(ctx: &mut Context, question: &Question, waiter: Waiter) -> Located {
    if let Some(place) = at_once(ctx, question) {
        return Located::At(vec![place]);
    }
    let now = ctx.now;
    if !ctx.names.known.contains_key(question) {
        ctx.names.make_room();
        if ctx.names.known.len() >= limits::NAMES {
            return Located::Nowhere(Unresolved::NoAnswer);
        }
        let nothing =
            Known { servers: Vec::new(), failure: Unresolved::NoAnswer, until: now, asked: false, waiting: Vec::new() };
        ctx.names.known.insert(question.clone(), nothing);
    }
    let Some(known) = ctx.names.known.get_mut(question) else { return Located::Nowhere(Unresolved::NoAnswer) };
    let ask = known.until <= now && !known.asked;
    known.asked |= ask;
    let servers = known.servers.clone();
    let located = if !servers.is_empty() {
        Located::At(Vec::new())
    } else if known.asked {
        if !known.waiting.contains(&waiter) {
            known.waiting.push(waiter);
        }
        Located::Asked
    } else {
        Located::Nowhere(known.failure)
    };
    if ask {
        ctx.output(Output::Resolve(question.clone()));
    }
    match located {
        Located::At(_) => Located::At(draw(servers, |bound| ctx.random_below(bound))),
        unknown => unknown,
    }
}

/// The places of servers in the order in which they are tried: by priority, and drawn by weight among those that are alike
/// (RFC 2782), anew each time.
fn draw(mut servers: Vec<Server>, mut random_below: impl FnMut(u64) -> u64) -> Vec<Place> {
    // Those without weight stand first, so that they are drawn now and then.
    servers.sort_by_key(|server| (server.priority, server.weight != 0));
    let mut places = Vec::new();
    while let Some(first) = servers.first() {
        let alike = servers.iter().take_while(|server| server.priority == first.priority).count();
        let total: u64 = servers[..alike].iter().map(|server| u64::from(server.weight)).sum();
        let drawn = if alike > 1 { random_below(total + 1) } else { 0 };
        let mut sum = 0;
        let is_it = |server: &Server| {
            sum += u64::from(server.weight);
            sum >= drawn
        };
        let place = servers[..alike].iter().position(is_it).unwrap_or(0);
        places.extend(servers.remove(place).places);
    }
    places
}

/// An address needs nobody to be asked, where we know our own.
fn at_once(ctx: &Context, question: &Question) -> Option<Place> {
    let remote = question.literal()?;
    let transport = question.transport.unwrap_or(Transport::Udp);
    let local = ctx.settings.own(transport);
    let is_known = !local.ip().is_unspecified() && local.is_ipv4() == remote.is_ipv4();
    is_known.then_some(Place { transport, local, remote })
}

/// The world has answered; returns who waited for it.
pub fn handle_resolved(ctx: &mut Context, question: &Question, answer: Result<Answer, Unresolved>) -> Vec<Waiter> {
    let now = ctx.now;
    let Some(known) = ctx.names.known.get_mut(question) else { return Vec::new() };
    known.asked = false;
    match answer {
        Ok(Answer { mut servers, life }) if !servers.is_empty() => {
            let mut room = limits::ADDRESSES;
            for server in &mut servers {
                server.places.truncate(room);
                room -= server.places.len();
            }
            servers.retain(|server| !server.places.is_empty());
            known.servers = servers;
            known.until = now + life.clamp(limits::NAME_LIFE.0, limits::NAME_LIFE.1);
        }
        failed => {
            // What was true once is better than nothing, unless we are told that it is not any more.
            let failure = failed.err().unwrap_or(Unresolved::NoSuchName);
            if failure == Unresolved::NoSuchName {
                known.servers.clear();
            }
            (known.failure, known.until) = (failure, now + limits::NAME_FAILURE);
        }
    }
    std::mem::take(&mut known.waiting)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha12Rng;

    use super::*;

    fn server(host: u8, priority: u16, weight: u16) -> Server {
        let address = |host| SocketAddr::from(([192, 0, 2, host], 5060));
        let place = Place { transport: Transport::Udp, local: address(1), remote: address(host) };
        Server { priority, weight, places: vec![place] }
    }

    fn first_of(servers: &[Server], draws: usize) -> std::collections::BTreeMap<u8, usize> {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let mut firsts = std::collections::BTreeMap::new();
        for _ in 0..draws {
            let drawn = draw(servers.to_vec(), |bound| rng.random_range(0..bound));
            assert_eq!(drawn.len(), servers.len(), "each of them once");
            let IpAddr::V4(first) = drawn[0].remote.ip() else { panic!("they are IPv4") };
            *firsts.entry(first.octets()[3]).or_default() += 1;
        }
        firsts
    }

    #[test]
    fn servers_are_drawn_by_their_weights() {
        let firsts = first_of(&[server(10, 1, 60), server(11, 1, 30), server(12, 1, 10), server(13, 2, 500)], 10_000);
        let within = |host: u8, from: usize, to: usize| assert!((from..to).contains(&firsts[&host]), "{firsts:?}");
        within(10, 5_700, 6_300);
        within(11, 2_700, 3_300);
        within(12, 800, 1_200);
        assert!(!firsts.contains_key(&13), "another priority: {firsts:?}");
        let few = first_of(&[server(10, 0, 0), server(11, 0, 99)], 10_000);
        assert!((50..200).contains(&few[&10]), "without weight there is a small chance: {few:?}");
        let none = first_of(&[server(10, 0, 0)], 10);
        assert_eq!(none[&10], 10);
    }

    #[test]
    fn the_next_priority_comes_when_all_of_the_first_are_through() {
        let servers = vec![server(10, 5, 1), server(11, 3, 1), server(12, 3, 65_535), server(13, 4, 0)];
        let hosts = |drawn: Vec<Place>| drawn.iter().map(|place| place.remote.ip().to_string()).collect::<Vec<_>>();
        let drawn = hosts(draw(servers.clone(), |bound| bound - 1));
        assert_eq!(drawn, ["192.0.2.12", "192.0.2.11", "192.0.2.13", "192.0.2.10"]);
        assert_eq!(hosts(draw(servers, |_| 0))[0], "192.0.2.11");
    }
}
