//! The head of a WAV file (Microsoft RIFF, EBU Tech 3306 for RF64).
//!
//! Writers that stream, or that died, leave lengths of 0 or of all ones, or lengths beyond the end of the file: sound is then
//! whatever is there. Some leave out the padding after a chunk of odd length; as no chunk's name begins with a 0, that shows.

use std::io::{Read, Seek};

use super::SoundError;
use super::input::Input;
use super::pcm::{Encoding, PcmReader};
use crate::limits;

/// A length that was never written.
const UNKNOWN: u32 = u32::MAX;

/// Reads everything up to the first sample.
pub(super) fn open<R: Read + Seek>(input: &mut Input<R>) -> Result<PcmReader, SoundError> {
    let (format, length) = head(input)?;
    Ok(PcmReader::new(format.encoding, usize::from(format.channels), format.hz, length))
}

/// What the samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WavFormat {
    pub encoding: Encoding,
    pub channels: u16,
    pub hz: u32,
}

/// Reads everything up to the first sample: what the samples are, and how many octets of them there should be.
pub(super) fn head<R: Read + Seek>(input: &mut Input<R>) -> Result<(WavFormat, Option<u64>), SoundError> {
    let start = input.take::<12>()?.ok_or_else(|| SoundError::malformed(0, "the WAV file ends within its head"))?;
    if start[8..] != *b"WAVE" {
        return Err(SoundError::malformed(
            8,
            format!("a RIFF file of the kind {}, not WAVE", super::shown(&start[8..])),
        ));
    }
    let riff_length = u32_at(&start, 4);
    let mut format = None;
    let mut long_length = None;
    for _ in 0..limits::WAV_CHUNKS {
        let at = input.at();
        let Some(head) = chunk_head(input)? else {
            let missing = if format.is_some() { "no data chunk" } else { "neither fmt nor data chunk" };
            return Err(SoundError::malformed(at, format!("the WAV file has {missing}")));
        };
        let length = u32_at(&head, 4);
        match &head[..4] {
            b"fmt " => format = Some(read_format(input, length)?),
            b"ds64" => {
                let sizes = input.peek(length.min(28) as usize)?;
                long_length = sizes.get(8..16).and_then(|octets| octets.first_chunk()).map(|o| u64::from_le_bytes(*o));
                skip(input, length)?;
            }
            b"data" => {
                let format =
                    format.ok_or_else(|| SoundError::malformed(at, "the data chunk stands before the fmt chunk"))?;
                return Ok((format, data_length(length, riff_length, long_length, input.at())));
            }
            _ => skip(input, length)?,
        }
    }
    Err(SoundError::malformed(input.at(), format!("no sound within {} chunks", limits::WAV_CHUNKS)))
}

/// Octets of sound; `None`: until the end of the file.
fn data_length(length: u32, riff_length: u32, long_length: Option<u64>, at: u64) -> Option<u64> {
    match (length, long_length) {
        (UNKNOWN, Some(long)) if long > 0 => Some(long),
        (UNKNOWN, _) => None,
        // Nothing, or never written? It is nothing if the file says that it goes on behind the chunk.
        (0, _) if riff_length == 0 || riff_length == UNKNOWN || u64::from(riff_length) + 8 <= at => None,
        (length, _) => Some(u64::from(length)),
    }
}

/// The name and the length of the next chunk.
fn chunk_head<R: Read + Seek>(input: &mut Input<R>) -> Result<Option<[u8; 8]>, SoundError> {
    input.take::<8>()
}

fn skip<R: Read + Seek>(input: &mut Input<R>, length: u32) -> Result<(), SoundError> {
    input.skip(u64::from(length))?;
    if !length.is_multiple_of(2) && input.peek(1)?.first() == Some(&0) {
        input.consume(1);
    }
    Ok(())
}

fn read_format<R: Read + Seek>(input: &mut Input<R>, length: u32) -> Result<WavFormat, SoundError> {
    let at = input.at();
    let octets = input.peek(length.min(40) as usize)?;
    if octets.len() < 16 {
        return Err(SoundError::malformed(at, "the fmt chunk is too short"));
    }
    let mut tag = u16_at(octets, 0);
    let (channels, hz, align, bits) = (u16_at(octets, 2), u32_at(octets, 4), u16_at(octets, 12), u16_at(octets, 14));
    if tag == 0xFFFE {
        let Some(kind) = octets.get(24..26) else {
            return Err(SoundError::malformed(at, "the extensible fmt chunk is too short"));
        };
        tag = u16_at(kind, 0);
    }
    skip(input, length)?;
    if channels == 0 || usize::from(channels) > limits::SOUND_CHANNELS {
        return Err(SoundError::Unsupported(format!("{channels} channels; 1 to {} are read", limits::SOUND_CHANNELS)));
    }
    if !limits::SOUND_HZ.contains(&hz) {
        return Err(SoundError::Unsupported(format!("{hz} samples a second; {:?} are read", limits::SOUND_HZ)));
    }
    Ok(WavFormat { encoding: encoding(tag, bits, align / channels)?, channels, hz })
}

/// What samples of `bits` in a place of `place` octets are.
fn encoding(tag: u16, bits: u16, place: u16) -> Result<Encoding, SoundError> {
    // The place is what counts, if it can be true: 20 or 24 bits may stand, to the left, in 32.
    let octets = if (bits.div_ceil(8)..=8).contains(&place) && place > 0 { place } else { bits.div_ceil(8) };
    let named = |name: &str| SoundError::Unsupported(format!("WAV with {name} (format tag 0x{tag:04x}, {bits} bits)"));
    match (tag, octets) {
        (1, 1) => Ok(Encoding::U8),
        (1, 2) => Ok(Encoding::S16),
        (1, 3) => Ok(Encoding::S24),
        (1, 4) => Ok(Encoding::S32),
        (3, 4) => Ok(Encoding::F32),
        (3, 8) => Ok(Encoding::F64),
        (6, _) => Ok(Encoding::Alaw),
        (7, _) => Ok(Encoding::Ulaw),
        (1 | 3, _) => Err(named("samples of an unusual size")),
        (2 | 0x11, _) => Err(named("ADPCM")),
        (0x31, _) => Err(named("GSM 06.10")),
        (0x50 | 0x55, _) => Err(named("MPEG audio inside")),
        (0x65 | 0x28F, _) => Err(named("G.722 inside")),
        _ => Err(named("a codec that is not supported")),
    }
}

fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([octets[at], octets[at + 1]])
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}
