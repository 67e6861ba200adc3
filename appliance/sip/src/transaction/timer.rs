//! Timers by their RFC letters.

use crate::Time;

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
