//! Digits on their way to a phone as tones (ITU-T Q.23), for phones that take no telephone events.

use super::sender::{LENGTH_MS, WAITING};
use super::{DIGITS, Digit};
use crate::sample_rate::SampleRate;
use crate::sine::Oscillator;

/// The lower and the upper tone of each event, in hertz (ITU-T Q.23 §5).
const PAIRS: [(u16, u16); 16] = [
    (941, 1_336),
    (697, 1_209),
    (697, 1_336),
    (697, 1_477),
    (770, 1_209),
    (770, 1_336),
    (770, 1_477),
    (852, 1_209),
    (852, 1_336),
    (852, 1_477),
    (941, 1_209),
    (941, 1_477),
    (697, 1_633),
    (770, 1_633),
    (852, 1_633),
    (941, 1_633),
];

/// −9 and −7 dBm0: as loud as telephones make them, the upper one 2 dB louder since lines take more of it.
const LEVELS: (i32, i32) = (8_070, 10_160);

/// The pause after each, in milliseconds: at least 40 (ITU-T Q.24).
const PAUSE_MS: usize = 80;

/// The tones of digits, one after another with pauses. It allocates nothing.
#[derive(Debug, Default)]
pub struct DigitTones {
    /// Event and length in milliseconds, first in first out.
    waiting: [(u8, u16); WAITING],
    count: usize,
    pair: (Oscillator, Oscillator),
    /// Samples that remain of the tone, then of the pause.
    tone: usize,
    pause: usize,
}

impl DigitTones {
    /// Sounds a digit after those that wait; its length is brought within [`LENGTH_MS`]. False, without effect, when it is no
    /// digit or too many wait.
    pub fn push(&mut self, digit: Digit) -> bool {
        let wanted = digit.digit.to_ascii_uppercase();
        let Some(event) = DIGITS.iter().position(|known| *known == wanted) else { return false };
        let Some(place) = self.waiting.get_mut(self.count) else { return false };
        *place = (event as u8, digit.duration_ms.clamp(LENGTH_MS.0, LENGTH_MS.1) as u16);
        self.count += 1;
        true
    }

    /// Writes what is heard of the digits to all of `pcm`; false once there is nothing any more.
    pub fn fill(&mut self, pcm: &mut [i16], rate: SampleRate) -> bool {
        for sample in pcm.iter_mut() {
            if self.tone + self.pause == 0 {
                self.begin(rate);
            }
            *sample = match (self.tone, self.pause) {
                (1.., _) => {
                    self.tone -= 1;
                    let (lower, upper) = (self.pair.0.tick() * LEVELS.0, self.pair.1.tick() * LEVELS.1);
                    // Both together stay below 18,231.
                    ((lower + upper) >> 15) as i16
                }
                _ => {
                    self.pause = self.pause.saturating_sub(1);
                    0
                }
            };
        }
        self.count > 0 || self.tone + self.pause > 0
    }

    fn begin(&mut self, rate: SampleRate) {
        if self.count == 0 {
            return;
        }
        let (event, milliseconds) = self.waiting[0];
        self.waiting.rotate_left(1);
        self.count -= 1;
        let (lower, upper) = PAIRS[usize::from(event)];
        self.pair = (Oscillator::new(lower.into(), rate.hz()), Oscillator::new(upper.into(), rate.hz()));
        self.tone = usize::from(milliseconds) * rate.per_ms();
        self.pause = PAUSE_MS * rate.per_ms();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtmf::detector::DigitDetector;

    #[test]
    fn our_own_detector_hears_every_digit_as_long_as_it_is() {
        let mut tones = DigitTones::default();
        for digit in DIGITS {
            assert!(tones.push(Digit { digit, duration_ms: 100 }));
        }
        let mut detector = DigitDetector::default();
        let (mut heard, mut frame) = (Vec::new(), [0; 160]);
        let mut frames = 0;
        while tones.fill(&mut frame, SampleRate::Khz8) {
            detector.hear(&frame);
            heard.extend(std::iter::from_fn(|| detector.poll_digit()));
            frames += 1;
        }
        assert_eq!(heard.iter().map(|digit| digit.digit).collect::<Vec<_>>(), DIGITS);
        assert!(heard.iter().all(|digit| digit.duration_ms.abs_diff(100) <= 10), "{heard:?}");
        assert_eq!(frames, 16 * 9 - 1);
    }

    #[test]
    fn what_is_no_digit_and_what_is_too_much_is_refused() {
        let mut tones = DigitTones::default();
        assert!(!tones.push(Digit { digit: 'x', duration_ms: 100 }));
        let digit = Digit { digit: 'a', duration_ms: 0 };
        assert!((0..WAITING).all(|_| tones.push(digit)) && !tones.push(digit));
    }
}
