//! The public record of one leg, which VoIPBIN's API names a *call*.

use uuid::Uuid;

use crate::UnixMicros;
use crate::billing::Charge;

/// A leg's record: what the API shows, what events carry, what is kept for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRecord {
    /// Its id, for ever.
    pub id: Uuid,
    /// The leg that this one was made for; `None` for the leg that came in.
    pub master_call_id: Option<Uuid>,
    /// The activeflow that had it made, if one had.
    pub made_by: Option<Uuid>,
    /// The legs made for this one.
    pub chained_call_ids: Vec<Uuid>,
    /// The flow that it goes through.
    pub flow_id: Option<Uuid>,
    /// That flow as it runs or ran.
    pub activeflow_id: Option<Uuid>,
    /// The legs rung together (several contacts, RFC 3261 §16.6) share one.
    pub groupcall_id: Option<Uuid>,
    /// Who calls.
    pub source: Address,
    /// Who is called.
    pub destination: Address,
    /// Towards us or from us.
    pub direction: Direction,
    /// How far it got.
    pub status: Status,
    /// Who ended it, once it is ended.
    pub hangup_by: Option<HangupBy>,
    /// Why it ended, once it is ended.
    pub hangup_reason: Option<HangupReason>,
    /// The Q.850 cause, where one is known.
    pub hangup_cause: Option<u8>,
    /// The codec in use, e.g. `PCMU/8000`.
    pub codec: Option<String>,
    /// The suite that its audio is encrypted by, e.g. `AES_CM_128_HMAC_SHA1_80` (RFC 4568); `None` if it is not.
    pub encryption: Option<&'static str>,
    /// How its audio comes where ICE has found the way: `udp` or `tcp`.
    pub ice_transport: Option<&'static str>,
    /// The leg's peer, as `transport address`.
    pub peer: String,
    /// The SIP Call-ID of the leg's dialog.
    pub sip_call_id: String,
    /// Whether the peer holds the call.
    pub held: bool,
    /// What was ordered of its audio.
    pub controls: Controls,
    /// The recording that runs.
    pub recording_id: Option<Uuid>,
    /// All its recordings, the oldest first.
    pub recording_ids: Vec<Uuid>,
    /// When it was made.
    pub created: UnixMicros,
    /// When it changed last.
    pub updated: UnixMicros,
    /// When it rang.
    pub ringing: Option<UnixMicros>,
    /// When it was answered.
    pub progressing: Option<UnixMicros>,
    /// When it ended.
    pub hungup: Option<UnixMicros>,
    /// What is charged for it: from the moment it is let in, once it is over with how long it was. `None`: it is free.
    pub charge: Option<Charge>,
    /// What the media engine counted, once the leg is closed.
    pub quality: Option<Quality>,
}

/// What was ordered of a leg's audio, by API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Controls {
    /// It is on hold: its phone was told so and hears music, and nobody hears it.
    pub on_hold: bool,
    /// It hears music.
    pub music: bool,
    /// It hears nothing.
    pub silence: bool,
    /// Nobody hears what its phone says: VoIPBIN's direction `in`, seen from the exchange.
    pub mute_in: bool,
    /// Its phone hears nobody: VoIPBIN's direction `out`.
    pub mute_out: bool,
}

/// Reception and transmission of a leg, from the media engine's statistics.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quality {
    /// RTP packets from the peer.
    pub packets_received: u64,
    /// RTP packets to the peer.
    pub packets_sent: u64,
    /// RTP packets from the peer that never came.
    pub packets_lost: u64,
    /// Runs of one or more of them in a row.
    pub gaps: u32,
    /// The part of the peer's packets that never came, in per cent.
    pub loss_percent: f32,
    /// Interarrival jitter in milliseconds (RFC 3550 §6.4.1).
    pub jitter_ms: f32,
    /// The greatest value of that.
    pub jitter_max_ms: f32,
    /// Round trip in milliseconds, if RTCP told.
    pub round_trip_ms: Option<f32>,
    /// How good a listener would call what the peer says, 1.0 to 4.5 (E-model, ITU-T G.107); `None` if it said nothing.
    pub opinion: Option<f32>,
    /// The part of our packets that the peer lately reported as lost, in per cent, if RTCP told.
    pub remote_loss_percent: Option<f32>,
}

/// VoIPBIN's address: `{type, target, target_name, name, detail}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// What `target` is.
    pub kind: AddressKind,
    /// The number, URI or id.
    pub target: String,
    /// The shown name.
    pub target_name: String,
}

/// The types of an [`Address`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AddressKind {
    /// An extension of this exchange.
    #[default]
    Extension,
    /// A SIP URI.
    Sip,
    /// A telephone number.
    Tel,
    /// A conference, by its id.
    Conference,
    /// Somebody who is reached at several addresses, by id or user name.
    Agent,
}

/// Seen from the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The peer calls us.
    Incoming,
    /// We call the peer.
    Outgoing,
}

/// `dialing → ringing → progressing → terminating | canceling → hangup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Status {
    Dialing,
    Ringing,
    Progressing,
    Terminating,
    Canceling,
    Hangup,
}

/// `local` if we were ending it, else `remote`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum HangupBy {
    Local,
    Remote,
}

/// VoIPBIN's reasons; `spec/calls.md` maps causes to them and them to SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum HangupReason {
    Normal,
    Failed,
    Busy,
    Cancel,
    Timeout,
    NoAnswer,
    Dialout,
    Amd,
}

impl Status {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            Status::Dialing => "dialing",
            Status::Ringing => "ringing",
            Status::Progressing => "progressing",
            Status::Terminating => "terminating",
            Status::Canceling => "canceling",
            Status::Hangup => "hangup",
        }
    }
}

impl HangupReason {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            HangupReason::Normal => "normal",
            HangupReason::Failed => "failed",
            HangupReason::Busy => "busy",
            HangupReason::Cancel => "cancel",
            HangupReason::Timeout => "timeout",
            HangupReason::NoAnswer => "noanswer",
            HangupReason::Dialout => "dialout",
            HangupReason::Amd => "amd",
        }
    }
}

impl HangupBy {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            HangupBy::Local => "local",
            HangupBy::Remote => "remote",
        }
    }
}

impl Direction {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Incoming => "incoming",
            Direction::Outgoing => "outgoing",
        }
    }
}

impl AddressKind {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            AddressKind::Extension => "extension",
            AddressKind::Sip => "sip",
            AddressKind::Tel => "tel",
            AddressKind::Conference => "conference",
            AddressKind::Agent => "agent",
        }
    }

    /// The type of the API's word.
    pub fn from_name(name: &str) -> Option<AddressKind> {
        use AddressKind::{Agent, Conference, Extension, Sip, Tel};
        [Extension, Sip, Tel, Conference, Agent].into_iter().find(|kind| kind.name() == name)
    }
}
