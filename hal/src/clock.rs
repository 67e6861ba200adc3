//! The clock that runs while the box is off, and which of two times to believe.
use core::time::Duration;

use crate::Error;

/// A battery-backed clock. Times are UTC since 1970-01-01, whole seconds.
pub trait Clock {
    /// The time it shows.
    fn read(&self) -> Result<Duration, Error>;

    /// Sets it.
    fn set(&mut self, time: Duration) -> Result<(), Error>;
}

/// The time to go by at power-on: what the clock shows, but never a time before the software was made, because an empty
/// battery shows 1970 and certificates and records would be dated by it.
pub fn sane(shown: Result<Duration, Error>, made: Duration) -> Duration {
    shown.unwrap_or(made).max(made)
}

/// A calendar date with its time of day, UTC, in the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Year, 1970 and later.
    pub year: u32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
    /// Seconds since midnight.
    pub second_of_day: u32,
}

impl Date {
    /// The date of a time since 1970-01-01.
    pub fn of(time: Duration) -> Date {
        let (days, second_of_day) = (time.as_secs() / 86_400, (time.as_secs() % 86_400) as u32);
        // Years that begin in March put the leap day last; 719,468 days lie between 0000-03-01 and 1970-01-01.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * march_month + 2) / 5 + 1) as u32;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 } as u32;
        let year = (era * 400 + year_of_era + u64::from(month <= 2)) as u32;
        Date { year, month, day, second_of_day }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(seconds: u64) -> (u32, u32, u32, u32) {
        let date = Date::of(Duration::from_secs(seconds));
        (date.year, date.month, date.day, date.second_of_day)
    }

    #[test]
    fn dates_that_are_known() {
        assert_eq!(date(0), (1970, 1, 1, 0));
        assert_eq!(date(951_782_400), (2000, 2, 29, 0));
        assert_eq!(date(951_868_800), (2000, 3, 1, 0));
        assert_eq!(date(1_735_689_599), (2024, 12, 31, 86_399));
        assert_eq!(date(4_107_542_400), (2100, 3, 1, 0));
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut before = Date::of(Duration::ZERO);
        for day in 1..=146_097u64 {
            let now = Date::of(Duration::from_secs(day * 86_400));
            let next_day = now.day == before.day + 1 && now.month == before.month && now.year == before.year;
            let next_month =
                now.day == 1 && before.day >= 28 && now.month == before.month + 1 && now.year == before.year;
            let next_year =
                (now.day, now.month, before.day, before.month) == (1, 1, 31, 12) && now.year == before.year + 1;
            assert!(next_day || next_month || next_year, "{before:?} then {now:?}");
            before = now;
        }
    }

    #[test]
    fn an_empty_battery_is_not_believed() {
        let made = Duration::from_secs(1_790_000_000);
        assert_eq!(sane(Ok(Duration::ZERO), made), made);
        assert_eq!(sane(Err(Error::Missing("clock")), made), made);
        assert_eq!(sane(Ok(made * 2), made), made * 2);
    }
}
