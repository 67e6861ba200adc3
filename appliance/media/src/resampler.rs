//! Linear audio from one sample rate to another, by a polyphase filter.
//!
//! Pass-band, stop-band and delay are those of the filters in `filter.rs`, and the tests measure them: ripple below
//! 0.01 dB up to 0.425 of the lower rate, at least 80 dB from 0.56 of it on, a delay of 20 samples of the lower rate (2.5 ms where
//! that is 8 kHz, 1.25 ms where it is 16 kHz).

pub(crate) mod filter;

use std::time::Duration;

use crate::SampleRate;
use filter::Bank;

/// Turns audio of one rate into audio of another. It allocates when it is made and never again.
#[derive(Debug)]
pub struct Resampler {
    from: SampleRate,
    to: SampleRate,
    /// `None`: both rates are the same.
    filter: Option<Filter>,
}

#[derive(Debug)]
struct Filter {
    bank: &'static Bank,
    /// The last samples of what came before, then those that are worked on.
    samples: Box<[f32]>,
}

/// Milliseconds that are worked on at once: so few that the samples stay in the nearest cache.
const BLOCK_MS: usize = 10;

impl Resampler {
    /// A resampler that has heard silence so far.
    pub fn new(from: SampleRate, to: SampleRate) -> Resampler {
        let filter = bank(from, to).map(|bank| {
            let samples = vec![0.0; bank.length - 1 + from.per_ms() * BLOCK_MS].into_boxed_slice();
            Filter { bank, samples }
        });
        Resampler { from, to, filter }
    }

    /// The rate of its input.
    pub fn from(&self) -> SampleRate {
        self.from
    }

    /// The rate of its output.
    pub fn to(&self) -> SampleRate {
        self.to
    }

    /// How much later a sound comes out than it went in.
    pub fn delay(&self) -> Duration {
        match self.filter {
            Some(_) => {
                let lower = u64::from(self.from.min(self.to).hz());
                Duration::from_nanos(filter::SPAN as u64 / 2 * 1_000_000_000 / lower)
            }
            None => Duration::ZERO,
        }
    }

    /// Writes `input` at the other rate to the beginning of `output` and says how many samples that are: exactly
    /// `input.len()` · to / from. The input is a whole number of milliseconds, and the output has room for it; what is
    /// too much of either is left out.
    pub fn process(&mut self, input: &[i16], output: &mut [i16]) -> usize {
        let (per_ms_in, per_ms_out) = (self.from.per_ms(), self.to.per_ms());
        let milliseconds = (input.len() / per_ms_in).min(output.len() / per_ms_out);
        let (input, output) = (&input[..milliseconds * per_ms_in], &mut output[..milliseconds * per_ms_out]);
        let Some(filter) = &mut self.filter else {
            output.copy_from_slice(input);
            return output.len();
        };
        let blocks = input.chunks(per_ms_in * BLOCK_MS).zip(output.chunks_mut(per_ms_out * BLOCK_MS));
        blocks.for_each(|(input, output)| filter.process(input, output));
        output.len()
    }

    /// Forgets what it has heard.
    pub fn reset(&mut self) {
        if let Some(filter) = &mut self.filter {
            filter.samples.fill(0.0);
        }
    }
}

impl Filter {
    fn process(&mut self, input: &[i16], output: &mut [i16]) {
        let bank = self.bank;
        let history = bank.length - 1;
        for (place, sample) in self.samples[history..].iter_mut().zip(input) {
            *place = f32::from(*sample);
        }
        // A block begins with a millisecond, and so with phase 0.
        let (mut place, mut phase) = (0, 0);
        let (places, phases) = (bank.step / bank.phases, bank.step % bank.phases);
        for sample in output {
            let window = &self.samples[place..][..bank.length];
            *sample = round(dot(bank.phase(phase), window));
            (place, phase) = (place + places, phase + phases);
            if phase >= bank.phases {
                (place, phase) = (place + 1, phase - bank.phases);
            }
        }
        self.samples.copy_within(input.len()..input.len() + history, 0);
    }
}

/// The sum of products. Two times four columns, added up in a loop, are what the compiler turns into one vector operation
/// each; all eight in one array it shuffles around in every step.
#[inline]
pub(crate) fn dot(taps: &[f32], samples: &[f32]) -> f32 {
    let ((taps, taps_left), (samples, samples_left)) = (taps.as_chunks::<8>(), samples.as_chunks::<8>());
    let (mut low, mut high) = ([0.0_f32; 4], [0.0_f32; 4]);
    for (taps, samples) in taps.iter().zip(samples) {
        for column in 0..4 {
            low[column] += taps[column] * samples[column];
        }
        for column in 0..4 {
            high[column] += taps[column + 4] * samples[column + 4];
        }
    }
    let mut sum = taps_left.iter().zip(samples_left).map(|(tap, sample)| tap * sample).sum();
    for column in 0..4 {
        sum += low[column] + high[column];
    }
    sum
}

/// The nearest sample; the loudest where there is none so loud.
#[inline]
pub(crate) fn round(value: f32) -> i16 {
    // 1.5 · 2²³: adding it leaves no bits for a fraction. A call of `round` would not be inlined on every processor.
    const NO_FRACTION: f32 = 12_582_912.0;
    ((value + NO_FRACTION) - NO_FRACTION) as i16
}

fn bank(from: SampleRate, to: SampleRate) -> Option<&'static Bank> {
    match (from.per_ms(), to.per_ms()) {
        (8, 16) | (24, 48) => Some(&filter::UP_2),
        (8, 24) | (16, 48) => Some(&filter::UP_3),
        (8, 48) => Some(&filter::UP_6),
        (16, 8) | (48, 24) => Some(&filter::DOWN_2),
        (24, 8) | (48, 16) => Some(&filter::DOWN_3),
        (48, 8) => Some(&filter::DOWN_6),
        (16, 24) => Some(&filter::UP_3_DOWN_2),
        (24, 16) => Some(&filter::UP_2_DOWN_3),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
