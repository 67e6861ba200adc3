//! Who has answered: a person says a few words and waits, a machine speaks on.
//!
//! The figures are those that exchanges have long used: a greeting of more than 1.5 s without a pause is a machine's, one that is
//! shorter and followed by 0.8 s of silence a person's. Who says nothing for 2.5 s, or neither in 5 s, is not known.

use crate::voice_activity::VoiceActivity;

/// Who has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answerer {
    /// A person.
    Human,
    /// A machine.
    Machine,
    /// It cannot be known.
    Unsure,
}

/// Frames of 20 ms without a word after which nobody speaks.
const NO_WORD: u32 = 125;
/// Frames of a greeting that is too long for a person.
const GREETING: u32 = 75;
/// Frames of silence after which a person waits.
const PAUSE: u32 = 40;
/// Frames after which it is not found out any more.
const TOTAL: u32 = 250;
/// Frames that are too few for a word: a click.
const CLICK: u32 = 5;
/// Frames for which speech counts as going on after its last loud one ([`VoiceActivity`]).
const HANGOVER: u32 = 10;
/// The loudness below which nothing counts, and for which silence is taken: −45 dBm0. A line that is noisier than nothing at all is
/// no news then.
const QUIET: i16 = 90;

/// Listens to whoever has answered.
#[derive(Debug)]
pub struct MachineDetector {
    activity: VoiceActivity,
    frames: u32,
    /// The first and the last frame of what is said.
    spoken: Option<(u32, u32)>,
}

impl Default for MachineDetector {
    fn default() -> MachineDetector {
        let mut activity = VoiceActivity::default();
        activity.hear(&[QUIET]);
        MachineDetector { activity, frames: 0, spoken: None }
    }
}

impl MachineDetector {
    /// Hears a frame of 20 ms, of any rate; `None`: nothing came. Tells once who it is.
    pub fn hear(&mut self, said: Option<&[i16]>) -> Option<Answerer> {
        self.frames += 1;
        let floor = i64::from(QUIET).pow(2);
        let is_loud = |frame: &&[i16]| {
            let squares: i64 = frame.iter().map(|sample| i64::from(*sample).pow(2)).sum();
            squares > floor * frame.len() as i64
        };
        let speaks = self.activity.hear(said.filter(is_loud).unwrap_or(&[QUIET]));
        if speaks {
            let first = self.spoken.map_or(self.frames, |(first, _)| first);
            self.spoken = Some((first, self.frames));
        }
        match self.spoken {
            Some((first, last)) if last - first >= GREETING + HANGOVER => Some(Answerer::Machine),
            Some((first, last)) if self.frames - last >= PAUSE - HANGOVER => {
                if last - first >= CLICK + HANGOVER {
                    return Some(Answerer::Human);
                }
                self.spoken = None;
                None
            }
            None if self.frames >= NO_WORD => Some(Answerer::Unsure),
            _ if self.frames >= TOTAL => Some(Answerer::Unsure),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_sound::{add, noise, tone};

    const RATE: u32 = 8_000;

    fn silence(ms: usize) -> Vec<i16> {
        vec![0; RATE as usize / 1_000 * ms]
    }

    /// Who it is, and after how many milliseconds that is known.
    fn judge(parts: &[Vec<i16>], line: f64) -> (Answerer, usize) {
        let mut sound = parts.concat();
        sound.extend(silence(6_000));
        let length = sound.len() * 1_000 / RATE as usize;
        add(&mut sound, &noise(7, RATE, line, length));
        let mut detector = MachineDetector::default();
        let mut heard = sound.chunks_exact(160).enumerate();
        heard.find_map(|(at, frame)| Some((detector.hear(Some(frame))?, at * 20))).expect("it ends in time")
    }

    #[test]
    fn a_person_says_a_word_and_waits() {
        for line in [-90.0, -60.0, -50.0] {
            for before in [0, 300, 1_500] {
                let (who, after) = judge(&[silence(before), tone(RATE, 400.0, -20.0, 700)], line);
                assert_eq!(who, Answerer::Human, "{line} {before}");
                assert!((before + 1_300..before + 1_700).contains(&after), "{line} {before}: {after}");
            }
        }
    }

    #[test]
    fn a_machine_speaks_on() {
        for line in [-90.0, -60.0, -50.0] {
            let syllable = |at: i32| tone(RATE, 300.0 + f64::from(at) * 40.0, -20.0 - f64::from(at % 3) * 3.0, 250);
            let steady: Vec<i16> = (0..12).flat_map(syllable).collect();
            let (who, after) = judge(&[silence(400), steady], line);
            assert_eq!(who, Answerer::Machine, "{line}");
            assert!((1_900..2_300).contains(&after), "{line}: {after}");
        }
    }

    #[test]
    fn silence_and_clicks_say_nothing() {
        assert_eq!(judge(&[], -90.0), (Answerer::Unsure, 2_480));
        assert_eq!(judge(&[], -50.0).0, Answerer::Unsure);
        assert_eq!(judge(&[silence(200), tone(RATE, 900.0, -10.0, 40)], -90.0).0, Answerer::Unsure);
        let mut detector = MachineDetector::default();
        let who = (0..).find_map(|_| detector.hear(None));
        assert_eq!(who, Some(Answerer::Unsure));
    }
}
