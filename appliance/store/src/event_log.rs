//! The event log: what happened, in order and without gaps; written before anybody hears of it.

pub(crate) mod bounds;
mod dialect;
mod packed;

pub use bounds::LogLimits;
pub use dialect::EventDialect;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::timeline::{self, Moment};
use crate::timestamp::Timestamp;
use crate::{Error, ids};

/// One fact, as webhooks and the WebSocket carry it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct Record {
    /// `<resource>_<verb>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The public form of the resource at that moment.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// Its place in the log: greater than that of everything before, and its idempotency key.
    pub seq: i64,
    /// When it happened.
    pub tm: Timestamp,
    /// The resource's id; nil where the fact is about none.
    #[serde(skip)]
    pub resource_id: Uuid,
    /// The same moment by the time since the boot, where that is known.
    #[serde(skip)]
    pub moment: Option<Moment>,
}

impl Record {
    /// The resource's noun: `call` of `call_hungup`.
    pub fn resource(&self) -> &str {
        noun_of(&self.kind)
    }
}

/// The noun that an event's name begins with.
fn noun_of(kind: &str) -> &str {
    let noun = kind.split_once('_').map_or(kind, |(noun, _)| noun);
    if kind.starts_with("outbound_config_") { "outbound_config" } else { noun }
}

/// Whether an event of this name tells of what people configured, and not of what phones and calls did.
pub(crate) fn is_about_configuration(kind: &str) -> bool {
    let noun = noun_of(kind);
    let by_phones = [
        "call",
        "groupcall",
        "activeflow",
        "conferencecall",
        "dtmf",
        "message",
        "recording",
        "source",
        "billing",
        "clock",
        "event",
        "database",
    ];
    let of_a_state = ["extension_registered", "extension_unregistered", "agent_status_updated", "conference_recording"];
    kind == "billing_account_updated" || !by_phones.contains(&noun) && !of_a_state.contains(&kind)
}

/// What is appended; its number is given by the writer.
pub(crate) struct Entry<'a> {
    pub at: Timestamp,
    pub kind: &'a str,
    pub resource_id: Uuid,
    pub data: &'a str,
}

/// Appends an event; `place` is the boot's number and the time since then, where they are known.
pub(crate) fn append(
    connection: &Connection,
    seq: i64,
    entry: &Entry<'_>,
    place: Option<(i64, i64)>,
) -> Result<(), Error> {
    let sql =
        "INSERT INTO event_log (seq, at, type, resource_id, data, boot, uptime) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (id, (boot, uptime)) = (entry.resource_id.as_bytes(), place.unzip());
    let data = packed::pack(entry.data);
    connection.prepare_cached(sql)?.execute(params![seq, entry.at, entry.kind, id, data, boot, uptime])?;
    Ok(())
}

/// The first and the last number in the log; (1, 0) where it is empty.
pub(crate) fn range(connection: &Connection) -> Result<(i64, i64), Error> {
    let sql = "SELECT coalesce((SELECT min(seq) FROM event_log), 1), coalesce((SELECT max(seq) FROM event_log), 0)";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The highest number that an event had, as far as the log or any of its readers knows.
pub(crate) fn last_used(connection: &Connection) -> Result<i64, Error> {
    let (_, known) = range(connection)?;
    let read: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM cursor", [], |row| row.get(0))?;
    Ok(known.max(read))
}

const SELECT: &str = "SELECT seq, at, type, resource_id, data, boot.id, uptime, boot.zero \
                      FROM event_log LEFT JOIN boot ON boot.number = event_log.boot";

/// At most `limit` events after `seq`, in order.
pub(crate) fn after(connection: &Connection, seq: i64, limit: u32) -> Result<Vec<Record>, Error> {
    let sql = format!("{SELECT} WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![seq, limit])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(read(row)?);
    }
    Ok(records)
}

/// The event with this number, unless it is deleted.
pub(crate) fn get(connection: &Connection, seq: i64) -> Result<Option<Record>, Error> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE seq = ?1"))?;
    let mut rows = statement.query([seq])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<Record, Error> {
    Ok(Record {
        seq: row.get(0)?,
        tm: row.get(1)?,
        kind: row.get(2)?,
        resource_id: ids::get(row, 3)?,
        data: RawValue::from_string(packed::unpack(row.get_ref(4)?)?)?,
        moment: timeline::read(row, 5)?,
    })
}
