//! What offer and answer agreed on for a stream: codecs, payload types, packet time.

pub mod opus_settings;

use crate::{SampleRate, limits};

pub use opus_settings::OpusSettings;

/// An audio codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// ITU-T G.711 µ-law.
    Pcmu,
    /// ITU-T G.711 A-law.
    Pcma,
    /// ITU-T G.722 at 64 kbit/s.
    G722,
    /// Opus (RFC 6716, RFC 7587).
    Opus,
    /// Linear samples of 16 bits, one channel (RFC 3551 §4.5.11).
    L16(SampleRate),
    /// ITU-T G.729: passed on from one phone to another, never decoded.
    G729,
}

impl Codec {
    /// The RTP clock in hertz (RFC 3551 §6). G.722 counts 8,000 though it samples at 16,000 (RFC 3551 §4.5.2), Opus 48,000
    /// whatever it samples at (RFC 7587 §4.1).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::G729 => 8_000,
            Codec::Opus => 48_000,
            Codec::L16(rate) => rate.hz(),
        }
    }

    /// Octets of payload in a second, at most.
    pub const fn octets_a_second(self) -> usize {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::G729 => 1_000,
            // RFC 6716 §2.1.1: 510 kbit/s.
            Codec::Opus => 63_750,
            Codec::L16(rate) => rate.per_ms() * 2_000,
        }
    }

    /// The channels of `a=rtpmap`: for Opus always 2 (RFC 7587 §7), though we send one.
    pub const fn channels(self) -> u8 {
        match self {
            Codec::Opus => 2,
            _ => 1,
        }
    }

    /// The payload type it has without negotiation (RFC 3551 table 4), if any.
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::G729 => Some(18),
            Codec::Opus | Codec::L16(_) => None,
        }
    }

    /// The encoding name of `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
            Codec::L16(_) => "L16",
            Codec::G729 => "G729",
        }
    }

    /// The codec that an administrator calls so: `opus`, `g722`, `pcma`, `pcmu`, `g729`, `l16` (at 16 kHz).
    pub fn from_setting(name: &str) -> Option<Codec> {
        let known = [Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu, Codec::G729, Codec::L16(SampleRate::Khz16)];
        known.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The codec of a static payload type (RFC 3551 table 4).
    pub const fn from_static_payload_type(payload_type: u8) -> Option<Codec> {
        match payload_type {
            0 => Some(Codec::Pcmu),
            8 => Some(Codec::Pcma),
            9 => Some(Codec::G722),
            18 => Some(Codec::G729),
            _ => None,
        }
    }

    /// The codec that `a=rtpmap` names: `opus/48000/2`. Names are compared without case.
    pub fn from_rtpmap(name: &str, clock_rate: u32, channels: u8) -> Option<Codec> {
        if name.eq_ignore_ascii_case("L16") {
            return SampleRate::from_hz(clock_rate).filter(|_| channels == 1).map(Codec::L16);
        }
        let named = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus, Codec::G729];
        let is_it = |codec: &Codec| {
            codec.name().eq_ignore_ascii_case(name) && codec.clock_rate() == clock_rate && codec.channels() == channels
        };
        named.into_iter().find(is_it)
    }

    /// Whether we can decode and encode it, and need not only pass it on.
    pub const fn is_ours(self) -> bool {
        !matches!(self, Codec::G729)
    }
}

/// A codec and the payload type that stands for it in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AudioFormat {
    /// The codec.
    pub codec: Codec,
    /// 0–127.
    pub payload_type: u8,
    /// What was agreed of Opus for this direction; for other codecs without meaning.
    pub opus: OpusSettings,
}

impl AudioFormat {
    /// A codec under a payload type, with the settings that hold where nothing is said.
    pub fn new(codec: Codec, payload_type: u8) -> AudioFormat {
        AudioFormat { codec, payload_type, opus: OpusSettings::default() }
    }

    /// The samples a second that it carries at best.
    pub const fn sample_rate(&self) -> SampleRate {
        match self.codec {
            Codec::Pcmu | Codec::Pcma | Codec::G729 => SampleRate::Khz8,
            Codec::G722 => SampleRate::Khz16,
            Codec::Opus => self.opus.rate,
            Codec::L16(rate) => rate,
        }
    }

    /// The same with these settings of Opus.
    pub fn with_opus(mut self, opus: OpusSettings) -> AudioFormat {
        self.opus = opus;
        self
    }
}

/// The payload types of RFC 4733 digits, which may differ by direction. `None`: not in that direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TelephoneEvent {
    /// What we put on digits to the phone.
    pub send: Option<u8>,
    /// What the phone puts on its digits.
    pub receive: Option<u8>,
    /// What durations count in, in hertz: 8,000, with Opus mostly 48,000.
    pub clock_rate: u32,
}

impl Default for TelephoneEvent {
    fn default() -> TelephoneEvent {
        TelephoneEvent { send: None, receive: None, clock_rate: 8_000 }
    }
}

