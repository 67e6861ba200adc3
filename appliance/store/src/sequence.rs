//! Ladders of calls that are over, as compressed JSON of their public form.

use pbx::sequence as source;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, limits};

words! {
    /// What a column of the ladder stands for.
    ParticipantRole as "ParticipantRole" {
        Phone = "phone", Sip = "sip", Registrar = "registrar", Call = "call", Media = "media",
    }
}

words! {
    /// How a step is drawn.
    StepKind as "StepKind" { Sip = "sip", Internal = "internal", Media = "media", Event = "event" }
}

/// What happened in one call, with those it happened between, as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Sequence)]
pub struct Record {
    /// The leg that came in; the ladder is that of the whole call.
    pub call_id: Uuid,
    /// Columns, left to right.
    pub participants: Vec<Participant>,
    /// Arrows, in the order of time.
    pub steps: Vec<Step>,
    /// Steps beyond the limit: counted, not kept.
    pub omitted: u32,
}

/// A column of the ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SequenceParticipant)]
pub struct Participant {
    /// What it is.
    pub role: ParticipantRole,
    /// A phone's leg: the id of its call record; nil for the exchange's own parts.
    pub call_id: Uuid,
    /// What stands on top of it.
    pub name: String,
    /// A second line: the phone's address, or nothing.
    pub detail: String,
}

/// An arrow of the ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SequenceStep)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Microseconds since the first step.
    pub offset_us: i64,
    /// From which column, counted from 0.
    pub from: u8,
    /// To which column; the same as `from` for something a part does by itself.
    pub to: u8,
    /// How it is drawn.
    pub kind: StepKind,
    /// What stands on the arrow.
    pub label: String,
    /// What a click shows: the whole message with credentials masked, or a sentence.
    pub detail: String,
}

impl From<&source::Sequence> for Record {
    fn from(sequence: &source::Sequence) -> Record {
        let start = sequence.steps.first().map_or(0, |step| step.at.0);
        Record {
            call_id: sequence.call_id,
            participants: sequence.participants.iter().map(Into::into).collect(),
            steps: sequence.steps.iter().map(|step| Step::new(step, start)).collect(),
            omitted: sequence.omitted,
        }
    }
}

impl From<&source::Participant> for Participant {
    fn from(participant: &source::Participant) -> Participant {
        let (role, call_id) = match participant.role {
            source::Role::Phone(leg) => (ParticipantRole::Phone, leg),
            source::Role::Sip => (ParticipantRole::Sip, Uuid::nil()),
            source::Role::Registrar => (ParticipantRole::Registrar, Uuid::nil()),
            source::Role::Call => (ParticipantRole::Call, Uuid::nil()),
            source::Role::Media => (ParticipantRole::Media, Uuid::nil()),
        };
        Participant { role, call_id, name: participant.name.clone(), detail: participant.detail.clone() }
    }
}

impl Step {
    fn new(step: &source::Step, start: i64) -> Step {
        Step {
            at: step.at.into(),
            offset_us: step.at.0 - start,
            from: step.from,
            to: step.to,
            kind: match step.kind {
                source::StepKind::Sip => StepKind::Sip,
                source::StepKind::Internal => StepKind::Internal,
                source::StepKind::Media => StepKind::Media,
                source::StepKind::Event => StepKind::Event,
            },
            label: step.label.clone(),
            detail: step.detail.clone(),
        }
    }
}

pub(crate) fn save(connection: &Connection, sequence: &source::Sequence) -> Result<(), Error> {
    let json = serde_json::to_vec(&Record::from(sequence))?;
    let sql = "INSERT INTO sequence (call_id, data) VALUES (?1, ?2) ON CONFLICT (call_id) DO UPDATE SET data = ?2";
    let packed = lz4_flex::compress_prepend_size(&json);
    connection.prepare_cached(sql)?.execute(params![sequence.call_id.as_bytes(), packed])?;
    Ok(())
}

/// The ladder of the call with this id.
pub(crate) fn get(connection: &Connection, call_id: Uuid) -> Result<Option<Record>, Error> {
    let mut statement = connection.prepare_cached("SELECT data FROM sequence WHERE call_id = ?1")?;
    let packed: Option<Vec<u8>> = statement.query_row([call_id.as_bytes()], |row| row.get(0)).optional()?;
    let Some(packed) = packed else { return Ok(None) };
    let (size, _) = lz4_flex::block::uncompressed_size(&packed).map_err(|_| Error::Value("ladder"))?;
    if size > limits::SEQUENCE_BYTES {
        return Err(Error::Value("ladder"));
    }
    let json = lz4_flex::decompress_size_prepended(&packed).map_err(|_| Error::Value("ladder"))?;
    Ok(Some(serde_json::from_slice(&json)?))
}

/// Deletes all but the last `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM sequence WHERE number <= (SELECT max(number) FROM sequence) - ?1";
    Ok(connection.prepare_cached(sql)?.execute([keep])?)
}
