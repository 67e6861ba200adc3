//! Sound at any rate to a rate of ours.
//!
//! The filter has the shape of the [resampler](crate::resampler)'s, whatever the two rates: with `f` for the lower of them, ripple
//! below 0.01 dB up to 0.425·f, at least 80 dB down from 0.56·f on. Unlike the resampler it has no delay and its length is
//! exact: the first sample out is the first sample in, and `n` samples in are `n` · to / from out, rounded up.

use crate::limits;
use crate::resampler::{dot, filter, round};
use crate::sample_rate::SampleRate;

/// Steps of the kernel in one period of the lower rate. A straight line between two of them is at most 4 · 10⁻⁶ off.
const STEPS: usize = 256;

/// Periods of the lower rate on each side of the middle.
const HALF: usize = filter::SPAN / 2;

/// One side of the filter's answer to an impulse, from its middle, and a last 0.
static KERNEL: [f32; HALF * STEPS + 2] = kernel();

/// Samples that are taken at a time.
const BLOCK: usize = 1_024;

/// Converts one sound.
#[derive(Debug)]
pub struct RateConverter {
    from: u32,
    // Both rates without their common divisor: an output sample is `down` / `up` input samples after the one before.
    up: usize,
    down: usize,
    weights: Weights,
    // Input samples that one output sample is made of.
    length: usize,
    // What is still needed of the input, then what is new.
    samples: Box<[f32]>,
    filled: usize,
    // Where the next output sample begins in `samples`, and its phase in parts of `up`.
    start: usize,
    phase: usize,
    taken: u64,
    given: u64,
    ended: bool,
}

#[derive(Debug)]
enum Weights {
    /// Both rates are the same.
    None,
    /// For each phase.
    Bank(Box<[f32]>),
    /// There are too many phases to keep them.
    Scratch(Box<[f32]>),
}

impl RateConverter {
    /// From so many hertz, at least 1, to a rate of ours.
    pub fn new(from: u32, to: SampleRate) -> RateConverter {
        let from = from.max(1);
        let divisor = divisor(from, to.hz());
        let (up, down) = ((to.hz() / divisor) as usize, (from / divisor) as usize);
        let half = HALF * down.max(up).div_ceil(up);
        let length = if up == down { 1 } else { 2 * half };
        let mut converter = RateConverter {
            from,
            up,
            down,
            weights: Weights::None,
            length,
            samples: vec![0.0; length + BLOCK].into_boxed_slice(),
            // Silence before the first sample, which stands in the middle.
            filled: if up == down { 0 } else { half - 1 },
            start: 0,
            phase: 0,
            taken: 0,
            given: 0,
            ended: false,
        };
        if up != down && up * length <= limits::SOUND_BANK {
            let mut bank = vec![0.0; up * length].into_boxed_slice();
            bank.chunks_mut(length).enumerate().for_each(|(phase, weights)| converter.weigh(phase, weights));
            converter.weights = Weights::Bank(bank);
        } else if up != down {
            converter.weights = Weights::Scratch(vec![0.0; length].into_boxed_slice());
        }
        converter
    }

    /// The rate of the input.
    pub fn from(&self) -> u32 {
        self.from
    }

    /// Takes samples of the input, as many as there is room for, and says how many. First [pull](RateConverter::pull).
    pub fn push(&mut self, input: &[f32]) -> usize {
        self.make_room();
        let count = input.len().min(self.samples.len() - self.filled);
        self.samples[self.filled..self.filled + count].copy_from_slice(&input[..count]);
        self.filled += count;
        self.taken += count as u64;
        count
    }

    /// There is no more input: what is held back comes out.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Writes samples of the output, and says how many. 0: more input is needed, or there is no more.
    pub fn pull(&mut self, output: &mut [i16]) -> usize {
        let mut written = 0;
        for sample in output {
            if self.ended && self.given * self.down as u64 >= self.taken * self.up as u64 {
                break;
            }
            if self.start + self.length > self.filled && !self.append_silence() {
                break;
            }
            *sample = round(self.at(self.start, self.phase));
            self.phase += self.down;
            self.start += self.phase / self.up;
            self.phase %= self.up;
            self.given += 1;
            written += 1;
        }
        written
    }

    fn at(&mut self, start: usize, phase: usize) -> f32 {
        let length = self.length;
        if let Weights::Scratch(weights) = &mut self.weights {
            let mut taken = std::mem::take(weights);
            self.weigh(phase, &mut taken);
            self.weights = Weights::Scratch(taken);
        }
        let samples = &self.samples[start..start + length];
        match &self.weights {
            Weights::None => samples[0],
            Weights::Bank(bank) => dot(&bank[phase * length..][..length], samples),
            Weights::Scratch(weights) => dot(weights, samples),
        }
    }

    /// How much each input sample counts for an output sample that lies `phase` / `up` behind the one in the middle.
    fn weigh(&self, phase: usize, weights: &mut [f32]) {
        let middle = (self.length / 2 - 1) as f64 + phase as f64 / self.up as f64;
        let periods = (self.up as f64 / self.down as f64).min(1.0);
        let mut sum = 0.0;
        for (at, weight) in weights.iter_mut().enumerate() {
            let place = (at as f64 - middle).abs() * periods * STEPS as f64;
            let (step, beyond) = (place as usize, place.fract() as f32);
            *weight = match KERNEL.get(step..step + 2) {
                Some([here, next]) => here + (next - here) * beyond,
                _ => 0.0,
            };
            sum += *weight;
        }
        // So that constant input stays what it is.
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }

    fn make_room(&mut self) {
        let gone = self.start.min(self.filled);
        self.samples.copy_within(gone..self.filled, 0);
        self.filled -= gone;
        self.start -= gone;
    }

    /// After the last sample comes silence, as much as the last output samples need.
    fn append_silence(&mut self) -> bool {
        if self.ended {
            self.make_room();
            self.samples[self.filled..].fill(0.0);
            self.filled = self.samples.len();
        }
        self.ended && self.start + self.length <= self.filled
    }
}

fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}

const fn kernel() -> [f32; HALF * STEPS + 2] {
    let mut kernel = [0.0; HALF * STEPS + 2];
    let mut at = 0;
    while at <= HALF * STEPS {
        kernel[at] = filter::tap(HALF * STEPS + at, STEPS) as f32;
        at += 1;
    }
    kernel
}

#[cfg(test)]
mod tests;
