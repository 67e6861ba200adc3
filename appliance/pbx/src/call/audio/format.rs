//! What offer and answer agreed on, in the words of the media engine.

use media::{AudioFormat, Codec, Format, OpusSettings, SampleRate, TelephoneEvent, format::COMFORT_NOISE, limits};
use sip::sdp::{Negotiated, NegotiatedCodec, OpusParameters};

use super::codec_of;

/// The format of a stream. `None`: there is no codec in it that we know.
pub fn format_of(negotiated: &Negotiated) -> Option<Format> {
    let chosen = negotiated.codec();
    let codec = codec_of(&chosen.map)?;
    let mut format = Format::new(codec, chosen.send);
    format.send.opus = sent(chosen);
    format.receive = [None; limits::RECEIVE_FORMATS];
    for agreed in &negotiated.codecs {
        let Some(codec) = codec_of(&agreed.map) else { continue };
        format = format.receiving_audio(AudioFormat::new(codec, agreed.receive).with_opus(received(agreed)));
        if codec != format.send.codec {
            format = format.also_sending(codec, agreed.send);
        }
    }
    if let Some(event) = negotiated.telephone_event() {
        let clock_rate = event.map.clock_rate;
        format.telephone_event = TelephoneEvent { send: Some(event.send), receive: Some(event.receive), clock_rate };
    }
    let noise = negotiated.comfort_noise.as_ref();
    format.comfort_noise = noise.is_some_and(|noise| [noise.send, noise.receive] == [COMFORT_NOISE; 2]);
    format.ptime_ms = packet_time(codec, negotiated.ptime);
    Some(format)
}

/// What of Opus the phone wants to get.
fn sent(agreed: &NegotiatedCodec) -> OpusSettings {
    let theirs = OpusParameters::parse(agreed.fmtp.as_deref());
    settings(theirs.max_playback_rate, theirs)
}

/// What of Opus comes from the phone, if it keeps to what we wrote.
fn received(agreed: &NegotiatedCodec) -> OpusSettings {
    let ours = OpusParameters::parse(agreed.ours.as_deref());
    let theirs = OpusParameters::parse(agreed.fmtp.as_deref());
    settings(ours.max_playback_rate.min(theirs.max_capture_rate), ours)
}

fn settings(rate: u32, receiver: OpusParameters) -> OpusSettings {
    OpusSettings {
        rate: SampleRate::covering(rate),
        stereo: receiver.stereo,
        in_band_fec: receiver.in_band_fec,
        dtx: receiver.dtx,
        constant_bit_rate: receiver.constant_bit_rate,
        max_average_bit_rate: receiver.max_average_bit_rate,
    }
}

/// The milliseconds in a packet: whole tens, and what Opus has a frame for.
fn packet_time(codec: Codec, wished: u16) -> u16 {
    let tens = (wished / 10 * 10).clamp(10, 60);
    match (codec, tens) {
        (Codec::Opus, 30) => 20,
        (Codec::Opus, 50) => 40,
        _ => tens,
    }
}
