//! Time counted in samples: how RTP timestamps and durations become each other.

use std::time::Duration;

/// `duration` in units of a clock of `rate` hertz, modulo 2³² as RTP timestamps count (RFC 3550 §5.1).
pub fn units(duration: Duration, rate: u32) -> u32 {
    let whole = duration.as_secs().wrapping_mul(u64::from(rate));
    let part = u64::from(duration.subsec_nanos()) * u64::from(rate) / 1_000_000_000;
    whole.wrapping_add(part) as u32
}

/// `units` of a clock of `rate` hertz in milliseconds; 0 for a clock that stands still.
pub fn milliseconds(units: u64, rate: u32) -> u32 {
    let milliseconds = units.saturating_mul(1_000).checked_div(u64::from(rate)).unwrap_or(0);
    u32::try_from(milliseconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_samples() {
        assert_eq!(units(Duration::from_millis(20), 8_000), 160);
        assert_eq!(units(Duration::from_micros(124), 8_000), 0);
        assert_eq!(units(Duration::from_millis(1_250), 48_000), 60_000);
    }

    #[test]
    fn wraps_like_a_timestamp() {
        let wrap = Duration::from_secs(1 << 32) / 8_000;
        assert_eq!(units(wrap + Duration::from_secs(1), 8_000), 8_000);
        assert_eq!(units(Duration::MAX, u32::MAX), units(Duration::MAX, u32::MAX));
    }

    #[test]
    fn counts_milliseconds() {
        assert_eq!(milliseconds(800, 8_000), 100);
        assert_eq!(milliseconds(800, 0), 0);
        assert_eq!(milliseconds(u64::MAX, 1), u32::MAX);
    }
}
