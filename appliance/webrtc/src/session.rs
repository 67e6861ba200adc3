//! The way to one browser: who may come by it, where it is, and how it is secured.

use media::srtp::Keys;
use media::webrtc::{Agreement, Credentials, Event, Loss};
use media::{StreamId, Time};

use crate::check::Check;
use crate::handshake::{Handshake, Identity, Secured, Step};
use crate::limits;
use crate::path::{Connection, Path};

/// What a session wants done.
#[derive(Debug)]
pub enum Wish {
    /// To be sent along a path.
    Send(Path, Vec<u8>),
    /// The engine is to use this path, with these keys.
    HandOver(Path, Keys),
    /// A name of ours counts no more.
    Forget(String),
    /// The exchange is to hear of it.
    Tell(Event),
    /// It is over.
    End(Loss),
}

/// A way that a check has come by.
#[derive(Debug, Clone, Copy)]
struct Known {
    path: Path,
    priority: u32,
    checked_at: Time,
}

/// How far the handshake has come.
enum Security {
    /// Nobody knows yet with whom.
    Unknown,
    /// It goes on.
    Running(Box<Handshake>),
    /// It is over, and audio may flow. Messages may be repeated.
    Done(Box<Handshake>, Keys),
}

/// The way to one browser.
pub struct Session {
    stream: StreamId,
    /// The newest last; those before count until a browser comes by the newest.
    ours: Vec<Credentials>,
    theirs: Option<Agreement>,
    /// Their name before a restart.
    before: Option<String>,
    known: Vec<Known>,
    chosen: Option<Path>,
    /// When a path was chosen first, and when last.
    chosen_at: Option<(Time, Time)>,
    /// Since when we wait for what is to come next.
    since: Time,
    /// When the browser was heard last.
    heard_at: Time,
    /// The browser said goodbye.
    closed_at: Option<Time>,
    security: Security,
    /// What came of a handshake before we knew whose it is.
    early: Vec<(Path, Vec<u8>)>,
}

impl Session {
    /// A session that answers to these credentials.
    pub fn new(now: Time, stream: StreamId, ours: Credentials) -> Session {
        Session {
            stream,
            ours: vec![ours],
            theirs: None,
            before: None,
            known: Vec::new(),
            chosen: None,
            chosen_at: None,
            since: now,
            heard_at: now,
            closed_at: None,
            security: Security::Unknown,
            early: Vec::new(),
        }
    }

