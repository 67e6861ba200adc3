//! Call-progress tones, digits and beeps: what a tone is, and how it is written.
//!
//! A [`Tone`] is a list of segments, each with up to four frequencies and a length. [`country`] has the tones of the
//! telephone networks, [`generator`] makes samples of them.
//!
//! Tones are written as those who look after exchanges write them:
//!
//! ```text
//! tone    = segment *("," segment)
//! segment = ["!"] sound ["@" decibels] ["/" milliseconds]      ! = only the first time, not when the tone begins anew
//! sound   = hertz *3("+" hertz)                                together; 0 = silence
//!         | hertz "*" hertz                                    the first, its loudness swinging at the second
//! ```
//!
//! A segment without a length lasts for ever. All segments of a tone that begin with `!` stand first; if there are no
//! others, the tone ends after them.
//!
//! Levels: whatever is in it, a sounding segment has −13 dBm0, within the −10 ± 5 dBm0 of ITU-T E.180 §3, plus the decibels it
//! names. Several frequencies share it evenly. 0 dBm0 is the sine whose peak is 3.14 dB below the greatest sample.

pub mod country;
pub mod generator;
pub mod notation;

use crate::limits;
pub use country::{Country, Signal};
pub use generator::ToneGenerator;
pub use notation::ToneError;

/// The level of a sounding segment in tenths of a dBm0.
pub const LEVEL: i16 = -130;

/// Frequencies of a segment.
pub const PARTS: usize = 4;

/// One frequency and its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Part {
    /// In hertz.
    pub hz: u16,
    /// In tenths of a dBm0.
    pub level: i16,
}

/// What sounds in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sound {
    /// Nothing.
    Silence,
    /// All frequencies at once; those of 0 Hz do not count.
    Sum([Part; PARTS]),
    /// A carrier whose loudness swings by [`DEPTH`] at so many hertz.
    Modulated(Part, u16),
}

/// How far the loudness of a modulated tone swings to both sides, in hundredths.
pub const DEPTH: u16 = 90;

/// A part of a tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment {
    /// What sounds.
    pub sound: Sound,
    /// For how many milliseconds; 0 is for ever.
    pub duration_ms: u32,
}

/// A tone: some segments once, then others again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tone {
    segments: [Segment; limits::TONE_SEGMENTS],
    len: u8,
    once: u8,
}

impl Segment {
    const NONE: Segment = Segment { sound: Sound::Silence, duration_ms: 0 };
}

impl Tone {
    /// A beep before a message is recorded: 1,000 Hz for 400 ms.
    pub const BEEP: Tone = Tone::known("!1000/400");
    /// What tells both sides that they are recorded: 1,400 Hz for 425 ms every 15 s (ITU-T E.180 §12: 350–500 ms, every 15 ± 3 s).
    pub const RECORDED: Tone = Tone::known("1400/425,0/14575");

    /// What tells both sides that their call is about to end: three short beeps.
    pub const SPENT: Tone = Tone::known("!950/200,!0/150,!950/200,!0/150,!950/200");

    /// Reads a tone as it is written above.
    pub const fn parse(text: &str) -> Result<Tone, ToneError> {
        notation::parse(text)
    }

    /// A tone of our own tables, read at compile time.
    const fn known(text: &str) -> Tone {
        match Tone::parse(text) {
            Ok(tone) => tone,
            Err(_) => panic!("a tone in our tables is not written as tones are"),
        }
    }

    /// The two frequencies of a key (ITU-T Q.23) for so many milliseconds, and [`limits::DIGIT_PAUSE`] of silence. The high one has
    /// −9 dBm0, the low one 2 dB less, since lines damp high frequencies more. `None` if there is no such key.
    pub fn digit(key: char, duration_ms: u32) -> Option<Tone> {
        const LOW: [u16; 4] = [697, 770, 852, 941];
        const HIGH: [u16; 4] = [1_209, 1_336, 1_477, 1_633];
        let at = "123A456B789C*0#D".find(key.to_ascii_uppercase())?;
        let mut parts = [Part::default(); PARTS];
        parts[0] = Part { hz: LOW[at / 4], level: -110 };
        parts[1] = Part { hz: HIGH[at % 4], level: -90 };
        let mut tone = Tone { segments: [Segment::NONE; limits::TONE_SEGMENTS], len: 2, once: 2 };
        tone.segments[0] = Segment { sound: Sound::Sum(parts), duration_ms: duration_ms.max(1) };
        tone.segments[1] = Segment { sound: Sound::Silence, duration_ms: limits::DIGIT_PAUSE.as_millis() as u32 };
        Some(tone)
    }

    /// All segments: first those that sound once, then those that are repeated.
    pub fn segments(&self) -> &[Segment] {
        &self.segments[..usize::from(self.len)]
    }

    /// The segments that are repeated; none when the tone ends.
    pub fn repeated(&self) -> &[Segment] {
        &self.segments()[usize::from(self.once)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_two_frequencies() {
        let frequencies = |key| match Tone::digit(key, 100).map(|tone| tone.segments()[0].sound) {
            Some(Sound::Sum(parts)) => Some((parts[0].hz, parts[1].hz)),
            _ => None,
        };
        assert_eq!(frequencies('1'), Some((697, 1_209)));
        assert_eq!(frequencies('5'), Some((770, 1_336)));
        assert_eq!(frequencies('0'), Some((941, 1_336)));
        assert_eq!(frequencies('#'), Some((941, 1_477)));
        assert_eq!(frequencies('a'), Some((697, 1_633)));
        assert_eq!(frequencies('D'), Some((941, 1_633)));
        assert_eq!(frequencies('E'), None);
        let mut seen: Vec<_> = "0123456789*#ABCD".chars().map(frequencies).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 16);
    }
}
