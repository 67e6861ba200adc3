//! The noise of a pause whose level the phone has told (RFC 3389).

/// The noise of one stream.
#[derive(Debug)]
pub(super) struct Noise {
    /// Whether the phone has told a level since it last spoke.
    pub(super) is_on: bool,
    /// The greatest sample.
    peak: i32,
    dice: u32,
}

impl Default for Noise {
    fn default() -> Noise {
        Noise { is_on: false, peak: 0, dice: 1 }
    }
}

impl Noise {
    /// Takes in the payload of a packet of comfort noise.
    pub(super) fn hear(&mut self, payload: &[u8]) {
        let Some(level) = payload.first() else { return };
        self.is_on = true;
        // Even noise has a peak of the square root of three times its deviation.
        self.peak = (32_768.0 * 3f64.sqrt() * 10f64.powf(-f64::from(level & 0x7F) / 20.0)) as i32;
    }

    /// Fills `pcm`.
    pub(super) fn make(&mut self, pcm: &mut [i16]) {
        for sample in pcm {
            self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let unit = (self.dice >> 16) as i32 - 32_768;
            *sample = ((i64::from(unit) * i64::from(self.peak)) >> 15).clamp(-32_768, 32_767) as i16;
        }
    }
}
