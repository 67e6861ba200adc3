//! The detector at the limits of ITU-T Q.24, and behind everything that is no digit.

use std::f64::consts::TAU;

use super::*;
use crate::test_sound::{Dice, add, amplitude, noise, speech, to_pcm, tone};

/// Two tones: their frequencies times `1 + off`, their levels in dBm0, and how long.
#[derive(Debug, Clone, Copy)]
struct Press {
    tones: (usize, usize),
    off: (f64, f64),
    levels: (f64, f64),
    milliseconds: f64,
}

impl Press {
    fn new(tones: (usize, usize)) -> Press {
        Press { tones, off: (0.0, 0.0), levels: (-10.0, -10.0), milliseconds: 60.0 }
    }

    fn digit(&self) -> char {
        DIGITS[self.tones.0][self.tones.1]
    }

    /// The sound of it after `before` milliseconds of silence, and 60 ms after it.
    fn sound(&self, before: f64) -> Vec<i16> {
        let hertz = [FREQUENCIES[self.tones.0], FREQUENCIES[self.tones.1 + 4]].map(f64::from);
        let hertz = [hertz[0] * (1.0 + self.off.0), hertz[1] * (1.0 + self.off.1)];
        let levels = [self.levels.0, self.levels.1].map(amplitude);
        let (start, length) = ((before * 8.0) as usize, (self.milliseconds * 8.0) as usize);
        let at = |sample: usize| {
            let time = sample as f64 / 8_000.0;
            levels[0] * (TAU * hertz[0] * time + 0.4).sin() + levels[1] * (TAU * hertz[1] * time).sin()
        };
        let mut samples = vec![0.0; start + length + 480];
        (0..length).for_each(|sample| samples[start + sample] = at(sample));
        to_pcm(&samples)
    }
}

/// The digits heard in `sound`, in packets of 20 ms.
fn heard(sound: &[i16]) -> Vec<Digit> {
    let mut detector = DigitDetector::default();
    let mut digits = Vec::new();
    for packet in sound.chunks(160) {
        detector.hear(packet);
        digits.extend(std::iter::from_fn(|| detector.poll_digit()));
    }
    detector.hear(&[0; 400]);
    digits.extend(std::iter::from_fn(|| detector.poll_digit()));
    digits
}

fn text(digits: &[Digit]) -> String {
    digits.iter().map(|digit| digit.digit).collect()
}

fn all() -> impl Iterator<Item = (usize, usize)> {
    (0..16).map(|index| (index / 4, index % 4))
}

#[test]
fn every_digit_is_heard_once_with_its_length() {
    for tones in all() {
        for milliseconds in [45.0, 70.0, 200.0, 1_000.0] {
            let press = Press { milliseconds, ..Press::new(tones) };
            let digits = heard(&press.sound(33.0));
            assert_eq!(text(&digits), press.digit().to_string(), "{press:?}");
            assert!((f64::from(digits[0].duration_ms) - milliseconds).abs() < 10.0, "{press:?} {digits:?}");
        }
    }
}

/// Counts the presses of all digits at eight moments between two steps that are heard as what they are, and all.
fn count(change: impl Fn(Press, usize) -> Press, noise_level: Option<f64>) -> (usize, usize, String) {
    let (mut right, mut heard_at_all, mut wrong) = (0, 0, String::new());
    for (index, tones) in all().enumerate() {
        for moment in 0..8 {
            let press = change(Press::new(tones), index + moment);
            let mut sound = press.sound(20.0 + moment as f64 * 0.625);
            if let Some(level) = noise_level {
                let samples = sound.len();
                add(&mut sound, &noise(index as u64 * 8 + moment as u64, 8_000, level, samples / 8 + 1));
            }
            let digits = heard(&sound);
            heard_at_all += digits.len();
            if text(&digits) == press.digit().to_string() {
                right += 1;
            } else if wrong.is_empty() {
                wrong = format!("{press:?}: {digits:?}");
            }
        }
    }
    (right, heard_at_all, wrong)
}

