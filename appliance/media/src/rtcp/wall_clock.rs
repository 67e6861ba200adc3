//! The wall clock as RTCP writes it: NTP timestamps (RFC 3550 §4).

use std::time::Duration;

use crate::Time;

/// Seconds between 1900, where NTP begins, and 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// What `now` is on the wall. Until somebody says so, the process started in 1900, which RFC 3550 §6.4.1 allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock {
    told: Option<(Time, Duration)>,
}

impl WallClock {
    /// At `now` it was `unix` after 1970-01-01T00:00:00Z.
    pub fn set(&mut self, now: Time, unix: Duration) {
        self.told = Some((now, unix));
    }

    /// The NTP timestamp of `now`: seconds since 1900 modulo 2³², and their fraction in 1/2³².
    pub fn ntp(&self, now: Time) -> u64 {
        let since_1900 = match self.told {
            Some((at, unix)) if now >= at => {
                unix.saturating_add(now - at).saturating_add(Duration::from_secs(NTP_EPOCH))
            }
            Some((at, unix)) => unix.saturating_add(Duration::from_secs(NTP_EPOCH)).saturating_sub(at - now),
            None => now,
        };
        let fraction = (u64::from(since_1900.subsec_nanos()) << 32) / 1_000_000_000;
        since_1900.as_secs() << 32 | fraction
    }
}

/// The middle 32 bits of an NTP timestamp: seconds modulo 2¹⁶ and 1/65536 of them (RFC 3550 §4).
pub fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// `duration` in 1/65536 s, as DLSR counts (RFC 3550 §6.4.1).
pub fn to_short(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos().saturating_mul(65_536) / 1_000_000_000).unwrap_or(u32::MAX)
}

/// `units` of 1/65536 s.
pub fn from_short(units: u32) -> Duration {
    Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_ntp_time() {
        let mut clock = WallClock::default();
        assert_eq!(clock.ntp(Duration::from_millis(1_500)), 1 << 32 | 1 << 31);
        clock.set(Duration::from_secs(10), Duration::from_secs(1_000_000_000));
        let second = |ntp: u64| ntp >> 32;
        assert_eq!(second(clock.ntp(Duration::from_secs(10))), 3_208_988_800);
        assert_eq!(second(clock.ntp(Duration::from_secs(11))), 3_208_988_801);
        assert_eq!(second(clock.ntp(Duration::from_secs(9))), 3_208_988_799);
        assert_eq!(middle(0x1122_3344_5566_7788), 0x3344_5566);
    }

    #[test]
    fn counts_short_units() {
        assert_eq!(to_short(Duration::from_millis(1_500)), 98_304);
        assert_eq!(from_short(98_304), Duration::from_millis(1_500));
        assert_eq!(to_short(Duration::MAX), u32::MAX);
    }
}
