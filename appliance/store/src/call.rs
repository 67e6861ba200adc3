//! Calls: one row for each leg, from its first message to its record.

use pbx::call as source;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::address::{Address, AddressType};
use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, ids};

words! {
    /// How far a call got: `dialing → ringing → progressing → terminating | canceling → hangup`.
    CallStatus as "CallStatus" {
        Dialing = "dialing", Ringing = "ringing", Progressing = "progressing",
        Terminating = "terminating", Canceling = "canceling", Hangup = "hangup",
    }
}

words! {
    /// Seen from the exchange.
    CallDirection as "CallDirection" { Incoming = "incoming", Outgoing = "outgoing" }
}

words! {
    /// Who ended the call; empty until it is ended.
    CallHangupBy as "CallHangupBy" { Unset = "", Local = "local", Remote = "remote" }
}

words! {
    /// Why the call ended; empty until it is ended.
    CallHangupReason as "CallHangupReason" {
        Unset = "", Normal = "normal", Failed = "failed", Busy = "busy", Cancel = "cancel", Timeout = "timeout",
        NoAnswer = "noanswer", Dialout = "dialout", Amd = "amd",
    }
}

words! {
    /// What a call was made by.
    CallType as "CallType" { Flow = "flow", Conference = "conference", SipService = "sip-service" }
}

words! {
    /// Which way the call is muted; empty if it is not.
    CallMuteDirection as "CallMuteDirection" { Unset = "", Both = "both", Out = "out", In = "in" }
}

/// A call as the API shows it and events carry it. An id that is not set is the nil UUID, as VoIPBIN has it, so that a
/// typed client can always parse it; a moment that is not set is `null`; an enumeration that is not set is empty.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// What kind of thing owns the call; empty if nobody does.
    pub owner_type: String,
    /// Who owns the call.
    pub owner_id: Uuid,
    /// The flow the call was started with.
    pub flow_id: Uuid,
    /// The run of that flow.
    pub activeflow_id: Uuid,
    /// What the call was made by.
    #[serde(rename = "type")]
    pub kind: CallType,
    /// The leg that this one was made for; nil for the leg that came in.
    pub master_call_id: Uuid,
    /// The legs made for this one.
    pub chained_call_ids: Vec<Uuid>,
    /// The recording that runs.
    pub recording_id: Uuid,
    /// All recordings of the call.
    pub recording_ids: Vec<Uuid>,
    /// The legs that were rung together share one.
    pub groupcall_id: Uuid,
    /// Who calls.
    pub source: Address,
    /// Who is called.
    pub destination: Address,
    /// How far it got.
    pub status: CallStatus,
    /// The flow action that runs; `null` if none does.
    #[schema(value_type = Option<Object>)]
    pub action: Option<()>,
    /// Seen from the exchange.
    pub direction: CallDirection,
    /// Which way it is muted, seen from the exchange: `in`: nobody hears the phone; `out`: the phone hears nobody.
    pub mute_direction: CallMuteDirection,
    /// Who ended it.
    pub hangup_by: CallHangupBy,
    /// Why it ended.
    pub hangup_reason: CallHangupReason,
    /// What the exchange knows beyond VoIPBIN's fields.
    pub metadata: Metadata,
    /// When it was answered.
    pub tm_progressing: Option<Timestamp>,
    /// When it rang.
    pub tm_ringing: Option<Timestamp>,
    /// When it ended.
    pub tm_hangup: Option<Timestamp>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it changed last.
    pub tm_update: Timestamp,
    /// When its record was deleted.
    pub tm_delete: Option<Timestamp>,
}

/// What speaks at the other end of a leg.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegType {
    /// A phone, or another exchange.
    #[default]
    Sip,
    /// A browser.
    Webrtc,
}

impl LegType {
    /// Whoever comes by WebSocket is a browser.
    fn of(peer: &str) -> LegType {
        let transport = peer.split(' ').next().unwrap_or_default();
        if matches!(transport, "ws" | "wss") { LegType::Webrtc } else { LegType::Sip }
    }
}

