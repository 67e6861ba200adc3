//! Slows those who guess passwords: wrong digests are counted per source address, and a source that only ever failed is not listened to for a while.
//!
//! A missing or a stale digest never counts: every honest phone begins with one. A source that succeeded once is never
//! blocked, because behind one address there may be a whole office, and one mistyped password must not silence it.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use crate::Time;
use crate::limits;

/// What the guard knows of the sources.
#[derive(Debug, Default)]
pub struct Guard {
    sources: FxHashMap<IpAddr, Source>,
}

#[derive(Debug)]
struct Source {
    standing: Standing,
    seen: Time,
}

#[derive(Debug)]
enum Standing {
    /// Wrong digests since the moment, and none right.
    Failing { since: Time, failures: u32 },
    /// Not listened to until the moment.
    Blocked { until: Time },
    /// Proved a password.
    Trusted,
}

/// What a wrong digest led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// It was counted.
    Counted,
    /// The source is not listened to from now until the given moment; so many wrong digests led to it.
    Blocked {
        /// Until when.
        until: Time,
        /// How many.
        failures: u32,
    },
}

impl Guard {
    /// Whether requests of this source are to be dropped.
    pub fn blocks(&self, now: Time, source: IpAddr) -> bool {
        match self.sources.get(&source) {
            Some(Source { standing: Standing::Blocked { until }, .. }) => now < *until,
            _ => false,
        }
    }

    /// Whether anybody is blocked at all: the answer that the hot path needs.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// How many sources are remembered.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// A right digest came from the source.
    pub fn handle_success(&mut self, now: Time, source: IpAddr) {
        match self.sources.get_mut(&source) {
            Some(known) => *known = Source { standing: Standing::Trusted, seen: now },
            None => self.remember(now, source, Standing::Trusted),
        }
    }

    /// A wrong digest came from the source.
    pub fn handle_failure(&mut self, now: Time, source: IpAddr) -> Consequence {
        let Some(known) = self.sources.get_mut(&source) else {
            self.remember(now, source, Standing::Failing { since: now, failures: 1 });
            return Consequence::Counted;
        };
        known.seen = now;
        match &mut known.standing {
            Standing::Trusted | Standing::Blocked { .. } => Consequence::Counted,
            Standing::Failing { since, failures } => {
                if now - *since > limits::GUESS_WINDOW {
                    *since = now;
                    *failures = 0;
                }
                *failures += 1;
                if *failures < limits::GUESSES {
                    return Consequence::Counted;
                }
                let (until, failures) = (now + limits::GUESS_BLOCK, *failures);
                known.standing = Standing::Blocked { until };
                Consequence::Blocked { until, failures }
            }
        }
    }

    /// The sources whose time is over; they are listened to again.
    pub fn handle_timeout(&mut self, now: Time) -> Vec<IpAddr> {
        let over = |source: &Source| matches!(source.standing, Standing::Blocked { until } if until <= now);
        let released: Vec<IpAddr> = self.sources.iter().filter(|(_, s)| over(s)).map(|(ip, _)| *ip).collect();
        for source in &released {
            self.sources.remove(source);
        }
        released
    }

    fn remember(&mut self, now: Time, source: IpAddr, standing: Standing) {
        if self.sources.len() >= limits::GUESS_SOURCES {
            let stalest = self.sources.iter().min_by_key(|(_, s)| s.seen).map(|(ip, _)| *ip);
            if let Some(stalest) = stalest {
                self.sources.remove(&stalest);
            }
        }
        self.sources.insert(source, Source { standing, seen: now });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MALLORY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

    fn at(seconds: u64) -> Time {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_tenth_failure_within_a_minute_blocks() {
        let mut guard = Guard::default();
        for n in 0..9 {
            assert_eq!(guard.handle_failure(at(n), MALLORY), Consequence::Counted);
        }
        assert!(!guard.blocks(at(9), MALLORY));
        let until = at(9) + limits::GUESS_BLOCK;
        assert_eq!(guard.handle_failure(at(9), MALLORY), Consequence::Blocked { until, failures: 10 });
        assert!(guard.blocks(at(10), MALLORY));
        assert!(!guard.blocks(until, MALLORY));
        assert_eq!(guard.handle_timeout(until), vec![MALLORY]);
        assert_eq!(guard.len(), 0);
    }

    #[test]
    fn slow_failures_never_block() {
        let mut guard = Guard::default();
        for n in 0..100 {
            assert_eq!(guard.handle_failure(at(n * 10), MALLORY), Consequence::Counted);
        }
    }

    #[test]
    fn a_source_that_succeeded_is_never_blocked() {
        let mut guard = Guard::default();
        guard.handle_success(at(0), MALLORY);
        for _ in 0..100 {
            guard.handle_failure(at(1), MALLORY);
        }
        assert!(!guard.blocks(at(1), MALLORY));
    }

    #[test]
    fn memory_is_bounded() {
        let mut guard = Guard::default();
        for n in 0..limits::GUESS_SOURCES as u32 + 100 {
            guard.handle_failure(at(u64::from(n)), IpAddr::from(n.to_be_bytes()));
        }
        assert_eq!(guard.len(), limits::GUESS_SOURCES);
    }
}
