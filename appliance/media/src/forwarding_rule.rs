//! How packets of one phone become packets for another: plain data, so that something faster than we could follow it.

use std::net::SocketAddr;

use crate::codec::g711;
use crate::format::{COMFORT_NOISE, Codec, Format};
use crate::limits;
use crate::rtp::header::{Header, LENGTH, Rewrite};
use crate::rtp::sequence_map::SequenceMap;
use crate::socket::Socket;

/// What a packet of a given payload type carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Sound.
    Audio(Codec),
    /// Digits (RFC 4733).
    TelephoneEvent,
    /// The level of silence (RFC 3389).
    ComfortNoise,
}

/// What is done to the payload octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// Nothing.
    Copy,
    /// Each by [`g711::ULAW_TO_ALAW`].
    UlawToAlaw,
    /// Each by [`g711::ALAW_TO_ULAW`].
    AlawToUlaw,
    /// The duration of a digit counts in another clock, both in kilohertz.
    EventClock {
        /// What it counts in.
        from: u8,
        /// What it shall count in.
        to: u8,
    },
}

/// What becomes of a payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadRule {
    /// The payload type that the phone sends.
    pub from: u8,
    /// The payload type that the other phone gets. `None`: it did not agree to any; the packet is left out.
    pub to: Option<u8>,
    /// What is done to the payload.
    pub payload: Payload,
    /// What it carries.
    pub content: Content,
}

/// Audio codecs, digits and comfort noise.
pub const PAYLOADS: usize = limits::RECEIVE_FORMATS + 2;

/// The rules for all payload types that a phone may send; unused places are `None`.
pub type PayloadRules = [Option<PayloadRule>; PAYLOADS];

/// How the packets of one source become packets of one of our streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardingRule {
    /// The socket they arrive at.
    pub from: Socket,
    /// The address they must come from.
    pub source: SocketAddr,
    /// The SSRC they must carry.
    pub source_ssrc: u32,
    /// The socket they leave by.
    pub to: Socket,
    /// The address they go to.
    pub destination: SocketAddr,
    /// The SSRC they get.
    pub ssrc: u32,
    /// The sequence number they get.
    pub sequence: SequenceMap,
    /// What is added to their timestamp, modulo 2³².
    pub timestamp_offset: u32,
    /// Whether the next audio packet begins a talk spurt because the source has changed.
    pub mark_next: bool,
    /// What becomes of their payload.
    pub payloads: PayloadRules,
}

/// What the header of a forwarded packet says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// Its sequence number.
    pub sequence: u16,
    /// Its timestamp.
    pub timestamp: u32,
    /// Its length in octets.
    pub len: usize,
}

impl ForwardingRule {
    /// Rewrites `packet`, the one `extended` of its source, in place. `None`: it comes too late to have a number.
    pub fn apply(
        &mut self,
        packet: &mut [u8],
        header: &Header,
        extended: u64,
        payload: PayloadRule,
    ) -> Option<Rewritten> {
        let sequence = self.sequence.map(extended)?;
        let timestamp = header.timestamp.wrapping_add(self.timestamp_offset);
        let audio = matches!(payload.content, Content::Audio(_));
        let marker = header.marker || (audio && std::mem::take(&mut self.mark_next));
        let payload_type = payload.to.unwrap_or(header.payload_type);
        let rewrite = Rewrite { marker, payload_type, sequence, timestamp, ssrc: self.ssrc };
        let len = rewrite.apply(packet, header);
        match (payload.payload, packet.get_mut(LENGTH..len)) {
            (Payload::UlawToAlaw, Some(samples)) => g711::to_alaw(samples),
            (Payload::AlawToUlaw, Some(samples)) => g711::to_ulaw(samples),
            (Payload::EventClock { from, to }, Some(event)) => change_event_clock(event, from, to),
            (Payload::Copy, _) | (_, None) => {}
        }
        Some(Rewritten { sequence, timestamp, len })
    }
}

/// What a phone with the format `incoming` may send, and what becomes of it for one with the format `outgoing`. Without
/// the latter, nothing goes on.
pub fn payload_rules(incoming: &Format, outgoing: Option<&Format>) -> PayloadRules {
    let mut rules = [None; PAYLOADS];
    let audio = incoming.receive.iter().flatten().map(|audio| (audio.payload_type, Content::Audio(audio.codec)));
    let events = incoming.telephone_event.receive.map(|payload_type| (payload_type, Content::TelephoneEvent));
    let noise = incoming.comfort_noise.then_some((COMFORT_NOISE, Content::ComfortNoise));
    for (place, (from, content)) in rules.iter_mut().zip(audio.chain(events).chain(noise)) {
        let (to, payload) = match outgoing {
            Some(outgoing) => goes_on_as(content, incoming, outgoing),
            None => (None, Payload::Copy),
        };
        *place = Some(PayloadRule { from, to, payload, content });
    }
    rules
}

/// Whether what a phone with the format `incoming` is expected to send, its first codec, has to be decoded and encoded anew
/// for one with the format `outgoing`. Should it switch to another of its codecs, the rule of that one tells whether it goes on.
pub fn needs_transcoding(incoming: &Format, outgoing: &Format) -> bool {
    incoming.receive[0].is_some_and(|audio| audio_goes_on_as(audio.codec, outgoing).0.is_none())
}