    /// Our names, by which it is found.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.ours.iter().map(|ours| ours.ufrag.as_str())
    }

    /// The paths by which it is found.
    pub fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        self.known.iter().map(|known| known.path)
    }

    /// New credentials. Returns the name that counts no more.
    pub fn expect(&mut self, now: Time, ours: Credentials) -> Option<String> {
        if self.ours.contains(&ours) {
            return None;
        }
        self.since = now;
        self.ours.push(ours);
        (self.ours.len() > 2).then(|| self.ours.remove(0).ufrag)
    }

    /// Who comes.
    pub fn agree(&mut self, now: Time, identity: &Identity, theirs: Agreement, wishes: &mut Vec<Wish>) {
        let restarted = self.theirs.as_ref().filter(|before| before.ufrag != theirs.ufrag);
        if let Some(before) = restarted {
            self.before = Some(before.ufrag.clone());
        }
        if self.theirs.is_none() || restarted.is_some() {
            (self.since, self.heard_at) = (now, now);
        }
        let goes_on = match &self.security {
            Security::Unknown => false,
            Security::Running(with) | Security::Done(with, _) => with.is_with(&theirs.fingerprint, theirs.role),
        };
        if !goes_on {
            let handshake = Handshake::new(now, identity, theirs.role, theirs.fingerprint.clone());
            self.security = Security::Running(Box::new(handshake));
        }
        self.theirs = Some(theirs);
        for (path, datagram) in std::mem::take(&mut self.early) {
            self.handle_handshake(now, path, &datagram, wishes);
        }
        self.advance(now, None, wishes);
    }

    /// A check came. False: it is not authentic, or from somebody else.
    pub fn handle_check(&mut self, now: Time, path: Path, check: &Check<'_>, wishes: &mut Vec<Wish>) -> bool {
        let (ours, theirs) = check.names();
        let Some(place) = self.ours.iter().position(|known| known.ufrag == ours) else { return false };
        let is_theirs = |known: &Agreement| known.ufrag == theirs || self.before.as_deref() == Some(theirs);
        let password = &self.ours[place].password;
        if !self.theirs.as_ref().is_none_or(is_theirs) || !check.is_by(password) {
            return false;
        }
        wishes.push(Wish::Send(path, check.answer(path.remote, password)));
        if check.mistakes_roles() {
            return true;
        }
        self.heard_at = now;
        let first = self.note(now, path, check.priority());
        // A browser that comes by the new credentials has done with the old ones.
        let restarts = place > 0 && check.chooses();
        if restarts {
            wishes.extend(self.ours.drain(..place).map(|past| Wish::Forget(past.ufrag)));
            self.before = None;
        }
        if check.chooses() && self.follows(now, path, check.priority(), restarts) {
            self.choose(now, (path, restarts), wishes);
        }
        if first {
            self.advance(now, None, wishes);
        }
        true
    }

    /// A TCP connection is gone.
    pub fn forget_connection(&mut self, connection: Connection) {
        self.known.retain(|known| known.path.connection != Some(connection));
    }

    /// A sign of life.
    pub fn handle_indication(&mut self, now: Time, path: Path) {
        if self.chosen == Some(path) {
            self.heard_at = now;
        }
    }

    /// A message of the handshake came by a path that was checked.
    pub fn handle_handshake(&mut self, now: Time, path: Path, datagram: &[u8], wishes: &mut Vec<Wish>) {
        if matches!(self.security, Security::Unknown) {
            if self.early.len() < limits::EARLY {
                self.early.push((path, datagram.to_vec()));
            }
            return;
        }
        self.advance(now, Some((path, datagram)), wishes);
    }

    /// When [`Session::handle_timeout`] wants to be called, at the latest.
    pub fn deadline(&self) -> Time {
        let handshake = match &self.security {
            // Before a path is known there is nowhere to send to, and no hurry.
            Security::Running(handshake) if self.chosen.is_some() => handshake.deadline(),
            Security::Done(handshake, _) => handshake.deadline(),
            _ => None,
        };
        handshake.into_iter().chain([self.limit().0]).min().unwrap_or(Time::MAX)
    }

    /// It is late.
    pub fn handle_timeout(&mut self, now: Time, wishes: &mut Vec<Wish>) {
        let (limit, reason) = self.limit();
        if limit <= now {
            wishes.push(Wish::End(reason));
        } else {
            self.advance(now, None, wishes);
        }
    }

    /// Says goodbye.
    pub fn close(&mut self, now: Time, wishes: &mut Vec<Wish>) {
        let (Security::Running(handshake) | Security::Done(handshake, _)) = &mut self.security else { return };
        let mut steps = Vec::new();
        handshake.close(now, &mut steps);
        for step in steps {
            if let (Step::Send(octets), Some(path)) = (step, self.chosen) {
                wishes.push(Wish::Send(path, octets));
            }
        }
    }

    /// Until when it goes on without a sign of life, and what is wrong then.
    fn limit(&self) -> (Time, Loss) {
        match (&self.security, self.closed_at) {
            (_, Some(at)) => (at + limits::FAREWELL, Loss::Closed),
            (Security::Unknown, _) => (self.since + limits::UNANSWERED, Loss::NotFound),
            (Security::Running(_), _) if self.chosen.is_none() => (self.since + limits::SETUP, Loss::NotFound),
            (Security::Running(_), _) => (self.since + limits::SETUP, Loss::NotSecured),
            (Security::Done(..), _) => (self.heard_at + limits::CONSENT, Loss::Silent),
        }
    }

    /// Remembers a path; whether it is the first. The one that was checked longest ago makes room.
    fn note(&mut self, now: Time, path: Path, priority: u32) -> bool {
        if let Some(known) = self.known.iter_mut().find(|known| known.path == path) {
            (known.checked_at, known.priority) = (now, priority);
            return false;
        }
        if self.known.len() >= limits::PATHS {
            let others = self.known.iter().enumerate().filter(|(_, known)| Some(known.path) != self.chosen);
            if let Some((oldest, _)) = others.min_by_key(|(_, known)| known.checked_at) {
                self.known.swap_remove(oldest);
            }
        }
        self.known.push(Known { path, priority, checked_at: now });
        self.known.len() == 1
    }

    /// Whether a path that the browser chooses becomes ours.
    ///
    /// Browsers choose one path, and choose anew when they move: the last choice counts. Others choose every path that works and
    /// mean the best of them (RFC 5245 §8.1.1.2): so at the beginning the better one counts.
    fn follows(&self, now: Time, path: Path, priority: u32, restarts: bool) -> bool {
        let (Some(chosen), Some((first, last))) = (self.chosen, self.chosen_at) else { return true };
        if chosen == path {
            return false;
        }
        // What is closed cannot be better than anything.
        let is_gone = !self.known.iter().any(|known| known.path == chosen);
        if restarts || is_gone {
            return true;
        }
        let rated = |path: Path| self.known.iter().find(|known| known.path == path).map_or(0, |known| known.priority);
        let settled = now.saturating_sub(first) >= limits::SETTLING;
        let calm = now.saturating_sub(last) >= limits::CHANGE;
        if settled { calm } else { priority > rated(chosen) }
    }

    fn choose(&mut self, now: Time, (path, restarts): (Path, bool), wishes: &mut Vec<Wish>) {
        let moved = self.chosen.replace(path).is_some();
        let first = self.chosen_at.map_or(now, |(first, _)| first);
        self.chosen_at = Some((first, now));
        let ways = (path.local, path.remote);
        // One who moves without a word of it was never looked for.
        let took = if moved && !restarts { Time::ZERO } else { now.saturating_sub(self.since) };
        let tcp = path.connection.is_some();
        wishes.push(Wish::Tell(Event::Found { stream: self.stream, path: ways, tcp, moved, took }));
        if let Security::Done(_, keys) = &self.security {
            wishes.push(Wish::HandOver(path, keys.clone()));
        }
        self.advance(now, None, wishes);
    }

    /// Goes on with the handshake, as soon as there is a path to go on by.
    fn advance(&mut self, now: Time, came: Option<(Path, &[u8])>, wishes: &mut Vec<Wish>) {
        let Some(path) = self.chosen.or(came.map(|(path, _)| path)) else { return };
        let handshake = match &mut self.security {
            Security::Unknown => return,
            Security::Running(handshake) | Security::Done(handshake, _) => handshake,
        };
        let mut steps = Vec::new();
        let outcome = handshake.step(now, came.map(|(_, datagram)| datagram), &mut steps);
        for step in steps {
            match step {
                Step::Send(octets) => wishes.push(Wish::Send(path, octets)),
                Step::Secured(secured) => self.secure(path, *secured, wishes),
                Step::Closed => self.closed_at = Some(now),
            }
        }
        match (&self.security, outcome) {
            (Security::Running(_), Err(reason)) => wishes.push(Wish::End(reason)),
            // The keys are there: what else is said does not matter.
            (Security::Done(..) | Security::Unknown, _) | (_, Ok(())) => {}
        }
    }

    fn secure(&mut self, path: Path, secured: Secured, wishes: &mut Vec<Wish>) {
        let Secured { keys, version, took } = secured;
        let profile = keys.send.profile();
        wishes.push(Wish::Tell(Event::Secured { stream: self.stream, version, profile, took }));
        wishes.push(Wish::HandOver(self.chosen.unwrap_or(path), keys.clone()));
        self.security = match std::mem::replace(&mut self.security, Security::Unknown) {
            Security::Running(handshake) | Security::Done(handshake, _) => Security::Done(handshake, keys),
            Security::Unknown => Security::Unknown,
        };
    }
}
