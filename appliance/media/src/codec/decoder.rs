//! From payloads to samples: one face for every codec.

use crate::SampleRate;
use crate::codec::g711::{Law, linear};
use crate::codec::g722::G722Decoder;
use crate::codec::opus::OpusDecoder;
use crate::codec::{CodecError, l16};
use crate::format::{AudioFormat, Codec};
use crate::limits;

/// Why a payload yields no audio. The decoder goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// There is nothing in it.
    #[error("the payload is empty")]
    Empty,
    /// It holds more than [`limits::PACKET_AUDIO_MS`], or more than there is room for.
    #[error("more audio than a packet may hold")]
    TooLong,
    /// It is not what the codec makes.
    #[error("not a packet of the codec")]
    Invalid,
}

/// The decoder of one stream of packets. It allocates when it is made and never again.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    rate: SampleRate,
}

#[derive(Debug)]
enum State {
    G711(Law),
    L16,
    G722(Box<G722Decoder>),
    Opus(OpusDecoder),
}

impl Decoder {
    /// A decoder of what `format` says, at the highest rate it says.
    pub fn new(format: &AudioFormat) -> Result<Decoder, CodecError> {
        Decoder::at_most(SampleRate::Khz48, format)
    }

    /// A decoder of what `format` says for somebody who needs no rate above `rate`. Only Opus cares: it then decodes at that
    /// rate, which costs less than to decode at a higher one and to resample.
    pub fn at_most(rate: SampleRate, format: &AudioFormat) -> Result<Decoder, CodecError> {
        let (state, rate) = match format.codec {
            Codec::Pcmu => (State::G711(Law::Ulaw), SampleRate::Khz8),
            Codec::Pcma => (State::G711(Law::Alaw), SampleRate::Khz8),
            Codec::L16(rate) => (State::L16, rate),
            Codec::G722 => (State::G722(Box::new(G722Decoder::new())), SampleRate::Khz16),
            Codec::Opus => {
                let rate = format.opus.rate.min(rate);
                (State::Opus(OpusDecoder::new(rate)?), rate)
            }
            Codec::G729 => return Err(CodecError::PassedOnOnly),
        };
        Ok(Decoder { state, rate })
    }

    /// The rate of the samples it writes.
    pub fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    /// Writes the samples of a payload to the beginning of `pcm` and says how many: at most
    /// [`limits::PACKET_AUDIO_MS`].
    pub fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, Malformed> {
        if payload.is_empty() {
            return Err(Malformed::Empty);
        }
        let most = self.rate.per_ms() * limits::PACKET_AUDIO_MS;
        let room = |samples: usize| if samples > most { Err(Malformed::TooLong) } else { Ok(samples) };
        let samples = match &mut self.state {
            State::Opus(opus) => return opus.decode(payload, pcm),
            State::G711(_) => room(payload.len())?,
            State::G722(_) => room(payload.len() * 2)?,
            State::L16 if !payload.len().is_multiple_of(2) => return Err(Malformed::Invalid),
            State::L16 => room(payload.len() / 2)?,
        };
        let pcm = pcm.get_mut(..samples).ok_or(Malformed::TooLong)?;
        match &mut self.state {
            State::G711(law) => linear::decode(*law, payload, pcm),
            State::G722(g722) => g722.decode(payload, pcm),
            State::L16 | State::Opus(_) => l16::decode(payload, pcm),
        }
        Ok(samples)
    }

    /// Writes the audio of a lost packet that the packet after it carries (Opus' in-band FEC, RFC 6716 §2.1.7): `pcm.len()`
    /// samples, a multiple of 2.5 ms, or none. Says how many; then decode `next_payload` as usual.
    pub fn recover(&mut self, next_payload: &[u8], pcm: &mut [i16]) -> usize {
        match &mut self.state {
            State::Opus(opus) => opus.recover(next_payload, pcm),
            State::G711(_) | State::L16 | State::G722(_) => 0,
        }
    }

    /// Fills `pcm`, a multiple of 2.5 ms and at most [`limits::PACKET_AUDIO_MS`], with what the codec itself puts in the
    /// place of a lost packet. `false`: it has no such thing, and `pcm` holds nothing of use.
    pub fn conceal(&mut self, pcm: &mut [i16]) -> bool {
        match &mut self.state {
            State::Opus(opus) if pcm.len() <= self.rate.per_ms() * limits::PACKET_AUDIO_MS => opus.conceal(pcm),
            State::G711(_) | State::L16 | State::G722(_) | State::Opus(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder(codec: Codec) -> Decoder {
        Decoder::new(&AudioFormat::new(codec, 96)).expect("a codec of ours")
    }

    #[test]
    fn g711_and_l16_are_decoded_at_their_rates() {
        let mut pcm = [0; 4];
        let mut pcmu = decoder(Codec::Pcmu);
        assert_eq!(pcmu.decode(&[0x80, 0xFF], &mut pcm), Ok(2));
        assert_eq!((pcm[0], pcmu.sample_rate()), (32_124, SampleRate::Khz8));
        let mut pcma = decoder(Codec::Pcma);
        assert_eq!(pcma.decode(&[0xAA], &mut pcm), Ok(1));
        assert_eq!(pcm[0], 32_256);
        for rate in SampleRate::ALL {
            let mut l16 = decoder(Codec::L16(rate));
            assert_eq!(l16.decode(&[0x12, 0x34], &mut pcm), Ok(1));
            assert_eq!((pcm[0], l16.sample_rate()), (0x1234, rate));
        }
    }

    #[test]
    fn what_is_no_packet_is_refused_and_nothing_is_written() {
        let mut pcm = [7; 6_000];
        let mut pcmu = decoder(Codec::Pcmu);
        assert_eq!(pcmu.decode(&[], &mut pcm), Err(Malformed::Empty));
        assert_eq!(pcmu.decode(&[0; 961], &mut pcm), Err(Malformed::TooLong));
        assert_eq!(pcmu.decode(&[0; 3], &mut pcm[..2]), Err(Malformed::TooLong));
        let mut l16 = decoder(Codec::L16(SampleRate::Khz8));
        assert_eq!(l16.decode(&[0; 3], &mut pcm), Err(Malformed::Invalid));
        assert_eq!(l16.decode(&[0; 1_922], &mut pcm), Err(Malformed::TooLong));
        assert!(pcm.iter().all(|sample| *sample == 7));
    }

    #[test]
    fn g729_is_never_decoded() {
        let refused = Decoder::new(&AudioFormat::new(Codec::G729, 18)).map(|_| ());
        assert_eq!(refused, Err(CodecError::PassedOnOnly));
    }
}