/// Whether audio of one codec becomes audio of the other without being decoded.
pub const fn can_forward(from: Codec, to: Codec) -> bool {
    translation(from, to).is_some()
}

/// What makes the payload of one codec that of another without decoding it, if anything does.
const fn translation(from: Codec, to: Codec) -> Option<Payload> {
    match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => Some(Payload::UlawToAlaw),
        (Codec::Pcma, Codec::Pcmu) => Some(Payload::AlawToUlaw),
        (Codec::Pcmu, Codec::Pcmu)
        | (Codec::Pcma, Codec::Pcma)
        | (Codec::G722, Codec::G722)
        | (Codec::Opus, Codec::Opus)
        | (Codec::G729, Codec::G729) => Some(Payload::Copy),
        (Codec::L16(from), Codec::L16(to)) if from.hz() == to.hz() => Some(Payload::Copy),
        _ => None,
    }
}

fn goes_on_as(content: Content, incoming: &Format, outgoing: &Format) -> (Option<u8>, Payload) {
    match content {
        Content::Audio(codec) => audio_goes_on_as(codec, outgoing),
        // Where the clock of the audio differs, so do the timestamps, and the digit is made anew.
        Content::TelephoneEvent if incoming.clock_rate() == outgoing.clock_rate() => {
            // Of the clocks of our codecs, the fastest is 48 kHz.
            let kilohertz = |format: &Format| (format.telephone_event.clock_rate / 1_000) as u8;
            let (from, to) = (kilohertz(incoming), kilohertz(outgoing));
            let payload = if from == to { Payload::Copy } else { Payload::EventClock { from, to } };
            (outgoing.telephone_event.send, payload)
        }
        Content::TelephoneEvent => (None, Payload::Copy),
        Content::ComfortNoise => (outgoing.comfort_noise.then_some(COMFORT_NOISE), Payload::Copy),
    }
}

/// As what it is, where the phone takes that; else as what it can become.
fn audio_goes_on_as(codec: Codec, outgoing: &Format) -> (Option<u8>, Payload) {
    if let Some(payload_type) = outgoing.sends(codec) {
        return (Some(payload_type), Payload::Copy);
    }
    match translation(codec, outgoing.send.codec) {
        Some(payload) => (Some(outgoing.send.payload_type), payload),
        None => (None, Payload::Copy),
    }
}

