//! What noise sounds like: its level and its colour.

use super::{FULL_SCALE, ORDER, PAYLOAD};

/// Listens to noise. It allocates nothing.
#[derive(Debug, Default)]
pub struct NoiseEstimator {
    /// The autocorrelation of what was heard, the newest counting most. The first is the mean power.
    correlation: [f32; ORDER + 1],
}

/// How much a new frame counts against those before it.
const WEIGHT: f32 = 0.1;

impl NoiseEstimator {
    /// An estimator that has heard nothing.
    pub fn new() -> NoiseEstimator {
        NoiseEstimator::default()
    }

    /// Takes a frame in which nobody speaks: 10 ms or more.
    pub fn hear(&mut self, pcm: &[i16]) {
        if pcm.len() <= ORDER {
            return;
        }
        let weight = if self.correlation[0] == 0.0 { 1.0 } else { WEIGHT };
        for (lag, mean) in self.correlation.iter_mut().enumerate() {
            let products = pcm.iter().zip(&pcm[lag..]).map(|(a, b)| f32::from(*a) * f32::from(*b));
            // Over the whole length, which is less than fair to long lags, and keeps the filter stable.
            let correlation = products.sum::<f32>() / pcm.len() as f32;
            *mean += (correlation - *mean) * weight;
        }
    }

    /// Writes the payload that tells of the noise, and says how long it is: [`PAYLOAD`] octets, or as many as there is
    /// room for.
    pub fn write(&self, payload: &mut [u8]) -> usize {
        let whole = self.payload();
        let len = payload.len().min(PAYLOAD);
        payload[..len].copy_from_slice(&whole[..len]);
        len
    }

    fn payload(&self) -> [u8; PAYLOAD] {
        let mut payload = [127; PAYLOAD];
        let power = self.correlation[0] / (FULL_SCALE * FULL_SCALE);
        if power <= 0.0 {
            return payload;
        }
        payload[0] = (-10.0 * power.log10()).round().clamp(0.0, 127.0) as u8;
        for (octet, coefficient) in payload[1..].iter_mut().zip(self.reflections()) {
            *octet = (127.0 + 127.0 * coefficient).round().clamp(0.0, 254.0) as u8;
        }
        payload
    }

    /// The recursion of Levinson and Durbin.
    fn reflections(&self) -> [f32; ORDER] {
        let correlation = &self.correlation;
        // A ten-thousandth of white noise keeps a pure tone from making the error vanish.
        let mut error = correlation[0] * 1.0001;
        let (mut predictor, mut reflections) = ([0.0_f32; ORDER + 1], [0.0; ORDER]);
        for order in 1..=ORDER {
            let known: f32 = (1..order).map(|lag| predictor[lag] * correlation[order - lag]).sum();
            let reflection = -(correlation[order] + known) / error;
            reflections[order - 1] = reflection;
            let before = predictor;
            predictor[order] = reflection;
            for lag in 1..order {
                predictor[lag] = before[lag] + reflection * before[order - lag];
            }
            error *= 1.0 - reflection * reflection;
        }
        reflections
    }
}
