//! What offer and answer agreed on for a stream: codecs, payload types, packet time.

use crate::limits;

/// An audio codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// ITU-T G.711 µ-law.
    Pcmu,
    /// ITU-T G.711 A-law.
    Pcma,
}

impl Codec {
    /// The RTP clock in hertz (RFC 3551 §6).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma => 8_000,
        }
    }

    /// The payload type it has without negotiation (RFC 3551 table 4), if any.
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
        }
    }

    /// The encoding name of `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// The codec of a static payload type (RFC 3551 table 4).
    pub const fn from_static_payload_type(payload_type: u8) -> Option<Codec> {
        match payload_type {
            0 => Some(Codec::Pcmu),
            8 => Some(Codec::Pcma),
            _ => None,
        }
    }
}

/// A codec and the payload type that stands for it in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AudioFormat {
    /// The codec.
    pub codec: Codec,
    /// 0–127.
    pub payload_type: u8,
}

/// The payload types of RFC 4733 digits, which may differ by direction. `None`: not in that direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TelephoneEvent {
    /// What we put on digits to the phone.
    pub send: Option<u8>,
    /// What the phone puts on its digits.
    pub receive: Option<u8>,
}

/// What offer and answer agreed on for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// What we send.
    pub send: AudioFormat,
    /// What the phone may send, best first; unused places are `None`.
    pub receive: [Option<AudioFormat>; limits::RECEIVE_FORMATS],
    /// Digits, at the clock of the audio.
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
        let audio = AudioFormat { codec, payload_type };
        let mut receive = [None; limits::RECEIVE_FORMATS];
        receive[0] = Some(audio);
        Format { send: audio, receive, telephone_event: TelephoneEvent::default(), comfort_noise: false, ptime_ms: 20 }
    }

    /// Adds another codec that the phone may send; without effect when all places are taken.
    pub fn receiving(mut self, codec: Codec, payload_type: u8) -> Format {
        if let Some(free) = self.receive.iter_mut().find(|entry| entry.is_none()) {
            *free = Some(AudioFormat { codec, payload_type });
        }
        self
    }

    /// Digits under the same payload type in both directions.
    pub fn with_telephone_event(mut self, payload_type: u8) -> Format {
        self.telephone_event = TelephoneEvent { send: Some(payload_type), receive: Some(payload_type) };
        self
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
