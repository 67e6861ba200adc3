//! The client's side of NTP as a machine without IO: asks several servers, believes what most of them say, and has the clock
//! set or slewed (RFC 5905, as far as a client needs it that serves nobody). Pure.
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::message::{self, Nanoseconds, Reply, Timestamp};

/// Time since the client began.
pub type Time = Duration;

/// So many servers are asked; more are not remembered.
pub const SERVERS: usize = 4;
/// An answer that takes longer is none.
const ROUND: Duration = Duration::from_secs(2);
/// Between rounds while there is no time yet: the first wait, and what doubling it ends at.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(256);
/// Between rounds when there is one (RFC 5905 section 7.2: 2⁶ to 2¹⁰ s).
const SHORTEST_POLL: Duration = Duration::from_secs(64);
const LONGEST_POLL: Duration = Duration::from_secs(1024);
/// A clock that is wrong by less is slewed, not set (RFC 5905, STEPT).
const STEP: Nanoseconds = 128_000_000;
/// A clock once right is set only after a second round says so.
const CONFIRM: Duration = Duration::from_secs(16);
/// A clock that is wrong by less may be looked at less often.
const CALM: Nanoseconds = 20_000_000;
/// A server whose own clock may be wrong by more is not believed (RFC 5905, MAXDIST).
const DISTANT: Nanoseconds = 1_500_000_000;
/// So many rounds without an answer are a loss.
const ROUNDS_MISSED: u32 = 3;

/// What the client wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this to port 123 or wherever the server is.
    Send { message: [u8; message::LENGTH], to: SocketAddr },
    /// Set the clock: it is wrong by this much.
    Step(Nanoseconds),
    /// Let it go faster or slower until it has made good this much.
    Slew(Nanoseconds),
    /// Tell the people.
    Tell(Notice),
    /// Look the servers' names up again: none of these answers.
    FindServers,
}

/// What people may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The time is known from now on.
    Synchronized { server: SocketAddr, stratum: u8, offset: Nanoseconds },
    /// The servers contradict each other.
    Disagree,
    /// It is not known whether the clock is still right.
    Lost,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    asked: Option<Asked>,
    sample: Option<Sample>,
    /// Not before then (it said RATE), or never (it said DENY).
    not_before: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Time,
    cookie: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// What our clock lacks.
    offset: Nanoseconds,
    /// By how much that may be wrong.
    distance: Nanoseconds,
    stratum: u8,
}

/// An NTP client.
#[derive(Debug)]
pub struct Client {
    servers: Vec<Server>,
    /// When the answers of the round are weighed.
    round_ends: Option<Time>,
    next_round: Time,
    poll: Duration,
    is_synchronized: bool,
    /// A step that waits for its confirmation.
    doubted: bool,
    missed: u32,
    random: u64,
    actions: VecDeque<Action>,
}

impl Client {
    /// A client that has no servers yet. The seed makes cookies hard to guess.
    pub fn new(seed: u64) -> Client {
        Client {
            servers: Vec::new(),
            round_ends: None,
            next_round: Time::MAX,
            poll: SHORTEST_POLL,
            is_synchronized: false,
            doubted: false,
            missed: 0,
            random: seed,
            actions: VecDeque::new(),
        }
    }