/// What offer and answer agreed on for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// What we send.
    pub send: AudioFormat,
    /// What else the phone takes, and under which payload type: what another phone sends in such a codec is forwarded as it
    /// is, and we ourselves never send it.
    pub also_send: [Option<(Codec, u8)>; limits::RECEIVE_FORMATS],
    /// What the phone may send, best first; unused places are `None`.
    pub receive: [Option<AudioFormat>; limits::RECEIVE_FORMATS],
    /// Digits.
    pub telephone_event: TelephoneEvent,
    /// Whether comfort noise, payload type 13 (RFC 3389), was negotiated.
    pub comfort_noise: bool,
    /// Audio in one packet, in milliseconds.
    pub ptime_ms: u16,
}

/// The payload type of comfort noise at 8 kHz (RFC 3551 §6, RFC 3389 §4).
pub const COMFORT_NOISE: u8 = 13;

impl Format {
    /// One codec with the same payload type in both directions, packets of 20 ms, no digits, no comfort noise.
    pub fn new(codec: Codec, payload_type: u8) -> Format {
        let audio = AudioFormat::new(codec, payload_type);
        let mut receive = [None; limits::RECEIVE_FORMATS];
        receive[0] = Some(audio);
        let telephone_event = TelephoneEvent { clock_rate: codec.clock_rate(), ..TelephoneEvent::default() };
        let also_send = [None; limits::RECEIVE_FORMATS];
        Format { send: audio, also_send, receive, telephone_event, comfort_noise: false, ptime_ms: 20 }
    }

    /// Adds another codec that the phone may send; without effect when all places are taken.
    pub fn receiving(self, codec: Codec, payload_type: u8) -> Format {
        self.receiving_audio(AudioFormat::new(codec, payload_type))
    }

    /// Adds another format that the phone may send; without effect when all places are taken.
    pub fn receiving_audio(mut self, audio: AudioFormat) -> Format {
        if let Some(free) = self.receive.iter_mut().find(|entry| entry.is_none()) {
            *free = Some(audio);
        }
        self
    }

    /// Adds another codec that the phone takes; without effect when all places are taken.
    pub fn also_sending(mut self, codec: Codec, payload_type: u8) -> Format {
        if let Some(free) = self.also_send.iter_mut().find(|entry| entry.is_none()) {
            *free = Some((codec, payload_type));
        }
        self
    }

    /// The payload type under which the phone takes a codec, if it does.
    pub fn sends(&self, codec: Codec) -> Option<u8> {
        let others = self.also_send.iter().flatten();
        let all = std::iter::once((self.send.codec, self.send.payload_type)).chain(others.copied());
        all.into_iter().find_map(|(known, payload_type)| (known == codec).then_some(payload_type))
    }

    /// Digits under the same payload type in both directions, at the clock of the audio.
    pub fn with_telephone_event(mut self, payload_type: u8) -> Format {
        self.telephone_event.send = Some(payload_type);
        self.telephone_event.receive = Some(payload_type);
        self
    }

    /// Whether the phone tells its keys by events; otherwise it has only its sound to do so.
    pub fn tells_digits(&self) -> bool {
        self.telephone_event.receive.is_some()
    }

    /// Comfort noise is understood.
    pub fn with_comfort_noise(mut self) -> Format {
        self.comfort_noise = true;
        self
    }

    /// The RTP clock of what we send, in hertz.
    pub fn clock_rate(&self) -> u32 {
        self.send.codec.clock_rate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_is_found_by_its_rtpmap() {
        let all = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus, Codec::L16(SampleRate::Khz16), Codec::G729];
        for codec in all {
            let name = codec.name().to_lowercase();
            assert_eq!(Codec::from_rtpmap(&name, codec.clock_rate(), codec.channels()), Some(codec));
            if let Some(number) = codec.static_payload_type() {
                assert_eq!(Codec::from_static_payload_type(number), Some(codec));
            }
        }
        // RFC 7587 §7: opus is always 48000/2. RFC 3551 §4.5.2: G722 is always 8000.
        for (name, clock_rate, channels) in
            [("opus", 48_000, 1), ("G722", 16_000, 1), ("L16", 44_100, 2), ("L16", 16_000, 2), ("SILK", 24_000, 1)]
        {
            assert_eq!(Codec::from_rtpmap(name, clock_rate, channels), None, "{name}/{clock_rate}/{channels}");
        }
    }

    #[test]
    fn an_administrators_words() {
        assert_eq!(
            ["opus", "G722", "l16"].map(Codec::from_setting),
            [Some(Codec::Opus), Some(Codec::G722), Some(Codec::L16(SampleRate::Khz16))]
        );
        assert_eq!(Codec::from_setting("mp3"), None);
    }

    #[test]
    fn a_format_is_small() {
        let size = std::mem::size_of::<Format>();
        assert!(size <= 160, "{size}");
    }
}
