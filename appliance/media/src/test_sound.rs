//! Sound made for tests: tones, noise, and something that has the rhythm, pitch and formants of speech. A seed makes the same
//! sound in each run.

use std::f64::consts::TAU;

/// SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to less than 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Of variance 1, nearly normal.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// The amplitude of a sine of so many dBm0: that of +3.17 dBm0 just fits into 16 bits.
pub(crate) fn amplitude(dbm0: f64) -> f64 {
    32_767.0 * 10f64.powf((dbm0 - 3.17) / 20.0)
}

/// The power of samples in dBm0.
pub(crate) fn level(pcm: &[i16]) -> f64 {
    let power = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / pcm.len().max(1) as f64;
    10.0 * (power * 2.0 / 32_767f64.powi(2)).max(1e-12).log10() + 3.17
}

pub(crate) fn to_pcm(samples: &[f64]) -> Vec<i16> {
    samples.iter().map(|sample| sample.round().clamp(-32_768.0, 32_767.0) as i16).collect()
}

/// A sine of `hertz` at `dbm0`.
pub(crate) fn tone(rate: u32, hertz: f64, dbm0: f64, milliseconds: usize) -> Vec<i16> {
    let amplitude = amplitude(dbm0);
    let samples = milliseconds * rate as usize / 1_000;
    let at = |sample: usize| amplitude * (TAU * hertz * sample as f64 / f64::from(rate)).sin();
    to_pcm(&(0..samples).map(at).collect::<Vec<f64>>())
}

/// White noise of `dbm0`.
pub(crate) fn noise(seed: u64, rate: u32, dbm0: f64, milliseconds: usize) -> Vec<i16> {
    let mut dice = Dice::new(seed);
    let deviation = amplitude(dbm0) / 2f64.sqrt();
    to_pcm(&(0..milliseconds * rate as usize / 1_000).map(|_| deviation * dice.normal()).collect::<Vec<f64>>())
}

/// Mixes `what` into the begin of `to`.
pub(crate) fn add(to: &mut [i16], what: &[i16]) {
    for (sample, more) in to.iter_mut().zip(what) {
        *sample = sample.saturating_add(*more);
    }
}

/// Speech that nobody spoke, and where it is.
pub(crate) struct Speech {
    pub(crate) pcm: Vec<i16>,
    /// For each 20 ms whether somebody speaks.
    pub(crate) spoken: Vec<bool>,
}

/// Formants of vowels (Peterson and Barney 1952, men), in hertz.
const VOWELS: [[f64; 3]; 8] = [
    [270.0, 2_290.0, 3_010.0],
    [390.0, 1_990.0, 2_550.0],
    [530.0, 1_840.0, 2_480.0],
    [660.0, 1_720.0, 2_410.0],
    [730.0, 1_090.0, 2_440.0],
    [570.0, 840.0, 2_410.0],
    [440.0, 1_020.0, 2_240.0],
    [300.0, 870.0, 2_240.0],
];

/// A filter of two poles that rings at one frequency.
#[derive(Default, Clone, Copy)]
struct Formant {
    before: [f64; 2],
}

impl Formant {
    fn pass(&mut self, input: f64, hertz: f64, width: f64, rate: f64) -> f64 {
        let radius = (-std::f64::consts::PI * width / rate).exp();
        let turn = 2.0 * radius * (TAU * hertz / rate).cos();
        let gain = 1.0 - turn + radius * radius;
        let output = gain * input + turn * self.before[0] - radius * radius * self.before[1];
        self.before = [output, self.before[0]];
        output
    }
}

