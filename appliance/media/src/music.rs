//! Our own music on hold: a quiet piece of 73 seconds that begins again without a seam, made while it is played.
//!
//! [`score`] is what is played, [`voice`] how it sounds. The piece is ours, so that nobody has to ask for rights to it. Its notes
//! are laid out on a grid of sixteenths that are a whole number of milliseconds, so that it has the same length at every
//! sample rate. Where it begins anew the last notes ring on into the first bar: all rounds but the very beginning of the first
//! sound the same.
//!
//! Level: about −23 dB of the greatest sample on average, peaks below −9 dB.

pub mod score;
pub mod voice;

use crate::sample_rate::SampleRate;
use score::{BARS, Bar, STEP_MS, STEPS};
use voice::{BASS, FLUTE, Instrument, PAD, PIANO, Voice};

/// Notes that may sound at once. The score needs no more than 20, the last ones long faded.
const VOICES: usize = 24;

/// How long one round takes, in milliseconds.
pub const ROUND_MS: usize = BARS.len() * STEPS * STEP_MS;

/// Plays the piece.
#[derive(Debug, Clone)]
pub struct Music {
    rate: SampleRate,
    step: usize,
    // Samples until the next sixteenth.
    left: usize,
    voices: [Voice; VOICES],
    stolen: u32,
}

impl Music {
    /// From its beginning.
    pub fn new(rate: SampleRate) -> Music {
        Music { rate, step: 0, left: 0, voices: [Voice::SILENT; VOICES], stolen: 0 }
    }

    /// Fills `pcm` with what comes next.
    pub fn fill(&mut self, pcm: &mut [i16]) {
        let mut rest = pcm;
        while !rest.is_empty() {
            if self.left == 0 {
                self.play_step();
                self.left = STEP_MS * self.rate.per_ms();
            }
            let (now, later) = rest.split_at_mut(self.left.min(rest.len()));
            self.left -= now.len();
            self.sound(now);
            rest = later;
        }
    }

    fn sound(&mut self, pcm: &mut [i16]) {
        const BLOCK: usize = 160;
        for block in pcm.chunks_mut(BLOCK) {
            let mut sum = [0.0_f32; BLOCK];
            for voice in self.voices.iter_mut().filter(|voice| voice.is_sounding()) {
                voice.add(&mut sum[..block.len()]);
            }
            for (sample, sum) in block.iter_mut().zip(sum) {
                *sample = sum.round_ties_even() as i16;
            }
        }
    }

    /// Begins the notes of the present sixteenth and goes on to the next.
    fn play_step(&mut self) {
        let bar = &BARS[self.step / STEPS];
        let step = self.step % STEPS;
        self.step = (self.step + 1) % (BARS.len() * STEPS);
        if step == 0 {
            for note in &bar.chord[..3] {
                self.begin(&PAD, *note - 12, STEPS, 1.0);
            }
        }
        if let Some((note, steps)) = bass(bar, step) {
            self.begin(&BASS, note, steps, 1.0);
        }
        if step.is_multiple_of(2) {
            // Up and down through the chord, the beats a little louder than what is between them.
            let at = [0, 1, 2, 3, 2, 1, 2, 1][step / 2];
            let loudness = if step.is_multiple_of(8) { 1.0 } else { 0.78 };
            self.begin(&PIANO, bar.chord[at], 2, loudness);
        }
        for (_, note, steps) in bar.melody.iter().filter(|(begin, ..)| *begin == step) {
            self.begin(&FLUTE, *note, *steps, 1.0);
        }
    }

    fn begin(&mut self, instrument: &Instrument, note: u8, steps: usize, loudness: f32) {
        let hold = steps * STEP_MS * self.rate.per_ms();
        let free = self.voices.iter().position(|voice| !voice.is_sounding());
        let at = free.unwrap_or_else(|| {
            self.stolen += 1;
            let quietest = (0..VOICES).min_by(|a, b| self.voices[*a].loudness().total_cmp(&self.voices[*b].loudness()));
            quietest.expect("there are voices")
        });
        self.voices[at] = Voice::begin(instrument, note, hold, loudness, self.rate);
    }
}

/// The root on the first beat and, lightly before the third, once more.
fn bass(bar: &Bar, step: usize) -> Option<(u8, usize)> {
    match step {
        0 => Some((bar.bass, 6)),
        6 => Some((bar.bass, 2)),
        8 => Some((bar.bass + 7, 8)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
