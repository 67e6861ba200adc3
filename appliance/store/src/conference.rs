//! Conferences.

use std::num::NonZeroU16;
use std::time::Duration;

use pbx::UnixMicros;
use pbx::conference::{Conference, ConferenceData, ConferenceStatus as SourceStatus};
use pbx::directory::Direct;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, direct_hash, ids};

words! {
    /// How far a conference got: `starting → progressing → terminating → terminated`.
    ConferenceStatus as "ConferenceStatus" {
        Starting = "starting", Progressing = "progressing", Terminating = "terminating", Terminated = "terminated",
    }
}

words! {
    /// What a conference is for.
    ConferenceType as "ConferenceType" { Conference = "conference", Connect = "connect", Queue = "queue" }
}

/// How a conference is dialled and what it sounds like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConferenceData)]
pub struct Data {
    /// A short number that phones may dial instead of `conference-<id>`: 1 to 32 of `0-9 a-z A-Z - _ . + * #`, no
    /// extension's and no other conference's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// How many are heard together, the loudest first; 0 is all.
    #[serde(default = "default_loudest")]
    pub loudest: u16,
    /// Whether a tone tells that somebody came or left.
    #[serde(default = "default_tones")]
    pub tones: bool,
}

fn default_loudest() -> u16 {
    Data::from(&ConferenceData::default()).loudest
}

fn default_tones() -> bool {
    ConferenceData::default().tones
}

/// A conference as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Conference)]
pub struct Record {
    /// Its id, for ever. Phones dial `conference-<id>`.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: ConferenceType,
    /// How far it got.
    pub status: ConferenceStatus,
    /// The name shown to those who are in it.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// How it is dialled and what it sounds like.
    pub data: Data,
    /// So many seconds after it was made it ends by itself; 0: never.
    pub timeout: u32,
    /// The flow that a call goes through before it joins; nil: none.
    pub pre_flow_id: Uuid,
    /// The flow that a call goes through after it was sent out, or the conference ended; nil: none.
    pub post_flow_id: Uuid,
    /// Who is in it.
    pub conferencecall_ids: Vec<Uuid>,
    /// The recording that runs; nil: none.
    pub recording_id: Uuid,
    /// Its recordings; of very many, the latest.
    pub recording_ids: Vec<Uuid>,
    /// The transcription that runs.
    pub transcribe_id: Uuid,
    /// All its transcriptions.
    pub transcribe_ids: Vec<Uuid>,
    /// What whoever has no password calls, as `sip:direct.<hash>@…`; not there until one is made, and never in events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_hash: Option<String>,
    /// When it ended.
    pub tm_end: Option<Timestamp>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted: when it ended.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form.
    pub fn new(conference: &Conference, identity: &Identity) -> Record {
        let ended = conference.ended.map(Timestamp::from);
        Record {
            id: conference.id,
            customer_id: identity.customer_id,
            kind: ConferenceType::Conference,
            status: conference.status.into(),
            name: conference.name.clone(),
            detail: conference.detail.clone(),
            data: (&conference.data).into(),
            timeout: u32::try_from(conference.timeout.as_secs()).unwrap_or(u32::MAX),
            pre_flow_id: conference.pre_flow_id.unwrap_or_default(),
            post_flow_id: conference.post_flow_id.unwrap_or_default(),
            conferencecall_ids: conference.conferencecall_ids.clone(),
            recording_id: conference.recording_id.unwrap_or_default(),
            recording_ids: conference.recording_ids.clone(),
            transcribe_id: Uuid::nil(),
            transcribe_ids: Vec::new(),
            direct_hash: None,
            tm_end: ended,
            tm_create: conference.created.into(),
            tm_update: conference.updated.into(),
            tm_delete: ended,
        }
    }
}

impl From<&ConferenceData> for Data {
    fn from(data: &ConferenceData) -> Data {
        let loudest = data.loudest.map_or(0, NonZeroU16::get);
        Data { extension: data.extension.clone(), loudest, tones: data.tones }
    }
}

impl From<Data> for ConferenceData {
    fn from(data: Data) -> ConferenceData {
        ConferenceData { extension: data.extension, loudest: NonZeroU16::new(data.loudest), tones: data.tones }
    }
}

const COLUMNS: &str = "number, id, name, detail, extension, loudest, tones, timeout, status, conferencecall_ids, \
     created, updated, ended, pre_flow_id, post_flow_id, recording_id, recording_ids";