/// Makes the duration of a digit (RFC 4733 §2.3.5) count in another clock. What no longer fits is as long as can be.
fn change_event_clock(payload: &mut [u8], from: u8, to: u8) {
    let Some(duration) = payload.get_mut(2..4) else { return };
    let units = u32::from(u16::from_be_bytes([duration[0], duration[1]]));
    let changed = (units * u32::from(to) / u32::from(from.max(1))).min(u16::MAX.into()) as u16;
    duration.copy_from_slice(&changed.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::StreamId;

    fn rule(payloads: PayloadRules) -> ForwardingRule {
        ForwardingRule {
            from: Socket::rtp(StreamId(1)),
            source: "192.0.2.1:4000".parse().unwrap(),
            source_ssrc: 7,
            to: Socket::rtp(StreamId(2)),
            destination: "192.0.2.2:5000".parse().unwrap(),
            ssrc: 0x0102_0304,
            sequence: SequenceMap::starting(65_536 + 9, 1),
            timestamp_offset: u32::MAX,
            mark_next: true,
            payloads,
        }
    }

    #[test]
    fn unlike_laws_are_translated_and_digits_mapped() {
        let ulaw = Format::new(Codec::Pcmu, 0).with_telephone_event(101).with_comfort_noise();
        let alaw = Format::new(Codec::Pcma, 8).with_telephone_event(96);
        let rules: Vec<_> = payload_rules(&ulaw, Some(&alaw)).into_iter().flatten().collect();
        assert_eq!(
            rules,
            [
                PayloadRule {
                    from: 0,
                    to: Some(8),
                    payload: Payload::UlawToAlaw,
                    content: Content::Audio(Codec::Pcmu)
                },
                PayloadRule { from: 101, to: Some(96), payload: Payload::Copy, content: Content::TelephoneEvent },
                PayloadRule { from: 13, to: None, payload: Payload::Copy, content: Content::ComfortNoise },
            ]
        );
    }

    #[test]
    fn a_phone_may_send_any_codec_that_was_answered() {
        let both = Format::new(Codec::Pcmu, 0).receiving(Codec::Pcma, 8);
        let rules = payload_rules(&both, Some(&both));
        assert_eq!(rules[1].unwrap().payload, Payload::AlawToUlaw);
        assert_eq!(rules[1].unwrap().to, Some(0));
    }

    #[test]
    fn what_has_to_be_decoded_is_not_forwarded() {
        let ours = [Codec::Pcmu, Codec::G722, Codec::Opus, Codec::L16(crate::SampleRate::Khz16), Codec::G729];
        for from in ours {
            for to in ours {
                let (incoming, outgoing) = (Format::new(from, 96), Format::new(to, 97));
                let rule = payload_rules(&incoming, Some(&outgoing))[0].unwrap();
                assert_eq!((rule.to, rule.payload), ((from == to).then_some(97), Payload::Copy), "{from:?} {to:?}");
                assert_eq!(needs_transcoding(&incoming, &outgoing), from != to);
            }
        }
        let laws = Format::new(Codec::Pcmu, 0).receiving(Codec::Pcma, 8);
        assert!(!needs_transcoding(&laws, &laws));
    }

    #[test]
    fn a_phone_that_switches_is_followed_where_the_other_can() {
        let both = |first, second| Format::new(first, 100).also_sending(second, 101).receiving(second, 101);
        let (a, b) = (both(Codec::Opus, Codec::G722), both(Codec::G722, Codec::Opus));
        assert!(!needs_transcoding(&a, &b) && !needs_transcoding(&b, &a));
        let to: Vec<_> = payload_rules(&a, Some(&b)).into_iter().flatten().map(|rule| (rule.from, rule.to)).collect();
        assert_eq!(to, [(100, Some(101)), (101, Some(100))]);
        // One that sends what the other does not take is not heard until it is decoded.
        let only = Format::new(Codec::Opus, 96);
        assert!(!needs_transcoding(&a, &only) && needs_transcoding(&b, &only));
        assert_eq!(payload_rules(&a, Some(&only))[1].unwrap().to, None);
        // A law that is taken as it is, is not translated.
        let laws = Format::new(Codec::Pcmu, 0).also_sending(Codec::Pcma, 8);
        let rule = payload_rules(&Format::new(Codec::Pcma, 8), Some(&laws))[0].unwrap();
        assert_eq!((rule.to, rule.payload), (Some(8), Payload::Copy));
    }

    #[test]
    fn digits_of_another_clock_are_not_forwarded() {
        let opus = Format::new(Codec::Opus, 111).with_telephone_event(110);
        let pcmu = Format::new(Codec::Pcmu, 0).with_telephone_event(101);
        let digits = |incoming, outgoing| payload_rules(incoming, Some(outgoing))[1].unwrap().to;
        assert_eq!(digits(&opus, &opus), Some(110));
        assert_eq!((digits(&opus, &pcmu), digits(&pcmu, &opus)), (None, None));
    }

    #[test]
    fn digits_are_told_in_the_clock_that_the_phone_has_for_them() {
        let browser = Format::new(Codec::Opus, 111).with_telephone_event(110);
        let mut desk = Format::new(Codec::Opus, 96).with_telephone_event(101);
        desk.telephone_event.clock_rate = 8_000;
        let event = |from: &Format, to: &Format, payload: [u8; 4]| {
            let rules = payload_rules(from, Some(to));
            let mut packet = [[0x80, 110, 0, 9, 0, 0, 0, 5, 0, 0, 0, 7].as_slice(), &payload].concat();
            let header = Header::parse(&packet).unwrap();
            rule(rules).apply(&mut packet, &header, 65_536 + 9, rules[1].unwrap()).unwrap();
            (packet[1] & 0x7F, [packet[12], packet[13], packet[14], packet[15]])
        };
        assert_eq!(event(&browser, &desk, [5, 0x8A, 0x12, 0xC0]), (101, [5, 0x8A, 3, 0x20]), "4,800 and 800");
        assert_eq!(event(&desk, &browser, [5, 10, 3, 0x20]), (110, [5, 10, 0x12, 0xC0]));
        assert_eq!(event(&desk, &browser, [5, 10, 0xFF, 0]), (110, [5, 10, 0xFF, 0xFF]));
        assert_eq!(event(&browser, &browser, [5, 10, 0xFF, 1]), (110, [5, 10, 0xFF, 1]));
    }

    #[test]
    fn a_digit_without_duration_is_left_alone() {
        let mut short = [5, 10, 1];
        change_event_clock(&mut short, 48, 8);
        assert_eq!(short, [5, 10, 1]);
        let mut unknown = [5, 10, 0, 9];
        change_event_clock(&mut unknown, 0, 8);
        assert_eq!(unknown, [5, 10, 0, 72]);
    }

    #[test]
    fn rewrites_header_and_payload() {
        let rules = payload_rules(&Format::new(Codec::Pcmu, 0), Some(&Format::new(Codec::Pcma, 8)));
        let mut rule = rule(rules);
        let mut packet = [0x80, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 7, 0xFF, 0x80];
        let header = Header::parse(&packet).unwrap();
        let rewritten = rule.apply(&mut packet, &header, 65_536 + 9, rules[0].unwrap());
        assert_eq!(rewritten, Some(Rewritten { sequence: 1, timestamp: 4, len: 14 }));
        assert_eq!(packet, [0x80, 0x88, 0, 1, 0, 0, 0, 4, 1, 2, 3, 4, 0xD5, 0xAA]);
        let header = Header { sequence: 8, ..header };
        assert_eq!(rule.apply(&mut packet, &header, 65_536 + 8, rules[0].unwrap()), None);
    }
}