fn assert_heard(change: impl Fn(Press, usize) -> Press, noise_level: Option<f64>) {
    let (right, _, wrong) = count(change, noise_level);
    assert_eq!(right, 128, "{wrong}");
}

const SIGNS: [(f64, f64); 4] = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];

#[test]
fn what_has_to_be_accepted_is_accepted() {
    let off = limits::ACCEPTED_OFFSET;
    let offset = |index: usize| (SIGNS[index % 4].0 * off, SIGNS[index % 4].1 * off);
    let milliseconds = limits::ACCEPTED_LENGTH as f64;
    for level in [limits::ACCEPTED_LEVEL.0, -10.0, limits::ACCEPTED_LEVEL.1] {
        let levels = (level, level);
        assert_heard(|press, index| Press { levels, off: offset(index), milliseconds, ..press }, None);
    }
    for twist in [limits::ACCEPTED_TWIST.0, limits::ACCEPTED_TWIST.1] {
        for quieter in [-24.0, -12.0] {
            let levels = if twist > 0.0 { (quieter, quieter + twist) } else { (quieter - twist, quieter) };
            assert_heard(|press, index| Press { levels, off: offset(index), milliseconds, ..press }, None);
        }
    }
}

#[test]
fn what_must_not_be_accepted_is_not() {
    let off = limits::REJECTED_OFFSET;
    for sign in [1.0, -1.0] {
        for off in [(off * sign, 0.0), (0.0, off * sign), (off * sign, off * sign), (off * sign, -off * sign)] {
            let (_, heard, wrong) = count(|press, _| Press { off, milliseconds: 200.0, ..press }, None);
            assert_eq!(heard, 0, "{off:?}: {wrong}");
        }
    }
    let too_short = limits::REJECTED_LENGTH as f64 - 0.1;
    assert_eq!(count(|press, _| Press { milliseconds: too_short, ..press }, None).1, 0);
    let level = limits::REJECTED_LEVEL;
    assert_eq!(count(|press, _| Press { levels: (level, level), ..press }, None).1, 0);
    for levels in [(-10.0, -25.0), (-22.0, -10.0), (-60.0, -10.0), (-10.0, -60.0)] {
        assert_eq!(count(|press, _| Press { levels, ..press }, None).1, 0, "{levels:?}");
    }
}

#[test]
fn digits_are_heard_in_noise() {
    for (milliseconds, snr) in [(50.0, 15.0), (80.0, 12.0)] {
        // The noise is that much below both tones together.
        let level = -10.0 + 3.0 - snr;
        let (right, all, wrong) = count(|press, _| Press { milliseconds, ..press }, Some(level));
        assert!(right >= 127 && all <= 129, "{snr} dB: {right} {all} {wrong}");
    }
}

#[test]
fn a_pause_parts_digits_and_a_gap_does_not() {
    for moment in 0..40 {
        let press = Press { milliseconds: 50.0, ..Press::new((1, 1)) };
        let sound = press.sound(20.0 + f64::from(moment) * 0.25);
        let (start, length) = (160 + moment as usize * 2, 400);
        let mut twice = sound[..start + length].to_vec();
        twice.extend(vec![0; limits::ACCEPTED_PAUSE * 8]);
        twice.extend(&sound[start..]);
        assert_eq!(text(&heard(&twice)), "55", "{moment}");
        let mut with_gap = Press { milliseconds: 100.0, ..press }.sound(20.0 + f64::from(moment) * 0.25);
        with_gap[start + 320..start + 320 + limits::BRIDGED_GAP * 8].fill(0);
        assert_eq!(text(&heard(&with_gap)), "5", "{moment}");
    }
}

