//! The wall clock is set while things go on: a board without a battery begins in 1970, until somebody tells it the time.
//!
//! Timers do not notice, for they count from the start of the process. Moments that were read from the wall do: what
//! began before and ends after would have lasted for decades. So whatever is not over is dated anew.

use std::time::Duration;

use crate::{Time, UnixMicros};

/// From how much on the wall clock counts as set, and not as one that runs a little fast or slow.
const JUMP: Duration = Duration::from_secs(1);

/// What is to be done with moments that were read from a clock that showed something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// What the clock would show now, had nobody set it.
    pub from: UnixMicros,
    /// What it shows.
    pub to: UnixMicros,
    /// What it showed when the process started, by its old reckoning.
    since: UnixMicros,
}

impl Correction {
    /// What came of the clock: it showed `before` and shows `after` at time zero of `now`, in microseconds since 1970.
    /// `None` where that is next to the same.
    pub fn between(before: i64, after: i64, now: Time) -> Option<Correction> {
        let at = |epoch: i64| UnixMicros(epoch.saturating_add(now.as_micros() as i64));
        let is_set = before.abs_diff(after) >= JUMP.as_micros() as u64;
        is_set.then(|| Correction { from: at(before), to: at(after), since: UnixMicros(before) })
    }

    /// Dates a moment anew that lies in this run of the process by the old reckoning; what is older was read from another clock.
    pub fn redate(&self, at: &mut UnixMicros) {
        if (self.since..=self.from).contains(at) {
            self.shift(at);
        }
    }

    /// The same with those that there are.
    pub fn redate_all<const COUNT: usize>(&self, moments: [Option<&mut UnixMicros>; COUNT]) {
        moments.into_iter().flatten().for_each(|at| self.redate(at));
    }

    /// Keeps a moment to come as far away as it was.
    pub fn shift(&self, at: &mut UnixMicros) {
        at.0 = at.0.saturating_add(self.to.0).saturating_sub(self.from.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_run_has_seen_is_dated_anew_and_nothing_else() {
        let (before, after, now) = (1_000_000, 1_795_000_000_000_000, Duration::from_secs(60));
        let correction = Correction::between(before, after, now).expect("the clock was set");
        assert_eq!((correction.from, correction.to), (UnixMicros(61_000_000), UnixMicros(after + 60_000_000)));
        let (mut seen, mut older, mut other) = (UnixMicros(31_000_000), UnixMicros(999_999), UnixMicros(after));
        correction.redate_all([Some(&mut seen), Some(&mut older), Some(&mut other), None]);
        assert_eq!((seen, older, other), (UnixMicros(after + 30_000_000), UnixMicros(999_999), UnixMicros(after)));
        let mut to_come = UnixMicros(361_000_000);
        correction.shift(&mut to_come);
        assert_eq!(to_come, UnixMicros(after + 360_000_000), "five minutes from now, as before");
    }

    #[test]
    fn a_clock_that_runs_a_little_fast_was_not_set() {
        assert_eq!(Correction::between(5_000_000, 5_999_999, Duration::ZERO), None);
        assert!(Correction::between(5_000_000, 4_000_000, Duration::ZERO).is_some(), "back by a second");
    }
}
