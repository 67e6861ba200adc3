//! The sample rates that audio is decoded to, mixed and encoded at.

use std::fmt;

/// Samples a second of linear audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SampleRate {
    /// 8,000 Hz: narrow-band, the telephone.
    Khz8,
    /// 16,000 Hz: wide-band.
    Khz16,
    /// 24,000 Hz: super-wide-band.
    Khz24,
    /// 48,000 Hz: full-band.
    Khz48,
}

impl SampleRate {
    /// Every rate, the lowest first.
    pub const ALL: [SampleRate; 4] = [SampleRate::Khz8, SampleRate::Khz16, SampleRate::Khz24, SampleRate::Khz48];

    /// Samples a second.
    pub const fn hz(self) -> u32 {
        self.per_ms() as u32 * 1_000
    }

    /// Samples in a millisecond: 8, 16, 24 or 48.
    pub const fn per_ms(self) -> usize {
        match self {
            SampleRate::Khz8 => 8,
            SampleRate::Khz16 => 16,
            SampleRate::Khz24 => 24,
            SampleRate::Khz48 => 48,
        }
    }

    /// Samples in a frame of 20 ms: 160, 320, 480 or 960.
    pub const fn frame(self) -> usize {
        self.per_ms() * 20
    }

    /// The rate of so many hertz, if it is one of ours.
    pub const fn from_hz(hz: u32) -> Option<SampleRate> {
        match hz {
            8_000 => Some(SampleRate::Khz8),
            16_000 => Some(SampleRate::Khz16),
            24_000 => Some(SampleRate::Khz24),
            48_000 => Some(SampleRate::Khz48),
            _ => None,
        }
    }

    /// The lowest rate that loses nothing of so many hertz, or the highest there is.
    pub const fn covering(hz: u32) -> SampleRate {
        match hz {
            0..=8_000 => SampleRate::Khz8,
            8_001..=16_000 => SampleRate::Khz16,
            16_001..=24_000 => SampleRate::Khz24,
            _ => SampleRate::Khz48,
        }
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kHz", self.per_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_rate_agree() {
        for rate in SampleRate::ALL {
            assert_eq!(rate.hz() as usize, rate.per_ms() * 1_000);
            assert_eq!(rate.frame() * 50, rate.hz() as usize);
            assert_eq!(SampleRate::from_hz(rate.hz()), Some(rate));
            assert_eq!(SampleRate::covering(rate.hz()), rate);
        }
        assert!(SampleRate::ALL.is_sorted());
        assert_eq!(SampleRate::from_hz(44_100), None);
        assert_eq!(SampleRate::covering(12_000), SampleRate::Khz16);
        assert_eq!(SampleRate::covering(96_000), SampleRate::Khz48);
    }
}
