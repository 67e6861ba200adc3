//! Digits heard as tones in the sound (ITU-T Q.23), told from speech within the limits of ITU-T Q.24.
//!
//! Every 5 ms, each of the eight frequencies is correlated with the last 20 ms, the middle counting twice. Two are a digit when
//! together they hold nearly all of the power there is, neither is much louder than the other, and both are where Q.23 puts
//! them: how far a tone is off is read from how its phase turns from one correlation to the next, which is far
//! sharper than the correlation itself. A digit has to last long enough, and a gap of 10 ms does not end it.
//!
//! What is accepted and what is not is stated in [`limits`], and tested at those limits.

use std::f32::consts::TAU;

use super::Digit;

/// The limits of ITU-T Q.24 that this detector is made for (those of NTT and AT&T where the recommendation names several).
pub mod limits {
    /// Both tones may be off by this part of their frequency.
    pub const ACCEPTED_OFFSET: f64 = 0.015;
    /// A tone that is off by this part is none.
    pub const REJECTED_OFFSET: f64 = 0.035;
    /// The level of each tone, in dBm0.
    pub const ACCEPTED_LEVEL: (f64, f64) = (-24.0, -3.0);
    /// At this level, in dBm0, nothing is heard.
    pub const REJECTED_LEVEL: f64 = -29.0;
    /// How much louder the upper tone may be, in dB: least and most.
    pub const ACCEPTED_TWIST: (f64, f64) = (-8.0, 4.0);
    /// What lasts as long, in milliseconds, is a digit.
    pub const ACCEPTED_LENGTH: usize = 40;
    /// What does not last as long, in milliseconds, is none.
    pub const REJECTED_LENGTH: usize = 23;
    /// A pause of so many milliseconds parts two digits.
    pub const ACCEPTED_PAUSE: usize = 40;
    /// A gap of so many milliseconds does not.
    pub const BRIDGED_GAP: usize = 10;
}

/// ITU-T Q.23 §5, in hertz: the lower group, then the upper one.
const FREQUENCIES: [u16; 8] = [697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633];

/// The digits by lower and upper tone.
const DIGITS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

const RATE: f32 = 8_000.0;

/// Samples in a step of 5 ms.
const STEP: usize = 40;

/// How much each step of a correlation counts, oldest first.
const WEIGHTS: [f32; 4] = [1.0 / 6.0, 2.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0];

/// After so many steps every frequency, being whole hertz, is at the same phase again.
const PERIOD: u16 = 200;

/// The power of a sine of 0 dBm0, in squared samples: one of 3.17 dBm0 just fits.
const POWER_0_DBM0: f32 = 32_767.0 * 32_767.0 / 2.0 / 2.074_914;

/// −26.5 dBm0, between what has to be heard and what must not.
const QUIETEST: f32 = POWER_0_DBM0 * 0.002_238_7;

/// −44.5 dBm0: in a step that is quieter there is nothing to look for.
const FAINT: f32 = QUIETEST / 64.0;

/// Ratios of power, upper to lower tone: −10 and +6 dB.
const TWIST: (f32, f32) = (0.1, 4.0);

/// The least part of all power that both tones hold in a step, which may lie half outside of the digit, and over all of it.
const PURITY: (f32, f32) = (0.75, 0.84);

/// The greatest part by which a tone may be off in a single correlation, where noise shows, and over the whole digit.
const OFFSET: (f32, f32) = (0.035, 0.025);

/// Steps in which a digit has to be heard: that of 40 ms is in six or more, that of 23 ms in four or less.
const LEAST_STEPS: u32 = 5;

/// Steps without it after which it is over: a gap of 10 ms takes three, a pause of 40 ms seven.
const SILENT_STEPS: u32 = 5;

/// Milliseconds of a tone at both ends in which it is not heard yet, or no longer.
const EDGES_MS: u32 = 7;

/// Digits that wait to be fetched; more do not fit into the longest packet.
const WAITING: usize = 4;

#[derive(Debug, Clone, Copy, Default)]
struct Complex {
    re: f32,
    im: f32,
}

impl Complex {
    fn turn(angle: f32) -> Complex {
        Complex { re: angle.cos(), im: angle.sin() }
    }

    fn times(self, other: Complex) -> Complex {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// Times the conjugate: the angle from `other` to this.
    fn against(self, other: Complex) -> Complex {
        self.times(Complex { re: other.re, im: -other.im })
    }

    fn plus(self, other: Complex) -> Complex {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }

    fn scaled(self, by: f32) -> Complex {
        Complex { re: self.re * by, im: self.im * by }
    }

    fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }
}

/// The recursions of all frequencies (Goertzel), side by side, so that one vector operation serves several.
#[derive(Debug, Clone, Default)]
struct Recursions {
    /// Twice the cosine of the angle between two samples.
    coefficients: [f32; FREQUENCIES.len()],
    last: [f32; FREQUENCIES.len()],
    before: [f32; FREQUENCIES.len()],
}

