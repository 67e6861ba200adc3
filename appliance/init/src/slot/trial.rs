//! When a system on trial has proven itself, and when it has failed. Pure.
use std::time::Duration;

/// It has to be well for so long without a break: what crashes soon after its start is no good start.
const PROOF: Duration = Duration::from_secs(20);

/// How a trial ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was well for long enough.
    Proven,
    /// It was not, in all the time it had.
    Failed,
}

/// A trial, in times since power-on.
#[derive(Debug)]
pub struct Trial {
    limit: Duration,
    well_since: Option<Duration>,
}

impl Trial {
    /// A trial that has to succeed within `limit`.
    pub fn new(limit: Duration) -> Trial {
        Trial { limit, well_since: None }
    }

    /// Takes what an examination found.
    pub fn handle_examination(&mut self, now: Duration, is_well: bool) -> Option<Verdict> {
        if !is_well {
            self.well_since = None;
            return (now >= self.limit).then_some(Verdict::Failed);
        }
        let since = *self.well_since.get_or_insert(now);
        if now.saturating_sub(since) >= PROOF {
            return Some(Verdict::Proven);
        }
        // One that is well at last gets the time to prove it, but not for ever.
        (now >= self.limit + PROOF).then_some(Verdict::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn being_well_for_long_enough_is_proof() {
        let mut trial = Trial::new(s(120));
        assert_eq!(trial.handle_examination(s(1), false), None);
        assert_eq!(trial.handle_examination(s(3), true), None);
        assert_eq!(trial.handle_examination(s(22), true), None);
        assert_eq!(trial.handle_examination(s(23), true), Some(Verdict::Proven));
    }

    #[test]
    fn a_break_begins_the_proof_anew() {
        let mut trial = Trial::new(s(120));
        assert_eq!(trial.handle_examination(s(3), true), None);
        assert_eq!(trial.handle_examination(s(20), false), None);
        assert_eq!(trial.handle_examination(s(24), true), None);
        assert_eq!(trial.handle_examination(s(43), true), None);
        assert_eq!(trial.handle_examination(s(44), true), Some(Verdict::Proven));
    }

    #[test]
    fn the_time_is_limited_for_the_dead_and_for_the_unsteady() {
        let mut dead = Trial::new(s(120));
        assert_eq!(dead.handle_examination(s(119), false), None);
        assert_eq!(dead.handle_examination(s(120), false), Some(Verdict::Failed));
        let mut unsteady = Trial::new(s(120));
        let verdicts = (1..).map(|second| (second, unsteady.handle_examination(s(second), second % 15 != 0)));
        let (second, verdict) = verdicts.into_iter().find(|(_, verdict)| verdict.is_some()).expect("it ends");
        assert_eq!((second, verdict), (120, Some(Verdict::Failed)));
        let mut late = Trial::new(s(120));
        assert_eq!(late.handle_examination(s(119), true), None);
        assert_eq!(late.handle_examination(s(138), true), None, "it became well in time");
        assert_eq!(late.handle_examination(s(139), true), Some(Verdict::Proven));
    }
}
