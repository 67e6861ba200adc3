//! How a phone behaves, well or badly.

use std::net::SocketAddr;
use std::time::Duration;

use super::asking::{Asking, OnRegister};
use super::digest::Algorithm;
use super::line::Secrecy;
use super::sdp::Direction;

/// What a phone does with a call that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInvite {
    /// Says 180 and waits for [`answer`](super::Phone::answer), [`reject`](super::Phone::reject) or the caller's patience.
    Ring,
    /// Says 180, and answers after a while.
    AnswerAfter(Duration),
    /// Answers at once.
    Answer,
    /// Says 183 with a session description and speaks before it answers.
    EarlyMedia,
    /// Refuses with a status.
    Refuse(u16),
    /// Says 100 and nothing more.
    OnlyTrying,
    /// Says nothing at all.
    Ignore,
}

/// Which sessions a phone refuses as too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooShort {
    /// None.
    None,
    /// Those below so many seconds.
    Below(u32),
    /// Any, however long.
    Any,
}

/// What a phone can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    /// The payload type it uses.
    pub payload_type: u8,
    /// Name and clock as `a=rtpmap` has them.
    pub rtpmap: &'static str,
    /// Its settings as `a=fmtp` has them; empty where there is nothing to say.
    pub fmtp: &'static str,
}

impl Codec {
    /// A codec without settings.
    pub const fn new(payload_type: u8, rtpmap: &'static str) -> Codec {
        Codec { payload_type, rtpmap, fmtp: "" }
    }
}

/// G.711 µ-law.
pub const PCMU: Codec = Codec::new(0, "PCMU/8000");
/// G.711 A-law.
pub const PCMA: Codec = Codec::new(8, "PCMA/8000");
/// G.722, whose clock is half of what it samples (RFC 3551 §4.5.2).
pub const G722: Codec = Codec::new(9, "G722/8000");
/// G.729 without its silence.
pub const G729: Codec = Codec { fmtp: "annexb=no", ..Codec::new(18, "G729/8000") };
/// Opus as browsers have it.
pub const OPUS: Codec = Codec { fmtp: "minptime=10;useinbandfec=1", ..Codec::new(111, "opus/48000/2") };
/// Digits at the clock of Opus.
pub const OPUS_DIGITS: Codec = Codec::new(110, "telephone-event/48000");
/// Digits (RFC 4733).
pub const DIGITS: Codec = Codec::new(101, "telephone-event/8000");
/// Something that the exchange does not know.
pub const EXOTIC: Codec = Codec::new(97, "SILK/24000");

/// The settings of a phone.
#[derive(Debug, Clone)]
pub struct Manner {
    /// What it does with a call.
    pub on_invite: OnInvite,
    /// Which digest it chooses when it has the choice.
    pub algorithm: Algorithm,
    /// What it speaks, best first.
    pub codecs: Vec<Codec>,
    /// How it encrypts, if it does.
    pub secrecy: Option<Secrecy>,
    /// Whether it refuses keys in an offer that leaves it the choice (`RTP/AVP`).
    pub takes_savp_alone: bool,
    /// Whether it acknowledges a 2xx.
    pub acknowledges: bool,
    /// Whether it answers requests within a dialog and OPTIONS.
    pub answers_requests: bool,
    /// Whether its INVITE has no offer, so that the 2xx has one.
    pub offers_late: bool,
    /// Whether it can acknowledge provisional answers (RFC 3262), and sends its own reliably.
    pub reliable_provisionals: bool,
    /// Session-Expires to ask for, in seconds (RFC 4028).
    pub session_expires: Option<u32>,
    /// Sessions that it refuses as too short (RFC 4028 §6).
    pub refuses_sessions: TooShort,
    /// Who is to refresh when the phone may choose: `uas` is the one that answers.
    pub refresher: &'static str,
    /// Whether it refreshes the session when that is its task.
    pub refreshes_session: bool,
    /// Whether it refreshes by UPDATE instead of re-INVITE.
    pub refreshes_by_update: bool,
    /// Whether it sends audio.
    pub talks: bool,
    /// How it says that it holds: `SendOnly`, `Inactive`; or by the address 0.0.0.0 when [`Manner::holds_by_address`].
    pub hold_direction: Direction,
    /// The hold of RFC 2543.
    pub holds_by_address: bool,
    /// The expiry it asks of the registrar, in seconds.
    pub expires: u32,
    /// The q of its contact.
    pub q: Option<&'static str>,
    /// A Path that a proxy would have added.
    pub path: Option<String>,
    /// Whether it registers again before it expires.
    pub keeps_registering: bool,
    /// Whether it uses a nonce again, counting up.
    pub reuses_nonce: bool,
    /// The Max-Forwards it begins with.
    pub max_forwards: u8,
    /// Whose name and password it proves instead of its own.
    pub proves_as: Option<(String, String)>,
    /// Whether it asks for a password, as a provider does.
    pub asking: Option<Asking>,
    /// What it says to REGISTER, as a provider.
    pub on_register: OnRegister,
    /// Where it sees the exchange, as its answers say (RFC 3581).
    pub sees_exchange_at: Option<SocketAddr>,
    /// Headers that it adds to its INVITE.
    pub extra: Vec<(&'static str, String)>,
}

impl Default for Manner {
    fn default() -> Self {
        Manner {
            on_invite: OnInvite::Ring,
            algorithm: Algorithm::Md5,
            codecs: vec![PCMU, PCMA, DIGITS],
            secrecy: None,
            takes_savp_alone: false,
            acknowledges: true,
            answers_requests: true,
            offers_late: false,
            reliable_provisionals: false,
            session_expires: None,
            refuses_sessions: TooShort::None,
            refresher: "uas",
            refreshes_session: true,
            refreshes_by_update: false,
            talks: true,
            hold_direction: Direction::SendOnly,
            holds_by_address: false,
            expires: 3600,
            q: None,
            path: None,
            keeps_registering: true,
            reuses_nonce: true,
            max_forwards: 70,
            proves_as: None,
            asking: None,
            on_register: OnRegister::Accept,
            sees_exchange_at: None,
            extra: Vec::new(),
        }
    }
}
