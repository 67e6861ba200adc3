//! The light on the box, and the patterns by which it tells the box's state.
use core::time::Duration;

use crate::Error;

/// A light that is on or off.
pub trait Led {
    /// Switches the light.
    fn set(&mut self, lit: bool) -> Result<(), Error>;
}

/// What the light says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Pattern {
    /// Quick even blinking: the box is on its way up.
    Starting,
    /// Steady: calls are possible.
    Running,
    /// Two short flashes in every two seconds: the exchange does not answer, somebody should look.
    Fault,
    /// Slow even blinking: the box is going down, do not pull the plug yet.
    Stopping,
}

impl Pattern {
    /// The pattern as lengths in milliseconds, lit and dark in turn, repeated without end. One length alone is steady light.
    fn steps(self) -> &'static [u64] {
        match self {
            Pattern::Starting => &[100, 100],
            Pattern::Running => &[1000],
            Pattern::Fault => &[100, 200, 100, 1600],
            Pattern::Stopping => &[1000, 1000],
        }
    }

    /// Whether the light is lit `since` the pattern began, and how long it stays so; `None` is for good.
    pub fn at(self, since: Duration) -> (bool, Option<Duration>) {
        let steps = self.steps();
        if steps.len() == 1 {
            return (true, None);
        }
        let period: u64 = steps.iter().sum();
        let into_period = since.as_nanos() % Duration::from_millis(period).as_nanos();
        let mut end = Duration::ZERO;
        for (index, &length) in steps.iter().enumerate() {
            end += Duration::from_millis(length);
            if into_period < end.as_nanos() {
                let left = end.as_nanos() - into_period;
                return (index % 2 == 0, Some(Duration::from_nanos(left as u64)));
            }
        }
        unreachable!("the steps add up to the period, and the position is less than the period")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn steady_light_never_changes() {
        assert_eq!(Pattern::Running.at(ms(0)), (true, None));
        assert_eq!(Pattern::Running.at(ms(123_456)), (true, None));
    }

    #[test]
    fn fault_flashes_twice_in_two_seconds() {
        let edges = [(0, true), (100, false), (300, true), (400, false), (2000, true), (2100, false)];
        for (at, lit) in edges {
            assert_eq!(Pattern::Fault.at(ms(at)).0, lit, "at {at} ms");
        }
        assert_eq!(Pattern::Fault.at(ms(450)), (false, Some(ms(1550))));
    }

    #[test]
    fn following_the_remaining_time_meets_every_change() {
        for pattern in [Pattern::Starting, Pattern::Fault, Pattern::Stopping] {
            let (mut now, mut lit) = (ms(0), true);
            for _ in 0..1000 {
                let (is_lit, left) = pattern.at(now);
                assert_eq!(is_lit, lit, "{pattern:?} at {now:?}");
                now += left.expect("only steady light stays for good");
                lit = !lit;
            }
        }
    }

    #[test]
    fn a_year_is_no_overflow() {
        Pattern::Starting.at(Duration::from_secs(366 * 86_400 * 100));
    }
}