impl Recursions {
    fn new() -> Recursions {
        let coefficients = FREQUENCIES.map(|hertz| 2.0 * (TAU * f32::from(hertz) / RATE).cos());
        Recursions { coefficients, ..Recursions::default() }
    }

    fn hear(&mut self, pcm: &[i16]) {
        let Recursions { coefficients, last, before } = self;
        for sample in pcm {
            let sample = f32::from(*sample);
            for tone in 0..FREQUENCIES.len() {
                let next = sample + coefficients[tone] * last[tone] - before[tone];
                before[tone] = last[tone];
                last[tone] = next;
            }
        }
    }
}

/// What turns the recursion of each step into a correlation with one frequency.
#[derive(Debug, Clone, Copy, Default)]
struct Resonator {
    hertz: f32,
    /// Backwards by a sample, and by a step.
    sample: Complex,
    step: Complex,
    /// Where the step begins, backwards.
    phase: Complex,
    /// The last steps, oldest first.
    steps: [Complex; WEIGHTS.len()],
    /// The correlation over them, and the one before it.
    now: Complex,
    before: Complex,
}

impl Resonator {
    fn new(hertz: u16) -> Resonator {
        let hertz = f32::from(hertz);
        let angle = TAU * hertz / RATE;
        Resonator {
            hertz,
            sample: Complex::turn(-angle),
            step: Complex::turn(-angle * STEP as f32),
            phase: Complex::turn(0.0),
            ..Resonator::default()
        }
    }

    /// A step is over, which left the recursion so; `is_last` of its period.
    fn end_step(&mut self, (last, before): (f32, f32), is_last: bool) {
        // The sum of the samples, each turned back to the begin of the step but for one constant angle.
        let sum = Complex { re: last, im: 0.0 }.plus(self.sample.scaled(-before));
        self.steps.rotate_left(1);
        self.steps[WEIGHTS.len() - 1] = sum.times(self.phase).scaled(1.0 / STEP as f32);
        self.phase = if is_last { Complex::turn(0.0) } else { self.phase.times(self.step) };
        self.before = self.now;
        self.now = Complex::default();
        for (step, weight) in self.steps.iter().zip(WEIGHTS) {
            self.now = self.now.plus(step.scaled(weight));
        }
    }

    /// How far the tone is off, as an angle in each step.
    fn offset(&self) -> Complex {
        self.now.against(self.before)
    }

    /// The power of a tone that is off by `angle` in each step.
    fn power(&self, angle: f32) -> f32 {
        let within = if angle.abs() < 0.01 { 1.0 } else { (angle / 2.0).sin() / (angle / 2.0) };
        let between = 2.0 * (WEIGHTS[1] * (angle / 2.0).cos() + WEIGHTS[0] * (1.5 * angle).cos());
        let response = within * between;
        2.0 * self.now.power() / (response * response)
    }

    /// The part of the frequency that an angle in each step is.
    fn part(&self, angle: f32) -> f32 {
        angle / TAU * RATE / STEP as f32 / self.hertz
    }
}

/// The tones of a digit in one correlation.
#[derive(Debug, Clone, Copy)]
struct Tones {
    lower: usize,
    upper: usize,
    /// Their power, and that of everything.
    power: f32,
    all: f32,
}

/// A digit that is being heard.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// Which tones, and the sums of their power and of everything.
    tones: Tones,
    /// Steps in which it was heard, all since the first of them, and those since the last.
    heard: u32,
    length: u32,
    silent: u32,
    /// The sums of the turns of both tones.
    offsets: [Complex; 2],
}

/// What hears digits in one stream of sound at 8 kHz.
#[derive(Debug)]
pub struct DigitDetector {
    recursions: Recursions,
    resonators: [Resonator; FREQUENCIES.len()],
    /// Samples of the present step, and its power.
    samples: usize,
    power: f32,
    /// The mean power of the last steps, oldest first.
    powers: [f32; WEIGHTS.len()],
    /// The step within the period.
    step: u16,
    candidate: Option<Candidate>,
    found: [Option<Digit>; WAITING],
}

impl Default for DigitDetector {
    fn default() -> DigitDetector {
        DigitDetector {
            recursions: Recursions::new(),
            resonators: FREQUENCIES.map(Resonator::new),
            samples: 0,
            power: 0.0,
            powers: [0.0; WEIGHTS.len()],
            step: 0,
            candidate: None,
            found: [None; WAITING],
        }
    }
}

