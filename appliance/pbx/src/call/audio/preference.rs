//! Which codecs a leg is offered, and with which its offer is answered: first what the other leg speaks, so that nothing has to be
//! decoded, then what we speak ourselves.

use media::{Codec, forwarding_rule};
use sip::sdp::{self, Capabilities, OpusParameters, RtpMap, SessionDescription, Word};
use smallvec::SmallVec;

use super::Audio;
use crate::limits;
use crate::settings::Settings;

/// A codec as somebody speaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spoken {
    codec: Codec,
    /// What he said of it, in our words: nothing of one phone that we do not understand is shown to another.
    fmtp: Option<Word>,
}

/// What the other leg speaks, best first. Empty where there is none, or nothing is known of it.
#[derive(Debug, Clone, Default)]
pub struct Preference {
    other: SmallVec<[Spoken; 4]>,
    /// Where it is not empty: nothing else is offered, and it is offered in this order.
    only: SmallVec<[Codec; 4]>,
}

impl Preference {
    /// For the phones that are rung: what the caller offers, in its order.
    pub fn of_caller(offer: Option<&SessionDescription>) -> Preference {
        let other = offer.map(|offer| spoken(offer).collect()).unwrap_or_default();
        Preference { other, ..Preference::default() }
    }

    /// For the leg that is bridged with this one: what this one speaks.
    pub fn of_leg(audio: &Audio) -> Preference {
        let agreed = audio.negotiated.iter().flat_map(|negotiated| &negotiated.codecs);
        let other = agreed.filter_map(|codec| Spoken::read(&codec.map, codec.fmtp.as_deref())).collect();
        Preference { other, ..Preference::default() }
    }

    /// Nothing but these is to be offered, in their order; all where there is none.
    pub fn limited_to(self, codecs: &[Codec]) -> Preference {
        Preference { only: codecs.iter().copied().collect(), ..self }
    }

    /// What to offer: what the other leg speaks, in its order, then whatever of ours goes with any of it.
    pub fn to_offer(&self, settings: &Settings) -> Capabilities {
        let mut offered: SmallVec<[Spoken; 8]> =
            self.other.iter().filter(|spoken| is_allowed(settings, spoken.codec)).cloned().collect();
        for codec in &settings.codecs {
            let is_new = offered.iter().all(|spoken| spoken.codec != *codec);
            if is_new && self.goes_with_some(settings, *codec) {
                offered.push(Spoken::by_us(*codec));
            }
        }
        let place = |spoken: &Spoken| self.only.iter().position(|codec| *codec == spoken.codec);
        if !self.only.is_empty() {
            offered.retain(|spoken| place(spoken).is_some());
            offered.sort_by_key(place);
        }
        offered.truncate(limits::CODECS);
        capabilities(offered)
    }

    /// What to answer to an offer: everything that the other leg speaks too, so that either phone may send any of it and nothing
    /// is decoded; where there is no such thing, the first that can become what the other leg speaks.
    pub fn to_answer(&self, settings: &Settings, offer: &SessionDescription) -> Capabilities {
        let offered: SmallVec<[Spoken; 4]> =
            spoken(offer).filter(|spoken| is_allowed(settings, spoken.codec)).collect();
        let has = |codec: Codec| offered.iter().any(|spoken| spoken.codec == codec);
        if self.other.iter().any(|other| has(other.codec)) {
            return capabilities(self.other.iter().filter(|other| has(other.codec)).cloned());
        }
        let forwarded = |spoken: &&Spoken| {
            self.other.first().is_some_and(|other| forwarding_rule::can_forward(spoken.codec, other.codec))
        };
        let transcoded = |spoken: &&Spoken| settings.transcodes && self.goes_with_some(settings, spoken.codec);
        let best = match self.other.is_empty() {
            true => offered.iter().find(|spoken| spoken.codec.is_ours()),
            false => offered.iter().find(forwarded).or_else(|| offered.iter().find(transcoded)),
        };
        capabilities(best.map(|spoken| Spoken::by_us(spoken.codec)))
    }

    fn goes_with_some(&self, settings: &Settings, codec: Codec) -> bool {
        match self.other.is_empty() {
            // Whoever is asked without knowing the other may answer anything, and the other has to be able to follow.
            true => settings.transcodes || matches!(codec, Codec::Pcmu | Codec::Pcma),
            false => self.other.iter().any(|other| go_together(settings, other.codec, codec)),
        }
    }
}

/// Whether an offer has an audio stream with a codec that we speak or pass on.
pub fn can_answer(settings: &Settings, offer: &SessionDescription) -> bool {
    spoken(offer).any(|spoken| is_allowed(settings, spoken.codec))
}

/// Whether what one leg speaks can become what the other does.
pub fn go_together(settings: &Settings, a: Codec, b: Codec) -> bool {
    forwarding_rule::can_forward(a, b) || (settings.transcodes && a.is_ours() && b.is_ours())
}

/// What is never decoded costs nothing to pass on, and needs no permission.
fn is_allowed(settings: &Settings, codec: Codec) -> bool {
    !codec.is_ours() || settings.codecs.contains(&codec)
}

/// The codecs we know that an offer has for its first audio stream, in its order, each once.
fn spoken(offer: &SessionDescription) -> impl Iterator<Item = Spoken> {
    let audio = offer.media.iter().find(|media| media.is_audio());
    let formats = audio.into_iter().flat_map(|media| &media.formats);
    let mut seen: SmallVec<[Codec; 8]> = SmallVec::new();
    let known = formats.filter_map(|format| Spoken::read(format.map.as_ref()?, format.fmtp.as_deref()));
    let once = known.filter(move |spoken| {
        let is_new = !seen.contains(&spoken.codec);
        seen.push(spoken.codec);
        is_new
    });
    once.take(limits::CODECS)
}

impl Spoken {
    /// As a phone says it.
    fn read(map: &RtpMap, fmtp: Option<&str>) -> Option<Spoken> {
        let codec = super::codec_of(map)?;
        let fmtp = match codec {
            Codec::Opus => OpusParameters::parse(fmtp).to_fmtp(),
            // The other phone must not send silence in a form that this one cannot read (RFC 4856 §2.1.9).
            Codec::G729 => fmtp.filter(|fmtp| fmtp.contains("annexb=no")).map(|_| Word::Borrowed("annexb=no")),
            Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::L16(_) => None,
        };
        Some(Spoken { codec, fmtp })
    }

    /// As we say it, where we decode and encode.
    fn by_us(codec: Codec) -> Spoken {
        let ours = OpusParameters { in_band_fec: true, ..OpusParameters::default() };
        Spoken { codec, fmtp: ours.to_fmtp().filter(|_| codec == Codec::Opus) }
    }

    fn describe(self) -> sdp::Codec {
        let codec = self.codec;
        let name = Word::Borrowed(codec.name());
        let map = RtpMap { name, clock_rate: codec.clock_rate(), channels: codec.channels() };
        sdp::Codec { map, payload_type: preferred_number(codec), fmtp: self.fmtp }
    }
}

fn capabilities(codecs: impl IntoIterator<Item = Spoken>) -> Capabilities {
    Capabilities { codecs: codecs.into_iter().map(Spoken::describe).collect(), ..Capabilities::default() }
}

/// The number a codec is offered under where it is free: its own, or the one most of the world uses for it.
fn preferred_number(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(match codec {
        Codec::Opus => 111,
        _ => 112,
    })
}
