//! MP3: MPEG-1, MPEG-2 and MPEG-2.5 layer III (ISO/IEC 11172-3, 13818-3).
//!
//! Finding frames is done here, decoding them by symphonia. A frame counts when another one of its kind, or the end of the
//! file, follows where its length says; junk between frames is left out. A frame that cannot be decoded is silence of its length, so that
//! what follows stays in time. The encoder's delay and padding are cut off where a LAME tag says how long they are.

mod header;

use std::fmt;
use std::io::{Read, Seek};

use symphonia_bundle_mp3::MpaDecoder;
use symphonia_core::audio::{Audio, GenericAudioBufferRef};
use symphonia_core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia_core::packet::PacketRef;
use symphonia_core::units::{Duration, Timestamp};

use super::SoundError;
use super::input::{Input, WINDOW};
use crate::limits;
use header::{FrameHeader, Gapless};

/// Samples of one channel in a frame.
pub(super) const PIECE: usize = 1_152;

/// What a decoder itself adds before the first sample, besides the encoder's delay.
const DECODER_DELAY: u64 = 529;

/// Reads frame by frame.
pub(super) struct Mp3Reader {
    decoder: MpaDecoder,
    header: FrameHeader,
    // Samples to leave out, and how many there are after them, if a tag says so.
    skip: u64,
    left: Option<u64>,
    has_sound: bool,
}

impl fmt::Debug for Mp3Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mp3Reader").field("header", &self.header).field("left", &self.left).finish_non_exhaustive()
    }
}

/// Whether what comes next is a tag or a frame with another one behind it.
pub(super) fn is_likely<R: Read + Seek>(input: &mut Input<R>) -> Result<bool, SoundError> {
    if input.peek(3)?.starts_with(b"ID3") {
        return Ok(true);
    }
    // Some files begin with a few octets of junk, or of zeros.
    let head = input.peek(WINDOW)?;
    Ok(header::find(head, head.len() < WINDOW, None).is_some_and(|(at, _)| at < 2_048))
}

impl Mp3Reader {
    /// Finds the first frame.
    pub fn open<R: Read + Seek>(input: &mut Input<R>) -> Result<Mp3Reader, SoundError> {
        skip_tags(input)?;
        let start = input.at();
        let header = find(input, None, start + limits::MP3_SEARCH as u64)?
            .ok_or_else(|| SoundError::malformed(start, "no frame of MPEG layer III within 64 KiB"))?;
        let mut reader = Mp3Reader { decoder: decoder(start)?, header, skip: 0, left: None, has_sound: false };
        let frame = input.peek(header.length)?;
        if let Some(Gapless { frames, delay, padding }) = header.tag(frame) {
            input.consume(header.length);
            let all = frames.map(|frames| u64::from(frames) * header.samples as u64);
            reader.skip = delay.map_or(0, |delay| u64::from(delay) + DECODER_DELAY);
            reader.left = all.map(|all| all.saturating_sub(u64::from(delay.unwrap_or(0) + padding.unwrap_or(0))));
        }
        Ok(reader)
    }

    /// Samples a second of the latest frame.
    pub fn hz(&self) -> u32 {
        self.header.hz
    }

    /// Decodes the next frame; 0 samples are the end.
    pub fn next<R: Read + Seek>(&mut self, input: &mut Input<R>, piece: &mut [f32]) -> Result<usize, SoundError> {
        while self.left != Some(0) {
            let Some(frame_header) = find(input, Some(self.header), u64::MAX)? else { break };
            if frame_header.hz != self.header.hz || frame_header.channels != self.header.channels {
                self.decoder = decoder(input.at())?;
            }
            self.header = frame_header;
            let frame = input.peek(frame_header.length)?;
            if frame.len() < frame_header.length {
                break;
            }
            let count = self.decode(input, piece)?;
            let skipped = self.skip.min(count as u64) as usize;
            self.skip -= skipped as u64;
            let count = (count - skipped).min(self.left.map_or(usize::MAX, |left| left as usize));
            piece.copy_within(skipped..skipped + count, 0);
            self.left = self.left.map(|left| left - count as u64);
            if count > 0 {
                return Ok(count);
            }
        }
        match self.has_sound {
            true => Ok(0),
            false => {
                Err(SoundError::malformed(input.at(), "the file has no frame of MPEG layer III that can be decoded"))
            }
        }
    }

    /// Decodes the frame that comes next.
    fn decode<R: Read + Seek>(&mut self, input: &mut Input<R>, piece: &mut [f32]) -> Result<usize, SoundError> {
        let frame = input.peek(self.header.length)?;
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(self.header.samples as u64), frame);
        let samples = self.header.samples;
        piece[..samples].fill(0.0);
        if let Ok(GenericAudioBufferRef::F32(decoded)) = self.decoder.decode_ref(&packet) {
            self.has_sound = true;
            let share = 32_768.0 / decoded.num_planes().max(1) as f32;
            for plane in decoded.iter_planes() {
                piece.iter_mut().zip(plane).for_each(|(sum, sample)| *sum += sample * share);
            }
        }
        input.consume(self.header.length);
        Ok(samples)
    }
}

fn decoder(at: u64) -> Result<MpaDecoder, SoundError> {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_MP3);
    MpaDecoder::try_new(&parameters, &AudioDecoderOptions::default())
        .map_err(|error| SoundError::malformed(at, error.to_string()))
}

/// Leaves out ID3v2 tags, whatever they hold: some have pictures of megabytes.
fn skip_tags<R: Read + Seek>(input: &mut Input<R>) -> Result<(), SoundError> {
    for _ in 0..limits::MP3_TAGS {
        let head = input.peek(10)?;
        if head.len() < 10 || !head.starts_with(b"ID3") {
            break;
        }
        let length = head[6..10].iter().fold(0, |sum, octet| sum << 7 | u64::from(octet & 0x7F));
        let footer = if head[5] & 0x10 != 0 { 10 } else { 0 };
        input.skip(10 + length + footer)?;
    }
    Ok(())
}

/// Goes to the next frame before octet `until`. One of another kind than `like` counts only with a third behind it.
fn find<R: Read + Seek>(
    input: &mut Input<R>,
    like: Option<FrameHeader>,
    until: u64,
) -> Result<Option<FrameHeader>, SoundError> {
    // The most usual first: the next frame stands where the last one ends.
    if let (Some(like), Some(octets)) = (like, input.peek(4)?.first_chunk())
        && let Some(header) = FrameHeader::parse(*octets).filter(|header| header.is_like(&like))
    {
        return Ok(Some(header));
    }
    while input.at() < until {
        let window = input.peek(WINDOW)?;
        let is_last = window.len() < WINDOW;
        if let Some((at, header)) = header::find(window, is_last, like) {
            input.consume(at);
            return Ok(Some(header));
        }
        // What a frame and its follower need may lie across the end of the window.
        let done = if is_last { window.len() } else { window.len() - header::LOOK_AHEAD };
        if done == 0 {
            break;
        }
        input.consume(done);
    }
    Ok(None)
}
