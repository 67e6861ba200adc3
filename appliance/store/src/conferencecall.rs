//! Conferencecalls: one row for each place that a call took in a conference.

use pbx::UnixMicros;
use pbx::conference::{Conferencecall, ConferencecallStatus as SourceStatus};
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
    /// How far a conferencecall got: `joining → joined → leaving → leaved`.
    ConferencecallStatus as "ConferencecallStatus" {
        Joining = "joining", Joined = "joined", Leaving = "leaving", Leaved = "leaved",
    }
}

words! {
    /// What has the place.
    ConferencecallReferenceType as "ConferencecallReferenceType" { Call = "call" }
}

/// A place in a conference as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Conferencecall)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// The flow that runs for it; none.
    pub activeflow_id: Uuid,
    /// The conference.
    pub conference_id: Uuid,
    /// What has the place.
    pub reference_type: ConferencecallReferenceType,
    /// The call that has the place.
    pub reference_id: Uuid,
    /// How far it got.
    pub status: ConferencecallStatus,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it changed last.
    pub tm_update: Timestamp,
    /// When it was deleted: when it had left.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form.
    pub fn new(conferencecall: &Conferencecall, identity: &Identity) -> Record {
        let left = conferencecall.status == SourceStatus::Leaved;
        Record {
            id: conferencecall.id,
            customer_id: identity.customer_id,
            activeflow_id: Uuid::nil(),
            conference_id: conferencecall.conference_id,
            reference_type: ConferencecallReferenceType::Call,
            reference_id: conferencecall.call_id,
            status: conferencecall.status.into(),
            tm_create: conferencecall.created.into(),
            tm_update: conferencecall.updated.into(),
            tm_delete: left.then(|| conferencecall.updated.into()),
        }
    }
}

const COLUMNS: &str = "number, id, conference_id, call_id, status, created, updated";

fn read(row: &Row<'_>) -> rusqlite::Result<Conferencecall> {
    Ok(Conferencecall {
        id: ids::get(row, 1)?,
        conference_id: ids::get(row, 2)?,
        call_id: ids::get(row, 3)?,
        status: row.get::<_, ConferencecallStatus>(4)?.into(),
        created: UnixMicros(row.get(5)?),
        updated: UnixMicros(row.get(6)?),
    })
}

pub(crate) fn save(connection: &Connection, conferencecall: &Conferencecall) -> Result<(), Error> {
    let sql = "INSERT INTO conferencecall (id, conference_id, call_id, status, created, updated) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET status = ?4, updated = ?6";
    connection.prepare_cached(sql)?.execute(params![
        conferencecall.id.as_bytes(),
        conferencecall.conference_id.as_bytes(),
        conferencecall.call_id.as_bytes(),
        ConferencecallStatus::from(conferencecall.status),
        conferencecall.created.0,
        conferencecall.updated.0,
    ])?;
    Ok(())
}

/// The conferencecall with this id, also where it has left.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM conferencecall WHERE id = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?;
    Ok(found.map(|conferencecall| Record::new(&conferencecall, identity)))
}

/// A page of conferencecalls that have not left, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conferencecall WHERE number < ?1 AND status <> 'leaved' ORDER BY number DESC LIMIT ?2"
    );
    page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(Record::new(&read(row)?, identity)))
}

/// All that have not left: after a start, those that were in a conference when the process died.
pub(crate) fn interrupted(connection: &Connection) -> Result<Vec<Conferencecall>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM conferencecall WHERE status <> 'leaved' ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest records of those that have left, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM conferencecall WHERE number IN (SELECT number FROM conferencecall \
         WHERE number <= (SELECT max(number) FROM conferencecall) - ?1 AND status = 'leaved' ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}

impl From<SourceStatus> for ConferencecallStatus {
    fn from(status: SourceStatus) -> ConferencecallStatus {
        match status {
            SourceStatus::Joining => ConferencecallStatus::Joining,
            SourceStatus::Joined => ConferencecallStatus::Joined,
            SourceStatus::Leaving => ConferencecallStatus::Leaving,
            SourceStatus::Leaved => ConferencecallStatus::Leaved,
        }
    }
}

impl From<ConferencecallStatus> for SourceStatus {
    fn from(status: ConferencecallStatus) -> SourceStatus {
        match status {
            ConferencecallStatus::Joining => SourceStatus::Joining,
            ConferencecallStatus::Joined => SourceStatus::Joined,
            ConferencecallStatus::Leaving => SourceStatus::Leaving,
            ConferencecallStatus::Leaved => SourceStatus::Leaved,
        }
    }
}
