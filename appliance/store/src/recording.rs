//! Recordings: one row for each, from the order to record to its file and beyond.

mod storage;

use std::time::Duration;

use pbx::recording as source;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, ids};

pub use storage::{RecordingStored, Step, Wanted};
pub(crate) use storage::{find, waiting};

words! {
    /// How far a recording has come.
    RecordingStatus as "RecordingStatus" {
        Initiating = "initiating", Recording = "recording", Stopping = "stopping", Ended = "ended",
    }
}

words! {
    /// The kinds of files.
    RecordingFormat as "RecordingFormat" { Wav = "wav", Mp3 = "mp3" }
}

words! {
    /// What was recorded.
    RecordingReferenceType as "RecordingReferenceType" { Call = "call", Confbridge = "confbridge" }
}

words! {
    /// Why a recording is over; empty until it is.
    RecordingEndedBy as "RecordingEndedBy" {
        Unset = "", Asked = "request", Hangup = "hangup", Key = "key", Duration = "duration", Silence = "silence",
        Failed = "failure",
    }
}

/// A recording as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Recording)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// What kind of thing owns the recording; empty if nobody does.
    pub owner_type: String,
    /// Who owns the recording.
    pub owner_id: Uuid,
    /// What was recorded.
    pub reference_type: RecordingReferenceType,
    /// Which one.
    pub reference_id: Uuid,
    /// How far it has come.
    pub status: RecordingStatus,
    /// The kind of the file.
    pub format: RecordingFormat,
    /// The run of a flow that asked for it.
    pub activeflow_id: Uuid,
    /// The flow to run once it is over.
    pub on_end_flow_id: Uuid,
    /// Where the file is to be had, for an hour; empty in events, and while there is no file.
    pub url: String,
    /// What the exchange knows beyond VoIPBIN's fields.
    pub metadata: Metadata,
    /// When it began.
    pub tm_start: Option<Timestamp>,
    /// When it ended.
    pub tm_end: Option<Timestamp>,
    /// When it was asked for.
    pub tm_create: Timestamp,
    /// When it changed last.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
    /// Where the file is within the folder of recordings.
    #[serde(skip)]
    pub path: Option<String>,
    /// The bucket's name of the upload, while it lasts.
    #[serde(skip)]
    pub upload_id: Option<String>,
}

/// What the exchange knows of a recording beyond VoIPBIN's fields.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = RecordingMetadata)]
pub struct Metadata {
    /// How long it plays, in milliseconds; `null` while there is no file.
    pub duration_ms: Option<u64>,
    /// The length of the file in octets; `null` while there is none.
    pub octets: Option<u64>,
    /// Why it is over.
    pub ended_by: RecordingEndedBy,
    /// What went wrong, if anything did.
    pub failure: Option<String>,
    /// Where the file is: `box`, `bucket`, `both`; empty while there is none, `gone` when there is none any more.
    pub stored: RecordingStored,
    /// What it is called in the bucket, from when it is on its way there.
    pub object: Option<String>,
    /// Why it is not in the bucket yet, if anything is wrong.
    pub upload_failure: Option<String>,
    /// The SHA-256 of the file in hex, once it is whole in the bucket.
    pub sha256: Option<String>,
    /// Since when it has been whole in the bucket.
    pub tm_upload: Option<Timestamp>,
}

impl Metadata {
    /// Of a recording that has no file yet.
    fn unset() -> Metadata {
        Metadata {
            duration_ms: None,
            octets: None,
            ended_by: RecordingEndedBy::Unset,
            failure: None,
            stored: RecordingStored::Nowhere,
            object: None,
            upload_failure: None,
            sha256: None,
            tm_upload: None,
        }
    }
}

/// A file that was found at the start, completed and converted where that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The recording's id.
    pub id: Uuid,
    /// The file.
    pub file: source::RecordedFile,
}

