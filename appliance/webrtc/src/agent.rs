//! All ways to browsers: which datagram belongs to which, and what comes of it.

use std::collections::{BTreeSet, VecDeque};

use media::srtp::Keys;
use media::webrtc::{Command, Credentials, Event, Loss};
use media::{StreamId, Time};
use rustc_hash::FxHashMap;

use crate::check::Check;
use crate::counters::Counters;
use crate::handshake::Identity;
use crate::limits;
use crate::path::{Connection, Path};
use crate::session::{Session, Wish};

/// A datagram that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// From where to where.
    pub path: Path,
    /// What.
    pub octets: Vec<u8>,
}

/// A way that audio is to take from now on.
#[derive(Debug)]
pub struct HandOver {
    /// Whose audio.
    pub stream: StreamId,
    /// From where to where.
    pub path: Path,
    /// By which keys it is encrypted.
    pub keys: Keys,
}

/// All ways to browsers.
pub struct Agent {
    identity: Identity,
    sessions: FxHashMap<StreamId, Session>,
    names: FxHashMap<String, StreamId>,
    paths: FxHashMap<Path, StreamId>,
    agenda: BTreeSet<(Time, StreamId)>,
    booked: FxHashMap<StreamId, Time>,
    transmits: VecDeque<Transmit>,
    hand_overs: VecDeque<HandOver>,
    events: VecDeque<Event>,
    counters: Counters,
    wishes: Vec<Wish>,
}

impl Agent {
    /// Nobody is expected yet.
    pub fn new(identity: Identity) -> Agent {
        Agent {
            identity,
            sessions: FxHashMap::default(),
            names: FxHashMap::default(),
            paths: FxHashMap::default(),
            agenda: BTreeSet::new(),
            booked: FxHashMap::default(),
            transmits: VecDeque::new(),
            hand_overs: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            wishes: Vec::new(),
        }
    }

    /// Carries out an order.
    pub fn handle_command(&mut self, now: Time, command: Command) {
        match command {
            Command::Expect { stream, ours } => {
                self.expect(now, stream, ours);
            }
            Command::Agree { stream, theirs } => {
                let Some(session) = self.sessions.get_mut(&stream) else { return };
                session.agree(now, &self.identity, theirs, &mut self.wishes);
                self.settle(now, stream);
            }
            Command::Close { stream } => {
                if let Some(session) = self.sessions.get_mut(&stream) {
                    session.close(now, &mut self.wishes);
                    self.fulfil(stream);
                    self.forget(stream);
                }
            }
        }
    }

    /// A datagram came. What it is, its first octet says (RFC 7983 §7).
    pub fn handle_datagram(&mut self, now: Time, path: Path, datagram: &[u8]) {
        match datagram.first() {
            Some(0..=3) => self.handle_stun(now, path, datagram),
            Some(20..=63) => {
                let Some(&stream) = self.paths.get(&path) else {
                    self.counters.unexpected += 1;
                    return;
                };
                if let Some(session) = self.sessions.get_mut(&stream) {
                    session.handle_handshake(now, path, datagram, &mut self.wishes);
                    self.settle(now, stream);
                }
            }
            Some(128..=191) => self.counters.stray_media += 1,
            _ => self.counters.malformed += 1,
        }
    }

    /// A TCP connection is gone. A browser whose way it was may come by another.
    pub fn handle_closed(&mut self, connection: Connection) {
        let is_gone = |path: &Path| path.connection == Some(connection);
        let gone: Vec<StreamId> = self.paths.iter().filter(|(path, _)| is_gone(path)).map(|(_, of)| *of).collect();
        for stream in gone {
            if let Some(session) = self.sessions.get_mut(&stream) {
                session.forget_connection(connection);
            }
        }
        self.paths.retain(|path, _| !is_gone(path));
    }

