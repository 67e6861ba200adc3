//! One leg: a peer, its dialog, its audio and its record.

use media::PlaybackId;
use sip::Flow;
use sip::dialog::DialogId;
use sip::endpoint::{ClientId, ServerId};
use uuid::Uuid;

use super::LegKey;
use super::audio::Audio;
use super::billing::Meter;
use super::callee::{Callee, Peer};
use super::cause::Cause;
use super::controls::Waiting;
use super::outbound::Way;
use super::proof::Proof;
use super::record::{Address, CallRecord, Controls, Direction, HangupBy, HangupReason, Status};
use super::session_timer::SessionTimer;
use crate::UnixMicros;
use crate::timers::TimerId;

/// A leg of a call.
#[derive(Debug)]
pub struct Leg {
    /// Its name within the exchange.
    pub key: LegKey,
    /// What the world sees of it.
    pub record: CallRecord,
    /// Who is at the other end.
    pub peer: Peer,
    /// The path to the peer.
    pub flow: Flow,
    /// How far its signalling has come.
    pub stage: Stage,
    /// How we ring it, until it answers; a leg that came in has none.
    pub callee: Option<Box<Callee>>,
    /// The ways that it may still be rung in, where it is beyond the box.
    pub way: Option<Box<Way>>,
    /// The dialog, from the first provisional answer with a tag on.
    pub dialog: Option<DialogId>,
    /// Its audio.
    pub audio: Audio,
    /// Its recording, while it runs.
    pub recording: Option<media::RecordingId>,
    /// RFC 4028.
    pub session: SessionTimer,
    /// What is paid for it, if it is not free.
    pub meter: Option<Box<Meter>>,
    /// What the provider asked for within the call.
    pub proof: Proof,
    /// Whether our 200 was acknowledged; of a leg that we called, whether there was one.
    pub acknowledged: bool,
    /// A second attempt at something of ours that collided, or the wait for the last statistics.
    pub timer: Option<TimerId>,
    /// The phone has told a key by INFO.
    pub informs: bool,
    /// Its place in a conference: the conference, the conferencecall.
    pub seat: Option<(Uuid, Uuid)>,
    /// The program that listens to it and speaks into its call.
    pub program: Option<media::StreamId>,
    /// What the phone hears instead of anybody.
    pub playing: Option<(PlaybackId, Waiting)>,
}

/// How far the signalling of a leg has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// We are to ring it, as soon as there is a port.
    Waiting,
    /// The peer's INVITE waits for our final answer.
    Incoming {
        /// To be answered.
        server: ServerId,
    },
    /// It is to be rung, and nobody knows where yet.
    Locating,
    /// Our INVITE waits for the peer's final answer.
    Outgoing {
        /// To be cancelled.
        client: ClientId,
    },
    /// Answered.
    Up,
    /// Nothing of it is wanted any more; only the media engine owes its statistics.
    Closing,
    /// Over: the last event was stated.
    Over,
}

/// Who and why, when a leg ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Who ended it.
    pub by: HangupBy,
    /// In VoIPBIN's word.
    pub reason: HangupReason,
    /// In Q.850's.
    pub cause: Cause,
}

impl Ending {
    /// We end it.
    pub fn local(reason: HangupReason, cause: Cause) -> Ending {
        Ending { by: HangupBy::Local, reason, cause }
    }

    /// The peer ends it.
    pub fn remote(reason: HangupReason, cause: Cause) -> Ending {
        Ending { by: HangupBy::Remote, reason, cause }
    }
}

impl Leg {
    /// A leg of which nothing is known but whose it is and how far it is.
    pub fn new(key: LegKey, record: CallRecord, (peer, flow): (Peer, Flow), stage: Stage) -> Leg {
        Leg {
            key,
            record,
            peer,
            flow,
            stage,
            callee: None,
            way: None,
            dialog: None,
            audio: Audio::default(),
            recording: None,
            session: SessionTimer::default(),
            meter: None,
            proof: Proof::default(),
            acknowledged: true,
            timer: None,
            informs: false,
            seat: None,
            program: None,
            playing: None,
        }
    }

    /// Whether it rings, talks, or is about to.
    pub fn is_live(&self) -> bool {
        !matches!(self.stage, Stage::Closing | Stage::Over)
    }

    /// Writes down what was agreed on for its audio.
    pub fn note_agreed(&mut self) {
        self.record.codec = self.audio.codec_name();
        self.record.encryption = self.audio.suite_name();
    }

    /// What it speaks, and how that is encrypted, in words.
    pub fn spoken(&self) -> String {
        let codec = self.record.codec.clone().unwrap_or_default();
        self.record.encryption.map_or(codec.clone(), |suite| format!("{codec}, {suite}"))
    }

    /// Whether it was answered.
    pub fn is_up(&self) -> bool {
        self.stage == Stage::Up
    }
}

/// The record of a leg at its beginning.
pub fn new_record(id: Uuid, direction: Direction, parties: (Address, Address), at: UnixMicros) -> CallRecord {
    let (source, destination) = parties;
    CallRecord {
        id,
        master_call_id: None,
        made_by: None,
        chained_call_ids: Vec::new(),
        flow_id: None,
        activeflow_id: None,
        groupcall_id: None,
        source,
        destination,
        direction,
        status: Status::Dialing,
        hangup_by: None,
        hangup_reason: None,
        hangup_cause: None,
        codec: None,
        encryption: None,
        ice_transport: None,
        peer: String::new(),
        sip_call_id: String::new(),
        held: false,
        controls: Controls::default(),
        recording_id: None,
        recording_ids: Vec::new(),
        created: at,
        updated: at,
        ringing: None,
        progressing: None,
        hungup: None,
        charge: None,
        quality: None,
    }
}
