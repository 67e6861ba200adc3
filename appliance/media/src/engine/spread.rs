//! The other engines' parts of a conference, each a seat without a phone: what they say comes as a frame every 20 ms, and
//! what our seats say goes to them.
//!
//! Every engine tells the others only what its own seats say, so that nothing goes round. A frame waits until a second one is there,
//! because neither engine ticks exactly when the other does; so a voice from another engine comes 20 to 40 ms later than one of ours.

use heapless::Deque;

use crate::engine::Engine;
use crate::limits;
use crate::mixer::{FRAME, Mixer, Presence};
use crate::partial::{Lane, Partial};
use crate::resampler::Resampler;
use crate::sample_rate::SampleRate;
use crate::{ConferenceId, Time};

/// Frames of another engine that wait at most; beyond it the oldest goes.
const WAITING: usize = 4;
/// Frames that are there before the first is heard.
const FIRST: usize = 2;

/// Another engine's part of a conference.
#[derive(Debug)]
struct Link {
    waiting: Deque<Partial, WAITING>,
    /// Whether frames are heard; not before enough wait.
    flows: bool,
    presence: Presence,
    to_room: Resampler,
    said: [i16; FRAME],
    /// How much of it counts in this tick.
    len: usize,
}

/// All of them, and what they are told.
#[derive(Debug)]
pub(super) struct Spread {
    lanes: Vec<Lane>,
    links: Vec<Box<Link>>,
    ours: Box<Partial>,
}

impl Spread {
    pub(super) fn new(conference: ConferenceId, rate: SampleRate) -> Spread {
        Spread { lanes: Vec::new(), links: Vec::new(), ours: Box::new(Partial::silence(conference, rate)) }
    }

    /// How many other engines there are.
    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    fn add(&mut self, lane: Lane) -> Option<()> {
        if self.lanes.contains(&lane) || self.lanes.len() >= limits::LANES {
            return None;
        }
        let rate = self.ours.rate;
        self.lanes.push(lane);
        self.links.push(Box::new(Link {
            waiting: Deque::new(),
            flows: false,
            presence: Presence::default(),
            to_room: Resampler::new(rate, rate),
            said: [0; FRAME],
            len: 0,
        }));
        Some(())
    }

    /// The room has another rate from now on.
    pub(super) fn speak_at(&mut self, rate: SampleRate) {
        self.ours.rate = rate;
        for link in &mut self.links {
            link.to_room = Resampler::new(link.to_room.from(), rate);
            link.len = 0;
        }
    }

    /// Hears the other engines; `first` is the mixer's number of the first of them.
    pub(super) fn listen(&mut self, first: usize, mixer: &mut Mixer) {
        for (place, link) in self.links.iter_mut().enumerate() {
            link.listen();
            if link.len > 0 {
                mixer.propose(first + place, link.presence);
            }
        }
    }

    /// What the other engine says in this tick whose place this is.
    pub(super) fn said(&self, place: usize) -> &[i16] {
        self.links.get(place).map_or(&[], |link| &link.said[..link.len])
    }

    /// Takes down what our seats say: the sum so far, if any of them says anything.
    pub(super) fn tell(&mut self, sum: Option<&Mixer>) {
        match sum {
            Some(mixer) => mixer.hear(None, self.ours.frame()),
            None => *self.ours = Partial::silence(self.ours.conference, self.ours.rate),
        }
    }

    fn take(&mut self, from: Lane, partial: &Partial) -> Option<()> {
        let place = self.lanes.iter().position(|lane| *lane == from)?;
        let waiting = &mut self.links[place].waiting;
        if waiting.is_full() {
            waiting.pop_front();
        }
        waiting.push_back(partial.clone()).ok()
    }
}

impl Link {
    fn listen(&mut self) {
        self.flows |= self.waiting.len() >= FIRST;
        let partial = if self.flows { self.waiting.pop_front() } else { None };
        self.flows = partial.is_some();
        let Some(partial) = partial.filter(|partial| !partial.pcm().is_empty()) else {
            self.len = 0;
            return self.presence.rest();
        };
        if partial.rate != self.to_room.from() {
            self.to_room = Resampler::new(partial.rate, self.to_room.to());
        }
        self.len = self.to_room.process(partial.pcm(), &mut self.said);
        self.presence.hear(&self.said[..self.len]);
    }
}

impl Engine {
    pub(super) fn link_conference(&mut self, conference: ConferenceId, with: Lane) -> Option<()> {
        let room = self.rooms.conference(conference)?;
        let room = self.rooms.get_mut(room)?;
        let rate = room.rate;
        room.spread.get_or_insert_with(|| Box::new(Spread::new(conference, rate))).add(with)?;
        room.make_places();
        Some(())
    }

    /// What those who sit here said in the tick of a conference that was due, for these other engines. To be asked for after
    /// each [`Engine::handle_timeout`].
    pub fn poll_partial(&mut self) -> Option<(&[Lane], &Partial)> {
        let is_spread = |rooms: &super::Rooms, id| rooms.get(id).is_some_and(|room| room.spread.is_some());
        let id = loop {
            let id = self.rooms.next_spread()?;
            if is_spread(&self.rooms, id) {
                break id;
            }
        };
        let spread = self.rooms.get(id)?.spread.as_deref()?;
        Some((&spread.lanes, &spread.ours))
    }

    /// Another engine tells what is said there. Of a conference that is not here, or not linked with it, it is counted and
    /// dropped.
    pub fn handle_partial(&mut self, _now: Time, from: Lane, partial: &Partial) {
        let room = self.rooms.conference(partial.conference).and_then(|id| self.rooms.get_mut(id));
        let taken = room.and_then(|room| room.spread.as_mut()?.take(from, partial));
        if taken.is_none() {
            self.outbox.counters.stray_partials += 1;
        }
    }
}
