//! From samples to payloads: one face for every codec.

use crate::SampleRate;
use crate::codec::g711::{Law, linear};
use crate::codec::g722::G722Encoder;
use crate::codec::opus::OpusEncoder;
use crate::codec::{CodecError, l16};
use crate::format::{AudioFormat, Codec};
use crate::limits;

/// What an encoder made of a packet's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoded {
    /// Octets of the payload.
    pub len: usize,
    /// Whether it says something: `false` when the codec is silent (DTX) and the packet may be left out.
    pub worth_sending: bool,
}

/// The encoder of one stream of packets. It allocates when it is made and never again.
#[derive(Debug)]
pub struct Encoder {
    state: State,
    rate: SampleRate,
}

#[derive(Debug)]
enum State {
    G711(Law),
    L16,
    G722(Box<G722Encoder>),
    Opus(OpusEncoder),
}

impl Encoder {
    /// An encoder of what `format` says, at the highest rate it says.
    pub fn new(format: &AudioFormat) -> Result<Encoder, CodecError> {
        Encoder::at_most(SampleRate::Khz48, format)
    }

    /// An encoder of what `format` says for somebody who has no rate above `rate`. Only Opus cares: it then takes samples at that
    /// rate, and spends no bits on what cannot be heard.
    pub fn at_most(rate: SampleRate, format: &AudioFormat) -> Result<Encoder, CodecError> {
        let (state, rate) = match format.codec {
            Codec::Pcmu => (State::G711(Law::Ulaw), SampleRate::Khz8),
            Codec::Pcma => (State::G711(Law::Alaw), SampleRate::Khz8),
            Codec::L16(rate) => (State::L16, rate),
            Codec::G722 => (State::G722(Box::new(G722Encoder::new())), SampleRate::Khz16),
            Codec::Opus => {
                let rate = format.opus.rate.min(rate);
                (State::Opus(OpusEncoder::new(rate, &format.opus)?), rate)
            }
            Codec::G729 => return Err(CodecError::PassedOnOnly),
        };
        Ok(Encoder { state, rate })
    }

    /// The same with another amount of work on each packet, 0–10, where the codec has a choice (Opus:
    /// [`COMPLEXITY`](crate::codec::opus::COMPLEXITY)).
    pub fn with_complexity(mut self, complexity: u8) -> Result<Encoder, CodecError> {
        if let State::Opus(opus) = &mut self.state {
            opus.set_complexity(complexity)?;
        }
        Ok(self)
    }

    /// The rate of the samples it wants.
    pub fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    /// The receiver loses so many packets in a hundred, by its reports. Opus makes its in-band FEC for that, if the
    /// receiver wants any.
    pub fn expect_loss(&mut self, percent: u8) -> Result<(), CodecError> {
        match &mut self.state {
            State::Opus(opus) => opus.expect_loss(percent),
            State::G711(_) | State::L16 | State::G722(_) => Ok(()),
        }
    }

    /// Writes the payload of one packet with the samples of `pcm`, at most [`limits::PACKET_AUDIO_MS`]. An Opus packet holds
    /// 2.5, 5, 10, 20, 40, 60, 80, 100 or 120 ms, one of G.722 an even number of samples.
    pub fn encode(&mut self, pcm: &[i16], payload: &mut [u8]) -> Result<Encoded, CodecError> {
        if pcm.is_empty() || pcm.len() > self.rate.per_ms() * limits::PACKET_AUDIO_MS {
            return Err(CodecError::FrameLength);
        }
        let len = match &mut self.state {
            State::Opus(opus) => return opus.encode(pcm, payload),
            State::G711(_) => pcm.len(),
            State::L16 => pcm.len() * 2,
            State::G722(_) if !pcm.len().is_multiple_of(2) => return Err(CodecError::FrameLength),
            State::G722(_) => pcm.len() / 2,
        };
        let payload = payload.get_mut(..len).ok_or(CodecError::NoRoom)?;
        match &mut self.state {
            State::G711(law) => linear::encode(*law, pcm, payload),
            State::G722(g722) => g722.encode(pcm, payload),
            State::L16 | State::Opus(_) => l16::encode(pcm, payload),
        }
        Ok(Encoded { len, worth_sending: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoder(codec: Codec) -> Encoder {
        Encoder::new(&AudioFormat::new(codec, 96)).expect("a codec of ours")
    }

    #[test]
    fn g711_and_l16_are_encoded() {
        let mut payload = [0; 4];
        let said = |len| Ok(Encoded { len, worth_sending: true });
        assert_eq!(encoder(Codec::Pcmu).encode(&[32_124, 0], &mut payload), said(2));
        assert_eq!(payload[..2], [0x80, 0xFF]);
        assert_eq!(encoder(Codec::Pcma).encode(&[32_256], &mut payload), said(1));
        assert_eq!(payload[0], 0xAA);
        assert_eq!(encoder(Codec::L16(SampleRate::Khz16)).encode(&[0x1234, 0x5678], &mut payload), said(4));
        assert_eq!(payload, [0x12, 0x34, 0x56, 0x78]);
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        let mut payload = [0; 2_000];
        let mut l16 = encoder(Codec::L16(SampleRate::Khz8));
        assert_eq!(l16.encode(&[], &mut payload), Err(CodecError::FrameLength));
        assert_eq!(l16.encode(&[0; 961], &mut payload), Err(CodecError::FrameLength));
        assert_eq!(l16.encode(&[0; 2], &mut payload[..3]), Err(CodecError::NoRoom));
        assert!(Encoder::new(&AudioFormat::new(Codec::G729, 18)).is_err());
    }
}