    /// Whom to ask from now on; at once, where they are others than before.
    pub fn set_servers(&mut self, now: Time, addresses: &[SocketAddr]) {
        let addresses = &addresses[..addresses.len().min(SERVERS)];
        if self.servers.iter().map(|server| server.address).eq(addresses.iter().copied()) {
            return;
        }
        let server = |address: &SocketAddr| Server { address: *address, asked: None, sample: None, not_before: None };
        self.servers = addresses.iter().map(server).collect();
        self.round_ends = None;
        self.next_round = if addresses.is_empty() { Time::MAX } else { now };
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call `handle_timeout` next.
    pub fn poll_timeout(&self) -> Time {
        self.round_ends.unwrap_or(Time::MAX).min(self.next_round)
    }

    /// Takes a packet that came while our clock showed `clock`, since 1970.
    pub fn handle_packet(&mut self, now: Time, clock: Duration, (from, packet): (SocketAddr, &[u8])) {
        let Some(server) = self.servers.iter_mut().find(|server| server.address == from) else { return };
        let (Some(asked), Some(reply)) = (server.asked, message::read(packet)) else { return };
        match reply {
            // Whoever does not know the cookie has not seen our question.
            Reply::Time(answer) if answer.cookie == asked.cookie => {
                server.asked = None;
                let round_trip = i64::try_from(now.saturating_sub(asked.at).as_nanos()).unwrap_or(i64::MAX);
                let delay = (round_trip - answer.sent.since(answer.received)).max(0);
                let offset = answer.sent.since(Timestamp::of(clock)).saturating_add(delay / 2);
                let distance = answer.root_distance.saturating_add(delay / 2);
                if distance < DISTANT {
                    server.sample = Some(Sample { offset, distance, stratum: answer.stratum });
                }
            }
            Reply::Kiss { cookie, code } if cookie == asked.cookie => {
                server.asked = None;
                let wait = if &code == b"RATE" { LONGEST_POLL * 4 } else { Duration::MAX };
                server.not_before = Some(now.saturating_add(wait));
            }
            Reply::Time(_) | Reply::Kiss { .. } => {}
        }
        if self.round_ends.is_some() && self.servers.iter().all(|server| server.asked.is_none()) {
            self.weigh(now);
        }
    }

    /// Asks, or weighs what was answered.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.round_ends.is_some_and(|end| now >= end) {
            self.weigh(now);
        }
        if now >= self.next_round {
            self.ask(now);
        }
    }

    fn ask(&mut self, now: Time) {
        for index in 0..self.servers.len() {
            let cookie = self.draw();
            let server = &mut self.servers[index];
            (server.asked, server.sample) = (None, None);
            if server.not_before.is_some_and(|at| now < at) {
                continue;
            }
            server.asked = Some(Asked { at: now, cookie });
            self.actions.push_back(Action::Send { message: message::write(cookie), to: server.address });
        }
        self.round_ends = Some(now + ROUND);
        self.next_round = Time::MAX;
    }

    /// The end of a round.
    fn weigh(&mut self, now: Time) {
        self.round_ends = None;
        let samples: Vec<(SocketAddr, Sample)> =
            self.servers.iter().filter_map(|server| Some((server.address, server.sample?))).collect();
        if samples.is_empty() {
            return self.miss(now);
        }
        self.missed = 0;
        let Some((server, sample)) = majority(&samples) else {
            self.actions.push_back(Action::Tell(Notice::Disagree));
            self.next_round = now + SHORTEST_POLL;
            return;
        };
        self.correct(now, server, sample);
    }

    fn correct(&mut self, now: Time, server: SocketAddr, sample: Sample) {
        let is_step = sample.offset.abs() >= STEP;
        if is_step && self.is_synchronized && !std::mem::replace(&mut self.doubted, true) {
            self.next_round = now + CONFIRM;
            return;
        }
        self.doubted = false;
        self.actions.push_back(if is_step { Action::Step(sample.offset) } else { Action::Slew(sample.offset) });
        if is_step || !self.is_synchronized {
            let notice = Notice::Synchronized { server, stratum: sample.stratum, offset: sample.offset };
            self.actions.push_back(Action::Tell(notice));
        }
        let is_calm = sample.offset.abs() < CALM && self.is_synchronized;
        self.poll = if is_calm { (self.poll * 2).min(LONGEST_POLL) } else { SHORTEST_POLL };
        self.is_synchronized = true;
        self.next_round = now + self.jitter(self.poll);
    }

    fn miss(&mut self, now: Time) {
        self.missed = self.missed.saturating_add(1);
        let wait = (FIRST_RETRY * 2u32.saturating_pow(self.missed.min(16) - 1)).min(LAST_RETRY);
        self.next_round = now + self.jitter(wait);
        self.actions.push_back(Action::FindServers);
        if self.missed >= ROUNDS_MISSED && std::mem::take(&mut self.is_synchronized) {
            self.poll = SHORTEST_POLL;
            self.actions.push_back(Action::Tell(Notice::Lost));
        }
    }

    /// Up to an eighth more, so that boxes that came up together do not ask together.
    fn jitter(&mut self, wait: Duration) -> Duration {
        wait + wait / 8 * u32::from(self.draw() as u8) / 255
    }

    /// xorshift64*; what a cookie needs is that nobody who has not seen the packet guesses it.
    fn draw(&mut self) -> u64 {
        self.random = self.random.max(1);
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// The best sample of those that most servers agree with: whose spans of possible times have one in common (RFC 5905 section
/// 11.2.1, without its search for the smallest span, which matters to those who serve others).
fn majority(samples: &[(SocketAddr, Sample)]) -> Option<(SocketAddr, Sample)> {
    let holds = |sample: &Sample, offset: Nanoseconds| (sample.offset.saturating_sub(offset)).abs() <= sample.distance;
    let edges = samples.iter().flat_map(|(_, sample)| {
        [sample.offset.saturating_sub(sample.distance), sample.offset.saturating_add(sample.distance)]
    });
    let count = |offset: Nanoseconds| samples.iter().filter(|(_, sample)| holds(sample, offset)).count();
    let common = edges.max_by_key(|edge| count(*edge))?;
    if count(common) * 2 <= samples.len() {
        return None;
    }
    samples.iter().filter(|(_, sample)| holds(sample, common)).min_by_key(|(_, sample)| sample.distance).copied()
}

#[cfg(test)]
mod tests;
