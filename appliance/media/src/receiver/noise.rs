//! The noise of a pause that the phone has told of (RFC 3389).

use crate::comfort_noise::NoiseGenerator;

/// The noise of one stream.
#[derive(Debug, Default)]
pub(super) struct Noise {
    /// Whether the phone has told of noise since it last spoke.
    pub(super) is_on: bool,
    generator: NoiseGenerator,
}

impl Noise {
    /// Takes in the payload of a packet of comfort noise. One without octets tells nothing.
    pub(super) fn hear(&mut self, payload: &[u8]) {
        self.is_on |= self.generator.hear(payload).is_ok();
    }

    /// Fills `pcm`.
    pub(super) fn make(&mut self, pcm: &mut [i16]) {
        self.generator.fill(pcm);
    }
}