/// What the exchange knows of a leg beyond VoIPBIN's fields.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
#[schema(as = CallMetadata)]
pub struct Metadata {
    /// The codec in use, e.g. `PCMU/8000`.
    pub codec: Option<String>,
    /// The suite that the audio is encrypted by, e.g. `AES_CM_128_HMAC_SHA1_80` (RFC 4568); `null` if it is not.
    pub encryption: Option<String>,
    /// How the audio of a browser's leg comes, `udp` or `tcp`; `null` where no ICE has found the way.
    pub ice_transport: Option<String>,
    /// Whether the phone holds the call.
    pub held: bool,
    /// Whether the call was put on hold by API.
    pub on_hold: bool,
    /// Whether its phone hears music by order.
    pub moh: bool,
    /// Whether its phone hears silence by order.
    pub silence: bool,
    /// The phone at the other end, as `transport address`.
    pub peer: String,
    /// The Call-ID header of the leg's dialog.
    pub sip_call_id: String,
    /// The Q.850 cause of its end, where one is known.
    pub hangup_cause: Option<u8>,
    /// What the media engine counted, once the leg is closed.
    pub quality: Option<Quality>,
    /// What is at the other end.
    pub leg_type: LegType,
}

/// Reception and transmission of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(as = CallQuality)]
pub struct Quality {
    /// RTP packets from the phone.
    pub packets_received: u64,
    /// RTP packets to the phone.
    pub packets_sent: u64,
    /// RTP packets from the phone that never came.
    pub packets_lost: u64,
    /// Runs of one or more of them in a row.
    pub gaps: u32,
    /// The part of the phone's packets that never came, in per cent.
    pub loss_percent: f32,
    /// Interarrival jitter in milliseconds (RFC 3550 §6.4.1).
    pub jitter_ms: f32,
    /// The greatest value of that.
    pub jitter_max_ms: f32,
    /// Round trip in milliseconds, if RTCP told.
    pub round_trip_ms: Option<f32>,
    /// How good a listener would call what the phone says, 1.0 to 4.5 (E-model, ITU-T G.107); `null` if it said nothing.
    pub opinion: Option<f32>,
    /// The part of our packets that the phone lately reported as lost, in per cent, if RTCP told.
    pub remote_loss_percent: Option<f32>,
}

/// Which calls a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All that are not deleted.
    All,
    /// Those that are not over yet.
    Live,
}

impl Record {
    /// The public form of a leg's record.
    pub fn new(call: &source::CallRecord, identity: &Identity) -> Record {
        Record {
            id: call.id,
            master_call_id: call.master_call_id.unwrap_or_default(),
            chained_call_ids: call.chained_call_ids.clone(),
            recording_id: call.recording_id.unwrap_or_default(),
            recording_ids: call.recording_ids.clone(),
            flow_id: call.flow_id.unwrap_or_default(),
            activeflow_id: call.activeflow_id.unwrap_or_default(),
            groupcall_id: call.groupcall_id.unwrap_or_default(),
            source: (&call.source).into(),
            destination: (&call.destination).into(),
            kind: CallType::of(call.destination.kind),
            mute_direction: call.controls.into(),
            status: call.status.into(),
            direction: call.direction.into(),
            hangup_by: call.hangup_by.map_or(CallHangupBy::Unset, Into::into),
            hangup_reason: call.hangup_reason.map_or(CallHangupReason::Unset, Into::into),
            metadata: Metadata {
                leg_type: LegType::of(&call.peer),
                codec: call.codec.clone(),
                encryption: call.encryption.map(str::to_owned),
                ice_transport: call.ice_transport.map(str::to_owned),
                held: call.held,
                on_hold: call.controls.on_hold,
                moh: call.controls.music,
                silence: call.controls.silence,
                peer: call.peer.clone(),
                sip_call_id: call.sip_call_id.clone(),
                hangup_cause: call.hangup_cause,
                quality: call.quality.map(Into::into),
            },
            tm_progressing: call.progressing.map(Into::into),
            tm_ringing: call.ringing.map(Into::into),
            tm_hangup: call.hungup.map(Into::into),
            tm_create: call.created.into(),
            tm_update: call.updated.into(),
            ..Record::unset(identity)
        }
    }

