//! Numbers.

use pbx::UnixMicros;
use pbx::directory::{Number, NumberKind};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, ids};

words! {
    /// Where a number comes from: a provider gave it, or it is only the box's own.
    NumberType as "NumberType" { Normal = "normal", Virtual = "virtual" }
}

words! {
    /// Whether a number can be dialled.
    NumberStatus as "NumberStatus" { Active = "active", Deleted = "deleted" }
}

/// What the exchange knows of a number beyond VoIPBIN's fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = NumberMetadata)]
pub struct Metadata {
    /// Whether the audio of calls to it is looked at closely, second by second in the call's sequence.
    pub rtp_debug: bool,
}

/// A number as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Number)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// What is dialled.
    pub number: String,
    /// Where it comes from.
    #[serde(rename = "type")]
    pub kind: NumberType,
    /// The flow that a call to it goes through; nil: none.
    pub call_flow_id: Uuid,
    /// The flow that a message to it goes through; nil: none.
    pub message_flow_id: Uuid,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// Whether it can be dialled.
    pub status: NumberStatus,
    /// Whether it takes fax by T.38: never.
    pub t38_enabled: bool,
    /// Whether emergency services know where it is: never.
    pub emergency_enabled: bool,
    /// What the exchange knows beyond that.
    pub metadata: Metadata,
    /// When it was bought: a box buys none.
    pub tm_purchase: Option<Timestamp>,
    /// When it has to be paid for again: a box pays for none.
    pub tm_renew: Option<Timestamp>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form.
    pub fn new(number: &Number, identity: &Identity) -> Record {
        let status = if number.deleted.is_some() { NumberStatus::Deleted } else { NumberStatus::Active };
        Record {
            id: number.id,
            customer_id: identity.customer_id,
            number: number.number.clone(),
            kind: number.kind.into(),
            call_flow_id: number.call_flow_id.unwrap_or_default(),
            message_flow_id: number.message_flow_id.unwrap_or_default(),
            name: number.name.clone(),
            detail: number.detail.clone(),
            status,
            t38_enabled: false,
            emergency_enabled: false,
            metadata: Metadata { rtp_debug: number.rtp_debug },
            tm_purchase: None,
            tm_renew: None,
            tm_create: number.created.into(),
            tm_update: number.updated.into(),
            tm_delete: number.deleted.map(Into::into),
        }
    }
}

const COLUMNS: &str =
    "number, id, dialled, type, call_flow_id, message_flow_id, name, detail, created, updated, deleted, rtp_debug";

fn read(row: &Row<'_>) -> rusqlite::Result<Number> {
    Ok(Number {
        id: ids::get(row, 1)?,
        number: row.get(2)?,
        kind: row.get::<_, NumberType>(3)?.into(),
        call_flow_id: ids::get_optional(row, 4)?,
        message_flow_id: ids::get_optional(row, 5)?,
        name: row.get(6)?,
        detail: row.get(7)?,
        created: UnixMicros(row.get(8)?),
        updated: UnixMicros(row.get(9)?),
        deleted: row.get::<_, Option<i64>>(10)?.map(UnixMicros),
        rtp_debug: row.get(11)?,
    })
}

pub(crate) fn save(connection: &Connection, number: &Number) -> Result<(), Error> {
    let sql = "INSERT INTO number (id, dialled, type, call_flow_id, message_flow_id, name, detail, created, updated, \
         deleted, rtp_debug) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (id) DO UPDATE SET \
         call_flow_id = ?4, message_flow_id = ?5, name = ?6, detail = ?7, updated = ?9, deleted = ?10, rtp_debug = ?11";
    connection.prepare_cached(sql)?.execute(params![
        number.id.as_bytes(),
        number.number,
        NumberType::from(number.kind),
        number.call_flow_id.as_ref().map(Uuid::as_bytes),
        number.message_flow_id.as_ref().map(Uuid::as_bytes),
        number.name,
        number.detail,
        number.created.0,
        number.updated.0,
        number.deleted.map(|moment| moment.0),
        number.rtp_debug,
    ])?;
    Ok(())
}

/// The number with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM number WHERE id = ?1 AND deleted IS NULL");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?;
    Ok(found.map(|number| Record::new(&number, identity)))
}

/// A page of numbers, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM number WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(Record::new(&read(row)?, identity)))
}

/// All numbers that are not deleted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Number>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM number WHERE deleted IS NULL ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest records of numbers that were deleted, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM number WHERE number IN (SELECT number FROM number \
         WHERE number <= (SELECT max(number) FROM number) - ?1 AND deleted IS NOT NULL ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}

impl From<NumberKind> for NumberType {
    fn from(kind: NumberKind) -> NumberType {
        match kind {
            NumberKind::Normal => NumberType::Normal,
            NumberKind::Virtual => NumberType::Virtual,
        }
    }
}

impl From<NumberType> for NumberKind {
    fn from(kind: NumberType) -> NumberKind {
        match kind {
            NumberType::Normal => NumberKind::Normal,
            NumberType::Virtual => NumberKind::Virtual,
        }
    }
}