    /// It is late.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(&(at, stream)) = self.agenda.first().filter(|(at, _)| *at <= now) {
            self.agenda.remove(&(at, stream));
            self.booked.remove(&stream);
            if let Some(session) = self.sessions.get_mut(&stream) {
                session.handle_timeout(now, &mut self.wishes);
                self.settle(now, stream);
            }
        }
    }

    /// When [`Agent::handle_timeout`] wants to be called, at the latest.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next way that audio is to take.
    pub fn poll_hand_over(&mut self) -> Option<HandOver> {
        self.hand_overs.pop_front()
    }

    /// The next thing that the exchange should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        Counters { sessions: self.sessions.len() as u64, ..self.counters }
    }

    fn expect(&mut self, now: Time, stream: StreamId, ours: Credentials) {
        let name = ours.ufrag.clone();
        if let Some(session) = self.sessions.get_mut(&stream) {
            if let Some(past) = session.expect(now, ours) {
                self.names.remove(&past);
            }
        } else if self.sessions.len() >= limits::SESSIONS {
            self.counters.refused += 1;
            self.events.push_back(Event::Lost { stream, reason: Loss::TooMany });
            return;
        } else {
            self.sessions.insert(stream, Session::new(now, stream, ours));
        }
        self.names.insert(name, stream);
        self.settle(now, stream);
    }

    fn handle_stun(&mut self, now: Time, path: Path, datagram: &[u8]) {
        let Some(check) = Check::read(datagram) else {
            self.counters.malformed += 1;
            return;
        };
        if check.is_indication() {
            let session = self.paths.get(&path).and_then(|stream| self.sessions.get_mut(stream));
            return session.into_iter().for_each(|session| session.handle_indication(now, path));
        }
        let Some(&stream) = self.names.get(check.names().0) else {
            self.counters.unknown += 1;
            return;
        };
        let Some(session) = self.sessions.get_mut(&stream) else { return };
        if !session.handle_check(now, path, &check, &mut self.wishes) {
            self.counters.not_authentic += 1;
            return;
        }
        self.counters.checks += 1;
        if self.paths.get(&path) != Some(&stream) {
            self.paths.insert(path, stream);
            let session = &self.sessions[&stream];
            self.paths.retain(|path, of| *of != stream || session.paths().any(|known| known == *path));
        }
        self.settle(now, stream);
    }

    /// Does what a session wished, and notes when it wants to be called again.
    fn settle(&mut self, now: Time, stream: StreamId) {
        self.fulfil(stream);
        let Some(session) = self.sessions.get(&stream) else { return };
        // One that is late already is called once the clock has moved.
        let at = session.deadline().max(now + std::time::Duration::from_millis(1));
        if let Some(before) = self.booked.insert(stream, at) {
            self.agenda.remove(&(before, stream));
        }
        self.agenda.insert((at, stream));
    }

    fn fulfil(&mut self, stream: StreamId) {
        let mut wishes = std::mem::take(&mut self.wishes);
        for wish in wishes.drain(..) {
            match wish {
                // What is lost is sent again.
                Wish::Send(..) if self.transmits.len() >= limits::TRANSMITS => self.counters.dropped += 1,
                Wish::Send(path, octets) => self.transmits.push_back(Transmit { path, octets }),
                Wish::Forget(name) => drop(self.names.remove(&name).is_some()),
                Wish::HandOver(path, keys) => self.hand_overs.push_back(HandOver { stream, path, keys }),
                Wish::Tell(event) => self.tell(event),
                Wish::End(reason) => self.end(stream, reason),
            }
        }
        self.wishes = wishes;
    }

    fn tell(&mut self, event: Event) {
        match &event {
            Event::Secured { .. } => self.counters.handshakes += 1,
            Event::Found { moved: true, .. } => self.counters.moves += 1,
            Event::Found { .. } | Event::Lost { .. } => {}
        }
        self.events.push_back(event);
    }

    fn end(&mut self, stream: StreamId, reason: Loss) {
        match reason {
            Loss::NotSecured | Loss::Fingerprint => self.counters.handshakes_failed += 1,
            Loss::Silent => self.counters.silent += 1,
            Loss::NotFound | Loss::Closed | Loss::TooMany => {}
        }
        if self.sessions.contains_key(&stream) {
            self.forget(stream);
            self.events.push_back(Event::Lost { stream, reason });
        }
    }

    fn forget(&mut self, stream: StreamId) {
        let Some(session) = self.sessions.remove(&stream) else { return };
        for name in session.names() {
            self.names.remove(name);
        }
        self.paths.retain(|_, of| *of != stream);
        if let Some(at) = self.booked.remove(&stream) {
            self.agenda.remove(&(at, stream));
        }
    }
}