    /// A record with nothing in it but the customer.
    fn unset(identity: &Identity) -> Record {
        let nobody = Address::from(&source::Address::default());
        Record {
            id: Uuid::nil(),
            customer_id: identity.customer_id,
            owner_type: String::new(),
            owner_id: Uuid::nil(),
            flow_id: Uuid::nil(),
            activeflow_id: Uuid::nil(),
            kind: CallType::Flow,
            master_call_id: Uuid::nil(),
            chained_call_ids: Vec::new(),
            recording_id: Uuid::nil(),
            recording_ids: Vec::new(),
            groupcall_id: Uuid::nil(),
            source: nobody.clone(),
            destination: nobody,
            status: CallStatus::Dialing,
            action: None,
            direction: CallDirection::Incoming,
            mute_direction: CallMuteDirection::Unset,
            hangup_by: CallHangupBy::Unset,
            hangup_reason: CallHangupReason::Unset,
            metadata: Metadata::default(),
            tm_progressing: None,
            tm_ringing: None,
            tm_hangup: None,
            tm_create: Timestamp(0),
            tm_update: Timestamp(0),
            tm_delete: None,
        }
    }

    fn read(row: &Row<'_>, identity: &Identity) -> rusqlite::Result<Record> {
        let address = |at: usize| -> rusqlite::Result<Address> {
            Ok(Address {
                kind: row.get(at)?,
                target: row.get(at + 1)?,
                target_name: row.get(at + 2)?,
                name: String::new(),
                detail: String::new(),
            })
        };
        let destination = address(8)?;
        Ok(Record {
            id: ids::get(row, 1)?,
            master_call_id: ids::get_or_nil(row, 2)?,
            chained_call_ids: ids::get_list(row, 3)?,
            groupcall_id: ids::get_or_nil(row, 4)?,
            source: address(5)?,
            direction: row.get(11)?,
            status: row.get(12)?,
            hangup_by: row.get(13)?,
            hangup_reason: row.get(14)?,
            metadata: Metadata {
                leg_type: LegType::of(row.get_ref(17)?.as_str().unwrap_or_default()),
                hangup_cause: row.get(15)?,
                codec: row.get(16)?,
                peer: row.get(17)?,
                sip_call_id: row.get(18)?,
                held: row.get(19)?,
                quality: Quality::read(row, 26)?,
                on_hold: row.get(32)?,
                moh: row.get(33)?,
                silence: row.get(34)?,
                encryption: row.get(37)?,
                ice_transport: row.get(45)?,
            },
            kind: if destination.kind == AddressType::Conference { CallType::Conference } else { CallType::Flow },
            destination,
            mute_direction: row.get(31)?,
            tm_create: row.get(20)?,
            tm_update: row.get(21)?,
            tm_ringing: row.get(22)?,
            tm_progressing: row.get(23)?,
            tm_hangup: row.get(24)?,
            tm_delete: row.get(25)?,
            recording_id: ids::get_or_nil(row, 35)?,
            recording_ids: ids::get_list(row, 36)?,
            flow_id: ids::get_or_nil(row, 43)?,
            activeflow_id: ids::get_or_nil(row, 44)?,
            ..Record::unset(identity)
        })
    }

    /// Writes the row, new or changed.
    pub(crate) fn save(&self, connection: &Connection) -> Result<(), Error> {
        let metadata = &self.metadata;
        let quality = metadata.quality.as_ref();
        connection.prepare_cached(SAVE)?.execute(params![
            self.id.as_bytes(),
            ids::unless_nil(&self.master_call_id),
            ids::list(&self.chained_call_ids),
            ids::unless_nil(&self.groupcall_id),
            self.source.kind,
            self.source.target,
            self.source.target_name,
            self.destination.kind,
            self.destination.target,
            self.destination.target_name,
            self.direction,
            self.status,
            self.hangup_by,
            self.hangup_reason,
            metadata.hangup_cause,
            metadata.codec,
            metadata.peer,
            metadata.sip_call_id,
            metadata.held,
            self.tm_create,
            self.tm_update,
            self.tm_ringing,
            self.tm_progressing,
            self.tm_hangup,
            self.tm_delete,
            quality.map(|quality| quality.packets_received as i64),
            quality.map(|quality| quality.packets_sent as i64),
            quality.map(|quality| quality.packets_lost as i64),
            quality.map(|quality| quality.jitter_ms),
            quality.and_then(|quality| quality.round_trip_ms),
            self.mute_direction,
            metadata.on_hold,
            metadata.moh,
            metadata.silence,
            ids::unless_nil(&self.recording_id),
            ids::list(&self.recording_ids),
            metadata.encryption,
            quality.map(|quality| quality.gaps),
            quality.map(|quality| quality.loss_percent),
            quality.map(|quality| quality.jitter_max_ms),
            quality.and_then(|quality| quality.opinion),
            quality.and_then(|quality| quality.remote_loss_percent),
            ids::unless_nil(&self.flow_id),
            ids::unless_nil(&self.activeflow_id),
            metadata.ice_transport,
        ])?;
        Ok(())
    }
}

