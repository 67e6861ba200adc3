//! Makes samples of a tone.

use super::{DEPTH, PARTS, Part, Sound, Tone};
use crate::sample_rate::SampleRate;
use crate::sine::Oscillator;

/// How long a frequency takes to swell and to fade, so that nothing clicks. It does not change how long a tone lasts: it fades
/// as late as it swells.
const RAMP_MS: usize = 4;

/// The peak of a sine of 0 dBm0 (ITU-T G.711: the overload point of A-law is 3.14 dBm0).
const PEAK_0_DBM0: f64 = 32_768.0 * 0.696_626_514;

/// Makes samples of one tone. Phases go on from one call to the next, and from one segment to the next.
#[derive(Debug, Clone)]
pub struct ToneGenerator {
    tone: Tone,
    rate: SampleRate,
    segment: usize,
    // Samples of the segment that are still to come; none: it lasts for ever.
    left: Option<u64>,
    voices: [Voice; PARTS],
    modulator: Option<Oscillator>,
    ended: bool,
}

/// One frequency, and how loud it is now in Q15 of the greatest sample with eight more bits for the ramp.
#[derive(Debug, Clone, Copy, Default)]
struct Voice {
    oscillator: Oscillator,
    amplitude: i32,
    target: i32,
    step: i32,
}

impl ToneGenerator {
    /// Begins the tone.
    pub fn new(tone: &Tone, rate: SampleRate) -> ToneGenerator {
        let mut generator = ToneGenerator {
            tone: *tone,
            rate,
            segment: 0,
            left: None,
            voices: [Voice::default(); PARTS],
            modulator: None,
            ended: false,
        };
        generator.enter(0);
        generator
    }

    /// Fills `pcm`. `false` when the tone has ended within it or before; what comes behind the end is silence.
    pub fn fill(&mut self, pcm: &mut [i16]) -> bool {
        let mut rest = pcm;
        while !rest.is_empty() {
            let count = self.left.map_or(rest.len(), |left| left.min(rest.len() as u64) as usize);
            let (now, later) = rest.split_at_mut(count);
            self.sound(now);
            rest = later;
            self.left = self.left.map(|left| left - count as u64);
            if self.left == Some(0) {
                self.advance();
            }
        }
        !self.ended
    }

    fn advance(&mut self) {
        let (all, repeated) = (self.tone.segments().len(), self.tone.repeated().len());
        let next = if self.segment + 1 < all { self.segment + 1 } else { all - repeated };
        if next < all {
            return self.enter(next);
        }
        // The end: what sounded fades, and then there is silence.
        self.ended = true;
        self.left = None;
        self.retarget(&[]);
    }

    fn enter(&mut self, segment: usize) {
        self.segment = segment;
        let entered = self.tone.segments()[segment];
        self.left = (entered.duration_ms > 0).then(|| u64::from(entered.duration_ms) * self.rate.per_ms() as u64);
        match entered.sound {
            Sound::Silence => self.retarget(&[]),
            Sound::Sum(parts) => {
                self.modulator = None;
                self.retarget(&parts);
            }
            Sound::Modulated(carrier, by) => {
                self.modulator.get_or_insert_default().retune(f64::from(by), self.rate.hz());
                self.retarget(&[carrier]);
            }
        }
    }

    /// Lets each voice head for its part, and those without one for silence.
    fn retarget(&mut self, parts: &[Part]) {
        for (at, voice) in self.voices.iter_mut().enumerate() {
            match parts.get(at).filter(|part| part.hz > 0) {
                Some(part) => voice.head_for(*part, self.rate),
                None => voice.fade(self.rate),
            }
        }
    }

    fn sound(&mut self, pcm: &mut [i16]) {
        for sample in pcm {
            let mut sum: i64 = 0;
            for voice in &mut self.voices {
                sum += voice.tick();
            }
            if let Some(modulator) = &mut self.modulator {
                let swing = i64::from(modulator.tick()) * i64::from(DEPTH) / 100;
                sum = (sum * (32_768 + swing)) >> 15;
            }
            // Q15 of the sine times Q8 of the ramp.
            *sample = ((sum + (1 << 22)) >> 23).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
    }
}

impl Voice {
    fn head_for(&mut self, part: Part, rate: SampleRate) {
        let hz = f64::from(part.hz);
        if self.amplitude == 0 {
            self.oscillator = Oscillator::new(hz, rate.hz());
        } else {
            self.oscillator.retune(hz, rate.hz());
        }
        // Above half the sample rate there is nothing but its mirror image.
        let audible = u32::from(part.hz) * 2 < rate.hz();
        let peak = if audible { PEAK_0_DBM0 * 10_f64.powf(f64::from(part.level) / 200.0) } else { 0.0 };
        self.target = (peak * 256.0) as i32;
        self.ramp(rate);
    }

    fn fade(&mut self, rate: SampleRate) {
        self.target = 0;
        self.ramp(rate);
    }

    fn ramp(&mut self, rate: SampleRate) {
        let steps = (RAMP_MS * rate.per_ms()) as i32;
        let way = (self.target - self.amplitude).abs();
        self.step = (way + steps - 1) / steps;
    }

    fn tick(&mut self) -> i64 {
        let way = self.target - self.amplitude;
        if way != 0 {
            self.amplitude += way.clamp(-self.step, self.step);
        } else if self.amplitude == 0 {
            return 0;
        }
        i64::from(self.oscillator.tick()) * i64::from(self.amplitude)
    }
}

#[cfg(test)]
mod tests;