impl Record {
    /// The public form.
    pub fn new(recording: &source::RecordingRecord, identity: &Identity) -> Record {
        let file = recording.file.as_ref();
        Record {
            id: recording.id,
            reference_type: match recording.of {
                source::Recorded::Call(_) => RecordingReferenceType::Call,
                source::Recorded::Conference(_) => RecordingReferenceType::Confbridge,
            },
            reference_id: recording.of.id(),
            status: recording.status.into(),
            format: recording.format.into(),
            on_end_flow_id: recording.on_end_flow_id.unwrap_or_default(),
            metadata: Metadata {
                duration_ms: file.map(|file| file.duration.as_millis() as u64),
                octets: file.map(|file| file.octets),
                ended_by: recording.end.map_or(RecordingEndedBy::Unset, Into::into),
                failure: recording.failure.clone(),
                stored: file.map_or(RecordingStored::Nowhere, |_| RecordingStored::Box),
                ..Metadata::unset()
            },
            tm_start: recording.started.map(Into::into),
            tm_end: recording.ended.map(Into::into),
            tm_create: recording.created.into(),
            tm_update: recording.updated.into(),
            path: file.map(|file| file.path.clone()),
            ..Record::unset(identity)
        }
    }

    /// A record with nothing in it but the customer.
    fn unset(identity: &Identity) -> Record {
        Record {
            id: Uuid::nil(),
            customer_id: identity.customer_id,
            owner_type: String::new(),
            owner_id: Uuid::nil(),
            reference_type: RecordingReferenceType::Call,
            reference_id: Uuid::nil(),
            status: RecordingStatus::Initiating,
            format: RecordingFormat::Wav,
            activeflow_id: Uuid::nil(),
            on_end_flow_id: Uuid::nil(),
            url: String::new(),
            metadata: Metadata::unset(),
            tm_start: None,
            tm_end: None,
            tm_create: Timestamp(0),
            tm_update: Timestamp(0),
            tm_delete: None,
            path: None,
            upload_id: None,
        }
    }

    fn read(row: &Row<'_>, identity: &Identity) -> rusqlite::Result<Record> {
        Ok(Record {
            id: ids::get(row, 1)?,
            reference_id: ids::get(row, 2)?,
            status: row.get(3)?,
            format: row.get(4)?,
            on_end_flow_id: ids::get_or_nil(row, 5)?,
            metadata: Metadata {
                ended_by: row.get(6)?,
                failure: row.get(7)?,
                octets: row.get::<_, Option<i64>>(9)?.map(|octets| octets as u64),
                duration_ms: row.get::<_, Option<i64>>(10)?.map(|duration| duration as u64),
                stored: row.get(17)?,
                object: row.get(18)?,
                upload_failure: row.get(20)?,
                sha256: row.get(21)?,
                tm_upload: row.get(22)?,
            },
            upload_id: row.get(19)?,
            path: row.get(8)?,
            tm_create: row.get(11)?,
            tm_update: row.get(12)?,
            tm_start: row.get(13)?,
            tm_end: row.get(14)?,
            tm_delete: row.get(15)?,
            reference_type: row.get(16)?,
            ..Record::unset(identity)
        })
    }

    /// What it is called when the recording has come further.
    pub(crate) fn event_name(&self) -> &'static str {
        match self.reference_type {
            RecordingReferenceType::Call => source::Recorded::Call(self.reference_id).event_name(),
            RecordingReferenceType::Confbridge => source::Recorded::Conference(self.reference_id).event_name(),
        }
    }

    /// Writes the row, new or changed.
    pub(crate) fn save(&self, connection: &Connection) -> Result<(), Error> {
        let metadata = &self.metadata;
        connection.prepare_cached(SAVE)?.execute(params![
            self.id.as_bytes(),
            self.reference_id.as_bytes(),
            self.status,
            self.format,
            ids::unless_nil(&self.on_end_flow_id),
            metadata.ended_by,
            metadata.failure,
            self.path,
            metadata.octets.map(|octets| octets as i64),
            metadata.duration_ms.map(|duration| duration as i64),
            self.tm_create,
            self.tm_update,
            self.tm_start,
            self.tm_end,
            self.tm_delete,
            self.reference_type,
            metadata.stored,
            metadata.object,
            self.upload_id,
            metadata.upload_failure,
            metadata.sha256,
            metadata.tm_upload,
        ])?;
        Ok(())
    }

    /// Ends a recording that was not when the process died: with the file that was found, or without any.
    pub(crate) fn interrupt(&mut self, now: Timestamp, found: Option<&source::RecordedFile>) {
        self.status = RecordingStatus::Ended;
        if self.metadata.ended_by == RecordingEndedBy::Unset {
            self.metadata.ended_by = RecordingEndedBy::Failed;
            self.metadata.failure = Some("the exchange ended in the middle of it".to_owned());
        }
        let played = found.map_or(Duration::ZERO, |file| file.duration);
        // What is in the file is what was recorded: the end follows from it.
        let began = self.tm_start.unwrap_or(self.tm_create);
        self.tm_end = self.tm_end.or(Some(Timestamp(began.0.saturating_add(played.as_micros() as i64))));
        self.tm_update = now;
        match found {
            Some(file) => self.refile(now, file),
            None => self.metadata.failure = Some("its file was not found".to_owned()),
        }
    }

    /// Its file is this one from now on.
    pub(crate) fn refile(&mut self, now: Timestamp, file: &source::RecordedFile) {
        self.path = Some(file.path.clone());
        self.format = file.format.into();
        self.metadata.octets = Some(file.octets);
        self.metadata.duration_ms = Some(file.duration.as_millis() as u64);
        // Another file than the one that may be in the bucket already.
        self.metadata.stored = RecordingStored::Box;
        (self.metadata.tm_upload, self.metadata.sha256, self.upload_id) = (None, None, None);
        self.tm_update = now;
    }
}