impl Quality {
    fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Quality>> {
        let Some(packets_received) = row.get::<_, Option<i64>>(at)? else { return Ok(None) };
        Ok(Some(Quality {
            packets_received: packets_received as u64,
            packets_sent: row.get::<_, i64>(at + 1)? as u64,
            packets_lost: row.get::<_, i64>(at + 2)? as u64,
            jitter_ms: row.get(at + 3)?,
            round_trip_ms: row.get(at + 4)?,
            // Rows of older programs have none of these.
            gaps: row.get::<_, Option<u32>>(38)?.unwrap_or_default(),
            loss_percent: row.get::<_, Option<f32>>(39)?.unwrap_or_default(),
            jitter_max_ms: row.get::<_, Option<f32>>(40)?.unwrap_or_default(),
            opinion: row.get(41)?,
            remote_loss_percent: row.get(42)?,
        }))
    }
}

/// The order of columns that [`Record::read`] and [`Record::save`] count on.
const COLUMNS: &str = "number, id, master_call_id, chained_call_ids, groupcall_id, source_type, source, source_name, \
     destination_type, destination, destination_name, direction, status, hangup_by, hangup_reason, hangup_cause, \
     codec, peer, sip_call_id, held, created, updated, ringing, progressing, hungup, deleted, packets_received, \
     packets_sent, packets_lost, jitter_ms, round_trip_ms, mute_direction, on_hold, music, silence, recording_id, recording_ids, \
     encryption, gaps, loss_percent, jitter_max_ms, opinion, remote_loss_percent, flow_id, activeflow_id, \
     ice_transport";

/// What cannot change after the first insert (id, addresses, direction, creation) is not written again.
const SAVE: &str = "INSERT INTO call (id, master_call_id, chained_call_ids, groupcall_id, source_type, source, \
     source_name, destination_type, destination, destination_name, direction, status, hangup_by, hangup_reason, \
     hangup_cause, codec, peer, sip_call_id, held, created, updated, ringing, progressing, hungup, deleted, \
     packets_received, packets_sent, packets_lost, jitter_ms, round_trip_ms, mute_direction, on_hold, music, silence, \
     recording_id, recording_ids, encryption, gaps, loss_percent, jitter_max_ms, opinion, remote_loss_percent, \
     flow_id, activeflow_id, ice_transport) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, \
     ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, ?43, ?44, ?45) \
     ON CONFLICT (id) DO UPDATE SET master_call_id = ?2, chained_call_ids = ?3, groupcall_id = ?4, status = ?12, \
     hangup_by = ?13, hangup_reason = ?14, hangup_cause = ?15, codec = ?16, peer = ?17, sip_call_id = ?18, held = ?19, \
     updated = ?21, ringing = ?22, progressing = ?23, hungup = ?24, deleted = ?25, packets_received = ?26, \
     packets_sent = ?27, packets_lost = ?28, jitter_ms = ?29, round_trip_ms = ?30, \
     mute_direction = ?31, on_hold = ?32, music = ?33, silence = ?34, recording_id = ?35, recording_ids = ?36, encryption = ?37, \
     gaps = ?38, loss_percent = ?39, jitter_max_ms = ?40, opinion = ?41, remote_loss_percent = ?42, \
     flow_id = ?43, activeflow_id = ?44, ice_transport = ?45";

