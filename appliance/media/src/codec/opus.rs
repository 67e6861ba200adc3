//! Opus (RFC 6716) by libopus, one channel.
//!
//! libopus decodes at any of our rates and takes samples at any of them, whatever is in the packets; so a leg that is bridged
//! with a telephone has its Opus made and read at 8 kHz, and needs no resampler. It allocates when an encoder or decoder is
//! made, never for a packet.

use audiopus::coder::{Decoder, Encoder};
use audiopus::packet::Packet;
use audiopus::{Application, Bitrate, Channels, ErrorCode, MutSignals};
use audiopus_sys::has_in_band_fec;

use crate::codec::{CodecError, Encoded, Malformed};
use crate::{OpusSettings, SampleRate};

/// How much libopus works on a packet, 0–10, unless the configuration says otherwise.
pub const COMPLEXITY: u8 = 5;

/// The loss in percent that in-band FEC is made for until reports tell of another: at 0 there would be none.
const EXPECTED_LOSS: u8 = 5;

/// The longest payload that is ever made: one frame of the longest kind, at the highest bit rate (RFC 6716 §3.2.1).
const LONGEST: usize = 1_275;

/// What reads the packets of one sender.
#[derive(Debug)]
pub(super) struct OpusDecoder(Decoder);

impl OpusDecoder {
    /// A decoder whose samples come at `rate`.
    pub(super) fn new(rate: SampleRate) -> Result<OpusDecoder, CodecError> {
        Ok(OpusDecoder(Decoder::new(libopus_rate(rate), Channels::Mono)?))
    }

    pub(super) fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, Malformed> {
        let packet = Packet::try_from(payload).map_err(|_| Malformed::Empty)?;
        let room = MutSignals::try_from(pcm).map_err(|_| Malformed::TooLong)?;
        self.0.decode(Some(packet), room, false).map_err(Malformed::from)
    }

    pub(super) fn recover(&mut self, next_payload: &[u8], pcm: &mut [i16]) -> usize {
        if !has_in_band_fec(next_payload) {
            return 0;
        }
        let (Ok(packet), Ok(room)) = (Packet::try_from(next_payload), MutSignals::try_from(pcm)) else { return 0 };
        self.0.decode(Some(packet), room, true).unwrap_or(0)
    }

    pub(super) fn conceal(&mut self, pcm: &mut [i16]) -> bool {
        let len = pcm.len();
        let Ok(room) = MutSignals::try_from(pcm) else { return false };
        self.0.decode(None, room, false).is_ok_and(|written| written == len)
    }
}

/// What makes the packets to one receiver.
#[derive(Debug)]
pub(super) struct OpusEncoder(Encoder);

impl OpusEncoder {
    /// An encoder that takes samples at `rate` and does what the receiver asked for.
    pub(super) fn new(rate: SampleRate, settings: &OpusSettings) -> Result<OpusEncoder, CodecError> {
        let mut encoder = Encoder::new(libopus_rate(rate), Channels::Mono, Application::Voip)?;
        encoder.set_complexity(COMPLEXITY)?;
        encoder.set_bitrate(Bitrate::BitsPerSecond(bit_rate(rate, settings)))?;
        encoder.set_vbr(!settings.constant_bit_rate)?;
        encoder.set_dtx(settings.dtx)?;
        encoder.set_inband_fec(settings.in_band_fec)?;
        encoder.set_packet_loss_perc(EXPECTED_LOSS)?;
        Ok(OpusEncoder(encoder))
    }

    pub(super) fn set_complexity(&mut self, complexity: u8) -> Result<(), CodecError> {
        Ok(self.0.set_complexity(complexity.min(10))?)
    }

    pub(super) fn expect_loss(&mut self, percent: u8) -> Result<(), CodecError> {
        Ok(self.0.set_packet_loss_perc(percent.min(100))?)
    }

    pub(super) fn encode(&mut self, pcm: &[i16], payload: &mut [u8]) -> Result<Encoded, CodecError> {
        if payload.is_empty() {
            return Err(CodecError::NoRoom);
        }
        let room = payload.len().min(LONGEST);
        let len = self.0.encode(pcm, &mut payload[..room])?;
        // RFC 7587 §3.1.3: with DTX an octet or two say that nothing is said.
        Ok(Encoded { len, worth_sending: len > 2 })
    }
}

/// Bits a second: RFC 7587 §3.1.1 recommends 8–12 kbit/s for narrow-band speech, 16–20 for wide-band, 28–40 for full-band; in
/// the upper part of that. In-band FEC costs a quarter more, below which libopus leaves it out.
fn bit_rate(rate: SampleRate, settings: &OpusSettings) -> i32 {
    let usual = match rate {
        SampleRate::Khz8 => 16_000,
        SampleRate::Khz16 => 24_000,
        SampleRate::Khz24 => 32_000,
        SampleRate::Khz48 => 40_000,
    };
    let usual = if settings.in_band_fec { usual / 4 * 5 } else { usual };
    let most = settings.max_average_bit_rate.unwrap_or(u32::MAX);
    usual.min(most.max(6_000)) as i32
}

fn libopus_rate(rate: SampleRate) -> audiopus::SampleRate {
    match rate {
        SampleRate::Khz8 => audiopus::SampleRate::Hz8000,
        SampleRate::Khz16 => audiopus::SampleRate::Hz16000,
        SampleRate::Khz24 => audiopus::SampleRate::Hz24000,
        SampleRate::Khz48 => audiopus::SampleRate::Hz48000,
    }
}

impl From<audiopus::Error> for CodecError {
    fn from(error: audiopus::Error) -> CodecError {
        match error {
            audiopus::Error::Opus(ErrorCode::BadArgument) => CodecError::FrameLength,
            audiopus::Error::Opus(ErrorCode::BufferTooSmall) | audiopus::Error::EmptyPacket => CodecError::NoRoom,
            _ => CodecError::Library,
        }
    }
}

impl From<audiopus::Error> for Malformed {
    fn from(error: audiopus::Error) -> Malformed {
        match error {
            audiopus::Error::Opus(ErrorCode::BufferTooSmall) => Malformed::TooLong,
            audiopus::Error::EmptyPacket => Malformed::Empty,
            _ => Malformed::Invalid,
        }
    }
}

#[cfg(test)]
mod tests;
