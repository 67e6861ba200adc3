//! Noise of a given level and colour.

use super::FULL_SCALE;
use crate::codec::Malformed;

/// Coefficients that are followed; a payload may have more.
const MOST: usize = 24;

/// The greatest coefficient that is followed. At 1 the filter would ring for ever.
const STEEPEST: f32 = 0.98;

/// Makes noise. It allocates nothing.
#[derive(Debug)]
pub struct NoiseGenerator {
    random: u32,
    /// What is asked for, and what has been reached on the way there.
    wanted: Colour,
    present: Colour,
    /// The backward errors of the filter's stages (RFC 3389 §3.2).
    stages: [f32; MOST],
}

#[derive(Debug, Clone, Copy)]
struct Colour {
    /// The amplitude of what goes into the filter.
    amplitude: f32,
    coefficients: [f32; MOST],
}

const SILENCE: Colour = Colour { amplitude: 0.0, coefficients: [0.0; MOST] };

/// Samples after which the amplitude and the coefficients go a step, a quarter of the way, towards what is asked for.
const STEP: usize = 40;

impl Default for NoiseGenerator {
    fn default() -> NoiseGenerator {
        NoiseGenerator { random: 0x2545_F491, wanted: SILENCE, present: SILENCE, stages: [0.0; MOST] }
    }
}

impl NoiseGenerator {
    /// A generator that is silent until it is told of noise.
    pub fn new() -> NoiseGenerator {
        NoiseGenerator::default()
    }

    /// Takes a payload of comfort noise. What follows turns to it within a few milliseconds.
    pub fn hear(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let (level, coefficients) = payload.split_first().ok_or(Malformed::Empty)?;
        let mut wanted = SILENCE;
        let mut power = 10_f32.powf(-f32::from(level & 0x7F) / 10.0) * FULL_SCALE * FULL_SCALE;
        for (place, octet) in wanted.coefficients.iter_mut().zip(coefficients) {
            *place = ((f32::from(*octet) - 127.0) / 127.0).clamp(-STEEPEST, STEEPEST);
            // Every stage makes what goes into it louder by so much.
            power *= 1.0 - *place * *place;
        }
        wanted.amplitude = power.sqrt();
        self.wanted = wanted;
        Ok(())
    }

    /// Fills `pcm` with noise.
    pub fn fill(&mut self, pcm: &mut [i16]) {
        for part in pcm.chunks_mut(STEP) {
            self.approach();
            for sample in part {
                let excitation = self.random() * self.present.amplitude;
                *sample = self.filter(excitation) as i16;
            }
        }
    }

    fn approach(&mut self) {
        let towards = |present: &mut f32, wanted: f32| *present += (wanted - *present) / 4.0;
        towards(&mut self.present.amplitude, self.wanted.amplitude);
        for (present, wanted) in self.present.coefficients.iter_mut().zip(self.wanted.coefficients) {
            towards(present, wanted);
        }
    }

    /// White noise of the power 1: uniform, which after the filter nobody can tell from anything else.
    fn random(&mut self) -> f32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        // As a signed number over 2³¹ it lies within ±1, where uniform noise has the power 1/3.
        (self.random as i32) as f32 / 2_147_483_648.0 * 1.732_051
    }

    /// The all-pole lattice.
    fn filter(&mut self, excitation: f32) -> f32 {
        let mut forward = excitation;
        for place in (0..MOST).rev() {
            let coefficient = self.present.coefficients[place];
            forward -= coefficient * self.stages[place];
            let backward = self.stages[place] + coefficient * forward;
            if let Some(next) = self.stages.get_mut(place + 1) {
                *next = backward;
            }
        }
        self.stages[0] = forward;
        forward
    }
}
