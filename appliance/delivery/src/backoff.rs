//! How long to wait before the next try.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use store::Timestamp;

/// A quarter more or less: boxes that lost the same server do not come back all at once.
pub(crate) fn jittered(delay: Duration) -> Duration {
    let part = RandomState::new().hash_one(()) % 512;
    delay.mul_f64(0.75 + part as f64 / 1_024.0)
}

/// Notices when the wall clock is set: certificates that did not count may do so now, and signatures, too.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    seen: (Instant, Timestamp),
}

impl ClockWatch {
    pub(crate) fn new(now: Timestamp) -> ClockWatch {
        ClockWatch { seen: (Instant::now(), now) }
    }

    /// Whether it was set by more than a minute since it was asked the last time.
    pub(crate) fn was_set(&mut self, now: Timestamp) -> bool {
        let (at, then) = std::mem::replace(&mut self.seen, (Instant::now(), now));
        let passed = at.elapsed().as_micros() as i64;
        (now.0 - then.0 - passed).unsigned_abs() > 60_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_once() {
        let mut watch = ClockWatch::new(Timestamp(0));
        let day = 24 * 3_600_000_000;
        assert!(!watch.was_set(Timestamp(1_000)));
        assert!(watch.was_set(Timestamp(day)) && !watch.was_set(Timestamp(day)));
        assert!(watch.was_set(Timestamp(0)), "also back");
    }

    #[test]
    fn no_wait_is_a_quarter_off() {
        let second = Duration::from_secs(1);
        for _ in 0..1_000 {
            let wait = jittered(second);
            assert!(second * 3 / 4 <= wait && wait <= second * 5 / 4, "{wait:?}");
        }
    }
}