/// The order of columns that [`Record::read`] and [`Record::save`] count on.
const COLUMNS: &str = "number, id, reference_id, status, format, on_end_flow_id, ended_by, failure, path, octets, \
     duration_ms, created, updated, started, ended, deleted, reference_type, stored, object, upload_id, upload_failure, \
     sha256, uploaded";

const SAVE: &str = "INSERT INTO recording (id, reference_id, status, format, on_end_flow_id, ended_by, failure, path, \
     octets, duration_ms, created, updated, started, ended, deleted, reference_type, stored, object, upload_id, \
     upload_failure, sha256, uploaded) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
     ?17, ?18, ?19, ?20, ?21, ?22) \
     ON CONFLICT (id) DO UPDATE SET status = ?3, format = ?4, ended_by = ?6, failure = ?7, path = ?8, octets = ?9, \
     duration_ms = ?10, updated = ?12, started = ?13, ended = ?14, deleted = ?15, stored = ?17, \
     object = ?18, upload_id = ?19, upload_failure = ?20, sha256 = ?21, uploaded = ?22";

/// The recording with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM recording WHERE id = ?1 AND deleted IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id.as_bytes()], |row| Record::read(row, identity)).optional()?)
}

/// The recording with this id, also where it is deleted.
pub(crate) fn get_even_deleted(
    connection: &Connection,
    identity: &Identity,
    id: Uuid,
) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM recording WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id.as_bytes()], |row| Record::read(row, identity)).optional()?)
}

/// A page of recordings, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM recording WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    page.collect(&mut statement, |row| Record::read(row, identity))
}

/// All recordings that are not ended, oldest first.
pub(crate) fn unfinished(connection: &Connection, identity: &Identity) -> Result<Vec<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM recording WHERE status <> 'ended' ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| Record::read(row, identity))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

impl From<source::RecordingStatus> for RecordingStatus {
    fn from(status: source::RecordingStatus) -> RecordingStatus {
        match status {
            source::RecordingStatus::Initiating => RecordingStatus::Initiating,
            source::RecordingStatus::Recording => RecordingStatus::Recording,
            source::RecordingStatus::Stopping => RecordingStatus::Stopping,
            source::RecordingStatus::Ended => RecordingStatus::Ended,
        }
    }
}

impl From<source::RecordingFormat> for RecordingFormat {
    fn from(format: source::RecordingFormat) -> RecordingFormat {
        match format {
            source::RecordingFormat::Wav => RecordingFormat::Wav,
            source::RecordingFormat::Mp3 => RecordingFormat::Mp3,
        }
    }
}

impl From<RecordingFormat> for source::RecordingFormat {
    fn from(format: RecordingFormat) -> source::RecordingFormat {
        match format {
            RecordingFormat::Wav => source::RecordingFormat::Wav,
            RecordingFormat::Mp3 => source::RecordingFormat::Mp3,
        }
    }
}

impl From<source::RecordingEnd> for RecordingEndedBy {
    fn from(end: source::RecordingEnd) -> RecordingEndedBy {
        match end {
            source::RecordingEnd::Asked => RecordingEndedBy::Asked,
            source::RecordingEnd::Hangup => RecordingEndedBy::Hangup,
            source::RecordingEnd::Key => RecordingEndedBy::Key,
            source::RecordingEnd::Duration => RecordingEndedBy::Duration,
            source::RecordingEnd::Silence => RecordingEndedBy::Silence,
            source::RecordingEnd::Failed => RecordingEndedBy::Failed,
        }
    }
}
