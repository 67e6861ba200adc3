//! Timers by their RFC letters, and how long each runs.

use crate::Time;

/// A timer of a transaction, or of what the endpoint keeps beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// INVITE request is repeated: T1, doubling, on UDP only (RFC 3261 §17.1.1.2).
    A,
    /// INVITE gets no answer at all: 64·T1 (RFC 3261 §17.1.1.2).
    B,
    /// INVITE rings without end: set by configuration (RFC 3261 §16.6, there for proxies; a safety net here).
    C,
    /// Repeated failures of an INVITE of ours are acknowledged: 32 s on UDP, 0 else (RFC 3261 §17.1.1.2).
    D,
    /// Non-INVITE request is repeated: T1, doubling up to T2, on UDP only (RFC 3261 §17.1.2.2).
    E,
    /// Non-INVITE gets no final answer: 64·T1 (RFC 3261 §17.1.2.2).
    F,
    /// Our failure of an INVITE is repeated: T1, doubling up to T2, on UDP only (RFC 3261 §17.2.1).
    G,
    /// ACK to our failure does not come: 64·T1 (RFC 3261 §17.2.1).
    H,
    /// Repeated ACKs are absorbed: T4 on UDP, 0 else (RFC 3261 §17.2.1).
    I,
    /// Repeated non-INVITE requests are answered: 64·T1 on UDP, 0 else (RFC 3261 §17.2.2).
    J,
    /// Repeated non-INVITE answers are absorbed: T4 on UDP, 0 else (RFC 3261 §17.1.2.2).
    K,
    /// Repeated INVITEs are absorbed after our 2xx, and its ACK awaited: 64·T1 (RFC 6026 §8.7).
    L,
    /// Further 2xx to an INVITE of ours are taken: 64·T1 (RFC 6026 §8.4).
    M,
    /// INVITE to us has had no answer for 200 ms: 100 Trying is due (RFC 3261 §17.2.1).
    Trying,
    /// Our 2xx to an INVITE is repeated: T1, doubling up to T2, on every transport (RFC 3261 §13.3.1.4).
    Answer,
    /// Our reliable provisional answer is repeated: T1, doubling, on every transport (RFC 3262 §3).
    Reliable,
    /// PRACK does not come: 64·T1 (RFC 3262 §3).
    Prack,
    /// A cancelled INVITE gets no final answer: 64·T1 (RFC 3261 §9.1).
    Cancelled,
    /// A dialog whose BYE was challenged waits to be asked again: 64·T1.
    Ending,
}

impl Timer {
    /// Its letter or name, for logs.
    pub fn name(self) -> &'static str {
        match self {
            Timer::A => "A",
            Timer::B => "B",
            Timer::C => "C",
            Timer::D => "D",
            Timer::E => "E",
            Timer::F => "F",
            Timer::G => "G",
            Timer::H => "H",
            Timer::I => "I",
            Timer::J => "J",
            Timer::K => "K",
            Timer::L => "L",
            Timer::M => "M",
            Timer::Trying => "Trying",
            Timer::Answer => "Answer",
            Timer::Reliable => "Reliable",
            Timer::Prack => "Prack",
            Timer::Cancelled => "Cancelled",
            Timer::Ending => "Ending",
        }
    }
}

/// The base values of RFC 3261 §17.1.1.1, in table 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// The estimated round trip: 500 ms.
    pub t1: Time,
    /// The longest interval between repetitions of a non-INVITE request or a final INVITE answer: 4 s.
    pub t2: Time,
    /// The longest time a message stays in the network: 5 s.
    pub t4: Time,
}

impl Default for Timings {
    fn default() -> Self {
        Timings { t1: Time::from_millis(500), t2: Time::from_secs(4), t4: Time::from_secs(5) }
    }
}

/// Table 4 of RFC 3261 for one kind of transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerTable {
    timings: Timings,
    reliable: bool,
}

impl TimerTable {
    /// The table for a transport that repeats lost messages by itself (`reliable`), or does not.
    pub fn new(timings: Timings, reliable: bool) -> TimerTable {
        TimerTable { timings, reliable }
    }

    /// Whether the transport repeats lost messages by itself.
    pub fn is_reliable(&self) -> bool {
        self.reliable
    }

    /// How long a timer runs when it is armed first. [`Timer::C`] is configuration and not in the table: it counts as 64·T1 here.
    pub fn length(&self, timer: Timer) -> Time {
        let Timings { t1, t4, .. } = self.timings;
        match timer {
            Timer::A | Timer::E | Timer::G | Timer::Answer | Timer::Reliable => t1,
            Timer::D | Timer::I | Timer::J | Timer::K if self.reliable => Time::ZERO,
            Timer::I | Timer::K => t4,
            Timer::D => (64 * t1).max(Time::from_secs(32)),
            Timer::B | Timer::C | Timer::F | Timer::H | Timer::J | Timer::L | Timer::M => 64 * t1,
            Timer::Prack | Timer::Cancelled | Timer::Ending => 64 * t1,
            Timer::Trying => Time::from_millis(200),
        }
    }

    /// The interval after `interval` for the timers that double up to T2 (E, G, Answer).
    pub fn backed_off(&self, interval: Time) -> Time {
        (2 * interval).min(self.timings.t2)
    }

    /// T2: the interval of timer E in Proceeding.
    pub fn t2(&self) -> Time {
        self.timings.t2
    }
}