/// Speech of `seconds` with syllables, words and pauses, whose words are at `dbm0` or thereabouts.
pub(crate) fn speech(seed: u64, rate: u32, dbm0: f64, seconds: usize) -> Speech {
    let mut dice = Dice::new(seed);
    let length = seconds * rate as usize;
    let mut voice = Voice::new(&mut dice, f64::from(rate));
    let (mut samples, mut is_speech) = (Vec::with_capacity(length), Vec::with_capacity(length));
    while samples.len() < length {
        for _ in 0..=(dice.unit() * 6.0) as usize {
            voice.syllable(&mut dice, &mut samples);
        }
        is_speech.resize(samples.len(), true);
        let pause = dice.between(0.15, 1.2) * f64::from(rate);
        samples.resize(samples.len() + pause as usize, 0.0);
        is_speech.resize(samples.len(), false);
    }
    samples.truncate(length);
    let spoken = samples.iter().zip(&is_speech).filter(|(_, is)| **is).map(|(sample, _)| sample * sample);
    let power = spoken.clone().sum::<f64>() / spoken.count().max(1) as f64;
    let gain = amplitude(dbm0) / 2f64.sqrt() / power.sqrt();
    let pcm = to_pcm(&samples.iter().map(|sample| sample * gain).collect::<Vec<f64>>());
    let frame = rate as usize / 50;
    let spoken =
        is_speech[..length].chunks(frame).map(|frame| frame.iter().filter(|is| **is).count() * 2 > frame.len());
    Speech { pcm, spoken: spoken.collect() }
}

struct Voice {
    rate: f64,
    pitch: f64,
    /// How much shorter the throat is than a man's.
    size: f64,
    phase: f64,
    tilt: f64,
    formants: [Formant; 3],
}

impl Voice {
    fn new(dice: &mut Dice, rate: f64) -> Voice {
        let size = dice.between(1.0, 1.25);
        let pitch = 100.0 + (size - 1.0) * 480.0 + dice.between(-15.0, 15.0);
        Voice { rate, pitch, size, phase: 0.0, tilt: 0.0, formants: [Formant::default(); 3] }
    }

    fn syllable(&mut self, dice: &mut Dice, samples: &mut Vec<f64>) {
        if dice.unit() < 0.6 {
            self.consonant(dice, samples);
        }
        let [from, to] = [0, 1].map(|_| VOWELS[(dice.unit() * 8.0) as usize]);
        let length = (dice.between(0.09, 0.28) * self.rate) as usize;
        let (rise, loud) = (dice.between(-0.25, 0.2), dice.between(0.5, 1.3));
        for sample in 0..length {
            let part = sample as f64 / length as f64;
            let glide = (part * 2.0 - 0.5).clamp(0.0, 1.0);
            let pitch = self.pitch * (1.0 + rise * part) * (1.0 + 0.01 * dice.normal());
            self.phase += pitch / self.rate;
            // A pulse at each closing of the glottis, and a little breath.
            let pulse = if self.phase >= 1.0 { self.rate / pitch } else { 0.0 };
            self.phase = self.phase.fract();
            self.tilt = 0.9 * self.tilt + pulse;
            let breath = 0.02 * dice.normal();
            let mut sound = 0.0;
            for (index, formant) in self.formants.iter_mut().enumerate() {
                let hertz = (from[index] + (to[index] - from[index]) * glide) * self.size;
                if hertz < self.rate * 0.48 {
                    let weight = [1.0, 0.45, 0.2][index];
                    sound += weight * formant.pass(self.tilt + breath, hertz, 60.0 + 40.0 * index as f64, self.rate);
                }
            }
            let envelope = (part * 8.0).min(1.0) * ((1.0 - part) * 5.0).min(1.0);
            samples.push(sound * envelope * loud);
        }
    }

    fn consonant(&mut self, dice: &mut Dice, samples: &mut Vec<f64>) {
        let length = (dice.between(0.03, 0.12) * self.rate) as usize;
        let hertz = dice.between(1_500.0, (self.rate * 0.46).min(6_000.0));
        let loud = dice.between(0.3, 1.5);
        let mut formant = Formant::default();
        for sample in 0..length {
            let part = sample as f64 / length as f64;
            let envelope = (part * 4.0).min(1.0) * ((1.0 - part) * 4.0).min(1.0);
            samples.push(formant.pass(dice.normal(), hertz, 700.0, self.rate) * envelope * loud);
        }
    }
}
