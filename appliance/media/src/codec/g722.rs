//! G.722 at 64 kbit/s (ITU-T G.722, mode 1): two bands of 4 kHz, each coded as ADPCM, the lower with 6 bits and the upper with 2.
//!
//! Every octet stands for two samples at 16 kHz. Names follow the recommendation: `detl` and `deth` are the scale factors, `nb`
//! their logarithms, `il` and `ih` the codes. The blocks of its clause 6 that do the work are named where they are done.

mod filter_bank;
mod predictor;
mod tables;

use filter_bank::{Analysis, Synthesis};
use predictor::Predictor;

/// The coder of one stream.
#[derive(Debug)]
pub(super) struct G722Encoder {
    analysis: Analysis,
    lower: Lower,
    upper: Upper,
}

/// The decoder of one stream.
#[derive(Debug)]
pub(super) struct G722Decoder {
    synthesis: Synthesis,
    lower: Lower,
    upper: Upper,
}

impl G722Encoder {
    pub(super) fn new() -> G722Encoder {
        G722Encoder { analysis: Analysis::default(), lower: Lower::default(), upper: Upper::default() }
    }

    /// Codes two samples in each octet; as many as the shorter of both holds.
    pub(super) fn encode(&mut self, pcm: &[i16], octets: &mut [u8]) {
        let (lower, upper) = (&mut self.lower, &mut self.upper);
        self.analysis.split(pcm.as_chunks().0, octets, |low, high| upper.encode(high) << 6 | lower.encode(low));
    }
}

impl G722Decoder {
    pub(super) fn new() -> G722Decoder {
        G722Decoder { synthesis: Synthesis::default(), lower: Lower::default(), upper: Upper::default() }
    }

    /// Decodes two samples from each octet; as many as the shorter of both holds.
    pub(super) fn decode(&mut self, octets: &[u8], pcm: &mut [i16]) {
        let (lower, upper) = (&mut self.lower, &mut self.upper);
        let bands = |octet: u8| (lower.decode(octet & 63), upper.decode(octet >> 6));
        self.synthesis.join(octets, pcm.as_chunks_mut().0, bands);
    }
}

/// What is known of the lower band, alike in coder and decoder.
#[derive(Debug)]
struct Lower {
    predictor: Predictor,
    nb: i16,
    det: i16,
}

impl Default for Lower {
    fn default() -> Lower {
        Lower { predictor: Predictor::default(), nb: 0, det: 32 }
    }
}

impl Lower {
    /// SUBTRA, QUANTL.
    fn encode(&mut self, sample: i16) -> u8 {
        let difference = sample.saturating_sub(self.predictor.prediction());
        let size = if difference < 0 { !difference } else { difference };
        let level = tables::LEVELS_LOWER
            .partition_point(|level| i32::from(size) >= (i32::from(*level) * i32::from(self.det)) >> 12);
        let codes = if difference < 0 { &tables::CODES_LOWER_NEGATIVE } else { &tables::CODES_LOWER_POSITIVE };
        // As many codes as there are levels and one more.
        let code = codes[level];
        self.adapt(code);
        code
    }

    /// INVQBL, RECONS, LIMIT.
    fn decode(&mut self, code: u8) -> i16 {
        let difference = scale(tables::INVERSE_6[usize::from(code & 63)], self.det);
        let sample = self.predictor.prediction().saturating_add(difference);
        self.adapt(code);
        limit(sample)
    }

    /// INVQAL, LOGSCL, SCALEL: both sides follow the upper four bits of the code only, so that the lower two may be robbed.
    fn adapt(&mut self, code: u8) {
        let code = usize::from(code >> 2 & 15);
        let difference = scale(tables::INVERSE_4[code], self.det);
        self.nb = next_logarithm(self.nb, tables::LOGARITHM_LOWER[code], 18_432);
        self.det = linear(self.nb, 8);
        self.predictor.adapt(difference);
    }
}

/// What is known of the upper band, alike in coder and decoder.
#[derive(Debug)]
struct Upper {
    predictor: Predictor,
    nb: i16,
    det: i16,
}

impl Default for Upper {
    fn default() -> Upper {
        Upper { predictor: Predictor::default(), nb: 0, det: 8 }
    }
}

impl Upper {
    /// SUBTRA, QUANTH.
    fn encode(&mut self, sample: i16) -> u8 {
        let difference = sample.saturating_sub(self.predictor.prediction());
        let size = if difference < 0 { !difference } else { difference };
        let far = i32::from(size) >= (i32::from(tables::LEVEL_UPPER) * i32::from(self.det)) >> 12;
        let code = match (difference < 0, far) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        self.adapt(code);
        code
    }

    /// INVQAH, RECONS, LIMIT.
    fn decode(&mut self, code: u8) -> i16 {
        let prediction = self.predictor.prediction();
        let difference = self.adapt(code);
        limit(prediction.saturating_add(difference))
    }

    /// INVQAH, LOGSCH, SCALEH.
    fn adapt(&mut self, code: u8) -> i16 {
        let code = usize::from(code & 3);
        let difference = scale(tables::INVERSE_2[code], self.det);
        self.nb = next_logarithm(self.nb, tables::LOGARITHM_UPPER[code], 22_528);
        self.det = linear(self.nb, 10);
        self.predictor.adapt(difference);
        difference
    }
}

/// A level in units of the scale factor.
fn scale(level: i16, det: i16) -> i16 {
    // |level| and det are below 2¹⁵, so the product shifted by 15 fits.
    ((i32::from(level) * i32::from(det)) >> 15) as i16
}

/// LOGSCL, LOGSCH: forgets a little and adds what the code says.
fn next_logarithm(nb: i16, step: i16, most: i32) -> i16 {
    let next = ((i32::from(nb) * 127) >> 7) + i32::from(step);
    // Within 0 and `most`, both of which are an i16.
    next.clamp(0, most) as i16
}

/// SCALEL, SCALEH: from the logarithm to the scale factor.
fn linear(nb: i16, highest: i16) -> i16 {
    let mantissa = tables::MANTISSAS[usize::from(nb as u16 >> 6 & 31)];
    let exponent = highest - (nb >> 11);
    let value = if exponent < 0 { i32::from(mantissa) << -exponent } else { i32::from(mantissa) >> exponent };
    // nb is at most 18,432 or 22,528: the exponent is at least −1, and the mantissa below 4,096.
    (value << 2) as i16
}

/// LIMIT: to 15 bits.
fn limit(sample: i16) -> i16 {
    sample.clamp(-16_384, 16_383)
}

#[cfg(test)]
mod tests;
