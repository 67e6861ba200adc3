//! Where names are: asked of the world once, remembered as long as it is true, and longer while nobody can be asked.
//!
//! A call never waits for a name that was looked up before: an old answer is used at once, and asked for again beside it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustc_hash::FxHashMap;
use sip::{Flow, Transport};
use uuid::Uuid;

use crate::call::LegKey;
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

/// Where a name is, best place first, and for how long that is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// At least one.
    pub places: Vec<Place>,
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
    places: Vec<Place>,
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
        Some(SocketAddr::new(address, self.port.unwrap_or(5060)))
    }
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
    pub fn places(&self, question: &Question) -> &[Place] {
        self.known.get(question).map_or(&[], |known| &known.places)
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
            Known { places: Vec::new(), failure: Unresolved::NoAnswer, until: now, asked: false, waiting: Vec::new() };
        ctx.names.known.insert(question.clone(), nothing);
    }
    let Some(known) = ctx.names.known.get_mut(question) else { return Located::Nowhere(Unresolved::NoAnswer) };
    let ask = known.until <= now && !known.asked;
    known.asked |= ask;
    let located = if !known.places.is_empty() {
        Located::At(known.places.clone())
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
    located
}

/// An address needs nobody to be asked, where we know our own.
fn at_once(ctx: &Context, question: &Question) -> Option<Place> {
    let remote = question.literal()?;
    let local = ctx.settings.sip;
    let is_known = !local.ip().is_unspecified() && local.is_ipv4() == remote.is_ipv4();
    is_known.then(|| Place { transport: question.transport.unwrap_or(Transport::Udp), local, remote })
}

/// The world has answered; returns who waited for it.
pub fn handle_resolved(ctx: &mut Context, question: &Question, answer: Result<Answer, Unresolved>) -> Vec<Waiter> {
    let now = ctx.now;
    let Some(known) = ctx.names.known.get_mut(question) else { return Vec::new() };
    known.asked = false;
    match answer {
        Ok(Answer { mut places, life }) if !places.is_empty() => {
            places.truncate(limits::ADDRESSES);
            known.places = places;
            known.until = now + life.clamp(limits::NAME_LIFE.0, limits::NAME_LIFE.1);
        }
        failed => {
            // What was true once is better than nothing, unless we are told that it is not any more.
            let failure = failed.err().unwrap_or(Unresolved::NoSuchName);
            if failure == Unresolved::NoSuchName {
                known.places.clear();
            }
            (known.failure, known.until) = (failure, now + limits::NAME_FAILURE);
        }
    }
    std::mem::take(&mut known.waiting)
}