impl DigitDetector {
    /// Hears sound of 8 kHz, of any length; the digits that are over with it wait in [`DigitDetector::poll_digit`].
    pub fn hear(&mut self, mut pcm: &[i16]) {
        while !pcm.is_empty() {
            let (part, behind) = pcm.split_at(pcm.len().min(STEP - self.samples));
            let power: i64 = part.iter().map(|sample| i64::from(i32::from(*sample).pow(2))).sum();
            // What is nearly silent by far holds no tone that counts.
            if power > (FAINT * STEP as f32) as i64 {
                self.recursions.hear(part);
            }
            self.power += power as f32;
            self.samples += part.len();
            if self.samples == STEP {
                self.end_step();
            }
            pcm = behind;
        }
    }

    /// The next digit that is over. Four wait at most: those of 320 ms.
    pub fn poll_digit(&mut self) -> Option<Digit> {
        let first = self.found[0].take()?;
        self.found.rotate_left(1);
        Some(first)
    }

    /// Whether the tones of a digit are heard now.
    pub fn is_hearing(&self) -> bool {
        self.candidate.is_some_and(|candidate| candidate.heard >= 2 && candidate.silent == 0)
    }

    fn end_step(&mut self) {
        self.powers.rotate_left(1);
        self.powers[WEIGHTS.len() - 1] = self.power / STEP as f32;
        (self.power, self.samples) = (0.0, 0);
        self.step = (self.step + 1) % PERIOD;
        let Recursions { last, before, .. } = &mut self.recursions;
        for (tone, resonator) in self.resonators.iter_mut().enumerate() {
            resonator.end_step((last[tone], before[tone]), self.step == 0);
        }
        (*last, *before) = Default::default();
        match self.tones() {
            Some(tones) => self.continue_with(tones),
            None => {
                if let Some(candidate) = &mut self.candidate {
                    candidate.silent += 1;
                }
                if let Some(over) = self.candidate.take_if(|candidate| candidate.silent >= SILENT_STEPS) {
                    self.tell(&over);
                }
            }
        }
    }

    fn continue_with(&mut self, tones: Tones) {
        let offsets = [tones.lower, tones.upper].map(|tone| self.resonators[tone].offset());
        let other = self.candidate.take_if(|candidate| !candidate.is_of(&tones));
        let candidate = self.candidate.get_or_insert(Candidate::new(&tones));
        candidate.heard += 1;
        candidate.length += candidate.silent + 1;
        candidate.silent = 0;
        candidate.tones.power += tones.power;
        candidate.tones.all += tones.all;
        for (sum, offset) in candidate.offsets.iter_mut().zip(offsets) {
            *sum = sum.plus(offset);
        }
        if let Some(other) = other {
            self.tell(&other);
        }
    }

    /// The two tones of a digit, if that is what is heard.
    fn tones(&self) -> Option<Tones> {
        let all: f32 = self.powers.iter().zip(WEIGHTS).map(|(power, weight)| power * weight).sum();
        if all < QUIETEST {
            return None;
        }
        let (lower, upper) = (self.loudest(0), self.loudest(4));
        let mut powers = [0.0; 2];
        for (power, tone) in powers.iter_mut().zip([lower, upper]) {
            let resonator = &self.resonators[tone];
            let offset = resonator.offset();
            let angle = offset.im.atan2(offset.re);
            if resonator.part(angle).abs() > OFFSET.0 {
                return None;
            }
            *power = resonator.power(angle);
        }
        let [low, high] = powers;
        let twist = high / low;
        let is_digit = low.min(high) > QUIETEST
            && (TWIST.0..=TWIST.1).contains(&twist)
            && low + high > PURITY.0 * all
            && low + high < all / PURITY.0;
        is_digit.then_some(Tones { lower, upper, power: low + high, all })
    }

    fn loudest(&self, from: usize) -> usize {
        let mut loudest = from;
        for tone in from + 1..from + 4 {
            if self.resonators[tone].now.power() > self.resonators[loudest].now.power() {
                loudest = tone;
            }
        }
        loudest
    }

    /// A digit is over; it is one if it lasted and its tones were pure and where they belong.
    fn tell(&mut self, over: &Candidate) {
        let Tones { lower, upper, power, all } = over.tones;
        if over.heard < LEAST_STEPS || power < PURITY.1 * all {
            return;
        }
        for (offset, tone) in over.offsets.iter().zip([lower, upper]) {
            if self.resonators[tone].part(offset.im.atan2(offset.re)).abs() > OFFSET.1 {
                return;
            }
        }
        let duration_ms = over.length * 5 + EDGES_MS;
        if let Some(place) = self.found.iter_mut().find(|place| place.is_none()) {
            *place = Some(Digit { digit: DIGITS[lower][upper - 4], duration_ms });
        }
    }
}

impl Candidate {
    fn new(tones: &Tones) -> Candidate {
        let tones = Tones { power: 0.0, all: 0.0, ..*tones };
        Candidate { tones, heard: 0, length: 0, silent: 0, offsets: [Complex::default(); 2] }
    }

    fn is_of(&self, tones: &Tones) -> bool {
        (self.tones.lower, self.tones.upper) == (tones.lower, tones.upper)
    }
}

#[cfg(test)]
mod tests;
