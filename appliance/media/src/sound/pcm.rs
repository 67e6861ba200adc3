//! Samples as they stand in a file.

use std::io::{Read, Seek};

use super::SoundError;
use super::input::{Input, WINDOW};
use crate::codec::Decoder;
use crate::codec::g711::{Law, linear};
use crate::format::{AudioFormat, Codec};

/// Samples of one channel that are decoded at a time.
pub(super) const PIECE: usize = 1_024;

/// How samples are written. Those of several octets have the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Linear, 8 bits, silence is 128.
    U8,
    /// Linear, 16 bits.
    S16,
    /// Linear, 24 bits.
    S24,
    /// Linear, 32 bits.
    S32,
    /// IEEE 754, 32 bits, from −1 to 1.
    F32,
    /// IEEE 754, 64 bits, from −1 to 1.
    F64,
    /// ITU-T G.711 A-law.
    Alaw,
    /// ITU-T G.711 µ-law.
    Ulaw,
    /// ITU-T G.722 at 64 kbit/s: each octet is two samples of 16 kHz. One channel only.
    G722,
}

impl Encoding {
    /// Octets of one sample; of two where it is G.722.
    pub const fn octets(self) -> usize {
        match self {
            Encoding::U8 | Encoding::Alaw | Encoding::Ulaw | Encoding::G722 => 1,
            Encoding::S16 => 2,
            Encoding::S24 => 3,
            Encoding::S32 | Encoding::F32 => 4,
            Encoding::F64 => 8,
        }
    }

    /// The sample that begins `octets`.
    fn sample(self, octets: &[u8]) -> f32 {
        let whole = |count: usize| octets[..count].iter().rev().fold(0_i64, |sum, octet| sum << 8 | i64::from(*octet));
        let signed = |count: usize| ((whole(count) << (64 - 8 * count)) >> (64 - 8 * count)) as f64;
        match self {
            Encoding::U8 => (f32::from(octets[0]) - 128.0) * 256.0,
            Encoding::S16 => signed(2) as f32,
            Encoding::S24 => (signed(3) / 256.0) as f32,
            Encoding::S32 => (signed(4) / 65_536.0) as f32,
            Encoding::F32 => finite(f32::from_bits(whole(4) as u32) * 32_768.0),
            Encoding::F64 => finite((f64::from_bits(whole(8) as u64) * 32_768.0) as f32),
            Encoding::Alaw => law(Law::Alaw, octets[0]),
            Encoding::Ulaw => law(Law::Ulaw, octets[0]),
            Encoding::G722 => 0.0,
        }
    }
}

/// What is no number is silence, and what is infinite as loud as can be.
fn finite(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-65_536.0, 65_536.0) }
}

fn law(law: Law, octet: u8) -> f32 {
    let mut pcm = [0];
    linear::decode(law, &[octet], &mut pcm);
    f32::from(pcm[0])
}

/// Reads samples from where the file stands.
#[derive(Debug)]
pub(super) struct PcmReader {
    encoding: Encoding,
    channels: usize,
    hz: u32,
    // Octets that are still to come; `None`: until the end of the file.
    left: Option<u64>,
    g722: Option<Decoder>,
}

impl PcmReader {
    /// `channels` of at least 1.
    pub fn new(encoding: Encoding, channels: usize, hz: u32, left: Option<u64>) -> PcmReader {
        let g722 = (encoding == Encoding::G722).then(|| Decoder::new(&AudioFormat::new(Codec::G722, 9)).ok()).flatten();
        PcmReader { encoding, channels: channels.max(1), hz, left, g722 }
    }

    /// Samples a second.
    pub fn hz(&self) -> u32 {
        self.hz
    }

    /// Reads some samples; 0 are the end.
    pub fn next<R: Read + Seek>(&mut self, input: &mut Input<R>, piece: &mut [f32]) -> Result<usize, SoundError> {
        let moment = self.encoding.octets() * self.channels;
        let wanted = if self.g722.is_some() { piece.len() / 2 } else { piece.len() };
        let wanted = wanted.min(WINDOW / moment) * moment;
        let wanted = self.left.map_or(wanted, |left| left.min(wanted as u64) as usize);
        let octets = input.peek(wanted)?;
        // What is left of a moment at the end of a file that was cut is nothing.
        let count = octets.len() / moment;
        let written = match &mut self.g722 {
            Some(g722) => decode_g722(g722, &octets[..count], piece),
            None => {
                for (sample, octets) in piece.iter_mut().zip(octets.chunks_exact(moment)) {
                    let channels = octets.chunks_exact(self.encoding.octets());
                    let sum: f32 = channels.map(|octets| self.encoding.sample(octets)).sum();
                    *sample = sum / self.channels as f32;
                }
                count
            }
        };
        input.consume(count * moment);
        self.left = self.left.map(|left| left - (count * moment) as u64);
        Ok(written)
    }
}

fn decode_g722(g722: &mut Decoder, octets: &[u8], piece: &mut [f32]) -> usize {
    let mut pcm = [0_i16; PIECE];
    let mut written = 0;
    // No more at a time than a packet holds.
    for octets in octets.chunks(160) {
        let count = g722.decode(octets, &mut pcm).unwrap_or(0);
        for (sample, pcm) in piece[written..].iter_mut().zip(&pcm[..count]) {
            *sample = f32::from(*pcm);
        }
        written += count;
    }
    written.min(piece.len())
}
