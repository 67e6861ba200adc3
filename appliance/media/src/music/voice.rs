//! One note of one instrument: two sines that swell, fade and are let go.

use crate::sample_rate::SampleRate;
use crate::sine::Oscillator;

/// How the notes of an instrument sound.
#[derive(Debug)]
pub struct Instrument {
    /// The peak of its first sine, of 1.
    level: f32,
    /// Its second sine: how many times the frequency of the first, and how loud beside it.
    second: (f64, f32),
    /// How long it swells.
    attack_ms: f32,
    /// In how long it loses 63 % of the way down to its sustained level, and this level.
    decay: (f32, f32),
    /// In how long it loses 63 % after it was let go.
    release_ms: f32,
}

/// What breaks the chords.
pub const PIANO: Instrument =
    Instrument { level: 0.085, second: (2.0, 0.28), attack_ms: 6.0, decay: (420.0, 0.0), release_ms: 380.0 };
/// What holds them; its second sine is a little out of tune, which makes it float.
pub const PAD: Instrument =
    Instrument { level: 0.022, second: (1.003, 0.9), attack_ms: 500.0, decay: (900.0, 0.8), release_ms: 420.0 };
/// What stands below them, with an octave that a telephone lets pass.
pub const BASS: Instrument =
    Instrument { level: 0.07, second: (2.0, 0.5), attack_ms: 12.0, decay: (700.0, 0.2), release_ms: 120.0 };
/// What sings.
pub const FLUTE: Instrument =
    Instrument { level: 0.075, second: (2.0, 0.12), attack_ms: 45.0, decay: (600.0, 0.55), release_ms: 160.0 };

/// Below this, 66 dB under its greatest loudness, a note that was let go ends: no more than a sample of 1 or 2.
const END: f32 = 0.000_5;

/// One note that sounds, or none.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    first: Oscillator,
    second: Oscillator,
    // Peaks of the two in samples, divided by what an oscillator's greatest value is.
    level: f32,
    second_level: f32,
    envelope: f32,
    stage: Stage,
    swell: f32,
    fall: f32,
    sustain: f32,
    release: f32,
    hold: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Silent,
    Swelling,
    Falling,
    Released,
}

impl Voice {
    /// No note.
    pub const SILENT: Voice = Voice {
        first: Oscillator::SILENT,
        second: Oscillator::SILENT,
        level: 0.0,
        second_level: 0.0,
        envelope: 0.0,
        stage: Stage::Silent,
        swell: 0.0,
        fall: 0.0,
        sustain: 0.0,
        release: 0.0,
        hold: 0,
    };

    /// Begins `note`, to be let go after `hold` samples. `loudness` is 1 for the instrument's own.
    pub fn begin(instrument: &Instrument, note: u8, hold: usize, loudness: f32, rate: SampleRate) -> Voice {
        let hz = 440.0 * ((f64::from(note) - 69.0) / 12.0).exp2();
        let (ratio, beside) = instrument.second;
        let per_ms = rate.per_ms() as f32;
        let keeps = |ms: f32| (-1.0 / (ms * per_ms)).exp();
        // A second sine that the rate cannot carry is left out.
        let audible = hz * ratio * 2.0 < f64::from(rate.hz());
        Voice {
            first: Oscillator::new(hz, rate.hz()),
            second: Oscillator::new(hz * ratio, rate.hz()),
            level: instrument.level * loudness,
            second_level: if audible { instrument.level * loudness * beside } else { 0.0 },
            envelope: 0.0,
            stage: Stage::Swelling,
            swell: 1.0 / (instrument.attack_ms * per_ms),
            fall: keeps(instrument.decay.0),
            sustain: instrument.decay.1,
            release: keeps(instrument.release_ms),
            hold,
        }
    }

    /// Whether there is anything of it.
    pub fn is_sounding(&self) -> bool {
        self.stage != Stage::Silent
    }

    /// How loud it is now.
    pub fn loudness(&self) -> f32 {
        self.envelope * self.level
    }

    /// Adds what comes next of it to `sum`.
    pub fn add(&mut self, sum: &mut [f32]) {
        for sample in sum {
            self.go_on();
            let sines = self.first.tick() as f32 * self.level + self.second.tick() as f32 * self.second_level;
            *sample += sines * self.envelope;
        }
        if self.stage == Stage::Released && self.envelope < END {
            self.stage = Stage::Silent;
        }
    }

    fn go_on(&mut self) {
        match self.stage {
            Stage::Swelling => {
                self.envelope += self.swell;
                if self.envelope >= 1.0 {
                    self.envelope = 1.0;
                    self.stage = Stage::Falling;
                }
            }
            Stage::Falling => self.envelope = self.sustain + (self.envelope - self.sustain) * self.fall,
            Stage::Released => self.envelope *= self.release,
            Stage::Silent => {}
        }
        match self.hold {
            0 => self.stage = Stage::Released,
            _ => self.hold -= 1,
        }
    }
}