fn read(row: &Row<'_>) -> rusqlite::Result<Conference> {
    let data = ConferenceData { extension: row.get(4)?, loudest: NonZeroU16::new(row.get(5)?), tones: row.get(6)? };
    Ok(Conference {
        id: ids::get(row, 1)?,
        name: row.get(2)?,
        detail: row.get(3)?,
        data,
        timeout: Duration::from_secs(row.get::<_, u32>(7)?.into()),
        status: row.get::<_, ConferenceStatus>(8)?.into(),
        conferencecall_ids: ids::get_list(row, 9)?,
        created: UnixMicros(row.get(10)?),
        updated: UnixMicros(row.get(11)?),
        ended: row.get::<_, Option<i64>>(12)?.map(UnixMicros),
        pre_flow_id: ids::get_optional(row, 13)?,
        post_flow_id: ids::get_optional(row, 14)?,
        recording_id: ids::get_optional(row, 15)?,
        recording_ids: ids::get_list(row, 16)?,
    })
}

pub(crate) fn save(connection: &Connection, conference: &Conference) -> Result<(), Error> {
    let sql = "INSERT INTO conference (id, name, detail, extension, loudest, tones, timeout, status, \
         conferencecall_ids, created, updated, ended, pre_flow_id, post_flow_id, recording_id, recording_ids) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
         ON CONFLICT (id) DO UPDATE SET name = ?2, detail = ?3, extension = ?4, loudest = ?5, tones = ?6, timeout = ?7, \
         status = ?8, conferencecall_ids = ?9, created = ?10, updated = ?11, ended = ?12, \
         pre_flow_id = ?13, post_flow_id = ?14, recording_id = ?15, recording_ids = ?16";
    connection.prepare_cached(sql)?.execute(params![
        conference.id.as_bytes(),
        conference.name,
        conference.detail,
        conference.data.extension,
        conference.data.loudest.map_or(0, NonZeroU16::get),
        conference.data.tones,
        u32::try_from(conference.timeout.as_secs()).unwrap_or(u32::MAX),
        ConferenceStatus::from(conference.status),
        ids::list(&conference.conferencecall_ids),
        conference.created.0,
        conference.updated.0,
        conference.ended.map(|moment| moment.0),
        conference.pre_flow_id.as_ref().map(Uuid::as_bytes),
        conference.post_flow_id.as_ref().map(Uuid::as_bytes),
        conference.recording_id.as_ref().map(Uuid::as_bytes),
        ids::list(&conference.recording_ids),
    ])?;
    Ok(())
}

/// The conference with this id, unless it is over.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM conference WHERE id = ?1 AND ended IS NULL");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?;
    let hash = direct_hash::get(connection, Direct::Conference(id))?;
    Ok(found.map(|conference| Record { direct_hash: hash, ..Record::new(&conference, identity) }))
}

/// A page of conferences, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM conference WHERE number < ?1 AND ended IS NULL ORDER BY number DESC LIMIT ?2");
    let mut page = page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(Record::new(&read(row)?, identity)))?;
    for record in &mut page.result {
        record.direct_hash = direct_hash::get(connection, Direct::Conference(record.id))?;
    }
    Ok(page)
}

/// All conferences that are not over.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Conference>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM conference WHERE ended IS NULL ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest records of conferences that are over, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM conference WHERE number IN (SELECT number FROM conference \
         WHERE number <= (SELECT max(number) FROM conference) - ?1 AND ended IS NOT NULL ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}

impl From<SourceStatus> for ConferenceStatus {
    fn from(status: SourceStatus) -> ConferenceStatus {
        match status {
            SourceStatus::Starting => ConferenceStatus::Starting,
            SourceStatus::Progressing => ConferenceStatus::Progressing,
            SourceStatus::Terminating => ConferenceStatus::Terminating,
            SourceStatus::Terminated => ConferenceStatus::Terminated,
        }
    }
}

impl From<ConferenceStatus> for SourceStatus {
    fn from(status: ConferenceStatus) -> SourceStatus {
        match status {
            ConferenceStatus::Starting => SourceStatus::Starting,
            ConferenceStatus::Progressing => SourceStatus::Progressing,
            ConferenceStatus::Terminating => SourceStatus::Terminating,
            ConferenceStatus::Terminated => SourceStatus::Terminated,
        }
    }
}