/// The call with this id, unless its record is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM call WHERE id = ?1 AND deleted IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id.as_bytes()], |row| Record::read(row, identity)).optional()?)
}

/// A page of calls, the newest first.
pub(crate) fn list(
    connection: &Connection,
    identity: &Identity,
    shown: Shown,
    page: PageRequest,
) -> Result<Page<Record>, Error> {
    let live = match shown {
        Shown::All => "",
        Shown::Live => "AND status <> 'hangup'",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM call WHERE number < ?1 AND deleted IS NULL {live} ORDER BY number DESC LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    page.collect(&mut statement, |row| Record::read(row, identity))
}

/// All calls that are not over, oldest first: after a start, those that were up when the process died.
pub(crate) fn interrupted(connection: &Connection, identity: &Identity) -> Result<Vec<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM call WHERE status <> 'hangup' ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| Record::read(row, identity))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest records of calls that are over, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM call WHERE number IN (SELECT number FROM call \
         WHERE number <= (SELECT max(number) FROM call) - ?1 AND status = 'hangup' ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}

impl CallType {
    fn of(destination: source::AddressKind) -> CallType {
        match destination {
            source::AddressKind::Conference => CallType::Conference,
            source::AddressKind::Extension | source::AddressKind::Sip | source::AddressKind::Tel => CallType::Flow,
            source::AddressKind::Agent => CallType::Flow,
        }
    }
}

impl From<source::Controls> for CallMuteDirection {
    fn from(controls: source::Controls) -> CallMuteDirection {
        match (controls.mute_in, controls.mute_out) {
            (true, true) => CallMuteDirection::Both,
            (true, false) => CallMuteDirection::In,
            (false, true) => CallMuteDirection::Out,
            (false, false) => CallMuteDirection::Unset,
        }
    }
}

impl From<source::Status> for CallStatus {
    fn from(status: source::Status) -> CallStatus {
        match status {
            source::Status::Dialing => CallStatus::Dialing,
            source::Status::Ringing => CallStatus::Ringing,
            source::Status::Progressing => CallStatus::Progressing,
            source::Status::Terminating => CallStatus::Terminating,
            source::Status::Canceling => CallStatus::Canceling,
            source::Status::Hangup => CallStatus::Hangup,
        }
    }
}

impl From<source::Direction> for CallDirection {
    fn from(direction: source::Direction) -> CallDirection {
        match direction {
            source::Direction::Incoming => CallDirection::Incoming,
            source::Direction::Outgoing => CallDirection::Outgoing,
        }
    }
}

impl From<source::HangupBy> for CallHangupBy {
    fn from(by: source::HangupBy) -> CallHangupBy {
        match by {
            source::HangupBy::Local => CallHangupBy::Local,
            source::HangupBy::Remote => CallHangupBy::Remote,
        }
    }
}

impl From<source::HangupReason> for CallHangupReason {
    fn from(reason: source::HangupReason) -> CallHangupReason {
        match reason {
            source::HangupReason::Normal => CallHangupReason::Normal,
            source::HangupReason::Failed => CallHangupReason::Failed,
            source::HangupReason::Busy => CallHangupReason::Busy,
            source::HangupReason::Cancel => CallHangupReason::Cancel,
            source::HangupReason::Timeout => CallHangupReason::Timeout,
            source::HangupReason::NoAnswer => CallHangupReason::NoAnswer,
            source::HangupReason::Dialout => CallHangupReason::Dialout,
            source::HangupReason::Amd => CallHangupReason::Amd,
        }
    }
}

impl From<source::record::Quality> for Quality {
    fn from(quality: source::record::Quality) -> Quality {
        Quality {
            packets_received: quality.packets_received,
            packets_sent: quality.packets_sent,
            packets_lost: quality.packets_lost,
            gaps: quality.gaps,
            loss_percent: quality.loss_percent,
            jitter_ms: quality.jitter_ms,
            jitter_max_ms: quality.jitter_max_ms,
            round_trip_ms: quality.round_trip_ms,
            opinion: quality.opinion,
            remote_loss_percent: quality.remote_loss_percent,
        }
    }
}