#[test]
fn a_number_dialled_as_fast_as_allowed_is_heard() {
    let keys = "0123456789*#ABCD00112233";
    let mut sound = Vec::new();
    for key in keys.chars() {
        let tones = all().find(|tones| DIGITS[tones.0][tones.1] == key).unwrap();
        let press = Press { milliseconds: 50.0, ..Press::new(tones) };
        sound.extend(&press.sound(0.0)[..400]);
        sound.extend([0; 344]);
    }
    assert_eq!(text(&heard(&sound)), keys);
    // In packets of any length.
    let mut detector = DigitDetector::default();
    let (mut digits, mut dice) = (Vec::new(), Dice::new(1));
    let mut rest = sound.as_slice();
    while !rest.is_empty() {
        let (part, behind) = rest.split_at((dice.roll() % 700).min(rest.len() as u64) as usize);
        detector.hear(part);
        digits.extend(std::iter::from_fn(|| detector.poll_digit()));
        rest = behind;
    }
    assert_eq!(text(&digits), keys);
}

#[test]
fn it_says_when_it_hears_a_digit() {
    let mut detector = DigitDetector::default();
    let sound = Press { milliseconds: 100.0, ..Press::new((0, 0)) }.sound(0.0);
    detector.hear(&sound[..400]);
    assert!(detector.is_hearing() && detector.poll_digit().is_none());
    detector.hear(&sound[400..]);
    assert!(!detector.is_hearing() && detector.poll_digit().is_some() && detector.poll_digit().is_none());
}

#[test]
fn speech_is_no_digit() {
    let mut wrong = Vec::new();
    for seed in 0..20 {
        for level in [-10.0, -25.0] {
            wrong.extend(heard(&speech(seed, 8_000, level, 60).pcm));
        }
    }
    assert!(wrong.is_empty(), "in 40 minutes: {wrong:?}");
}

#[test]
fn noise_chirps_and_single_tones_are_no_digits() {
    let mut wrong = Vec::new();
    for seed in 0..5 {
        wrong.extend(heard(&noise(seed, 8_000, -10.0, 60_000)));
    }
    for seconds in [1, 3, 10, 60] {
        let samples = seconds * 8_000;
        let chirp = |upwards: f64| {
            let mut phase = 0.0;
            let mut at = |sample: usize| {
                let part = sample as f64 / samples as f64;
                phase += TAU * (300.0 + 3_000.0 * (upwards + (1.0 - 2.0 * upwards) * part)) / 8_000.0;
                amplitude(-8.0) * phase.sin()
            };
            to_pcm(&(0..samples).map(&mut at).collect::<Vec<f64>>())
        };
        let mut both = chirp(0.0);
        wrong.extend(heard(&both));
        add(&mut both, &chirp(1.0));
        wrong.extend(heard(&both));
    }
    for hertz in FREQUENCIES {
        wrong.extend(heard(&tone(8_000, f64::from(hertz), -5.0, 2_000)));
    }
    // The tones of networks: dialling, ringing, engaged.
    for (one, other) in [(350.0, 440.0), (440.0, 480.0), (480.0, 620.0), (425.0, 450.0), (1_400.0, 2_060.0)] {
        let mut both = tone(8_000, one, -10.0, 2_000);
        add(&mut both, &tone(8_000, other, -10.0, 2_000));
        wrong.extend(heard(&both));
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn music_is_no_digit() {
    // Chords of three notes of the tempered scale with their overtones, as strings and pipes have them.
    let mut dice = Dice::new(4);
    let mut wrong = Vec::new();
    for _ in 0..600 {
        let mut chord = vec![0.0f64; 4_000];
        for _ in 0..3 {
            let note = 130.81 * 2f64.powf((dice.unit() * 40.0).floor() / 12.0);
            let fall = dice.between(0.4, 0.75);
            for overtone in 1..=8 {
                let hertz = note * f64::from(overtone);
                if hertz > 3_700.0 {
                    break;
                }
                let (level, phase) = (amplitude(-16.0) * fall.powi(overtone - 1), dice.between(0.0, TAU));
                for (index, sample) in chord.iter_mut().enumerate() {
                    *sample += level * (TAU * hertz * index as f64 / 8_000.0 + phase).sin();
                }
            }
        }
        wrong.extend(heard(&to_pcm(&chord)));
    }
    assert!(wrong.is_empty(), "in 300 seconds: {wrong:?}");
}
