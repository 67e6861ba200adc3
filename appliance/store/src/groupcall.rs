//! Groupcalls: one row for each set of calls of which the first that is answered ends the others.

use pbx::groupcall::{Groupcall, GroupcallStatus as SourceStatus, RingMethod as SourceMethod};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::address::Address;
use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, ids};

words! {
    /// How far a groupcall is.
    GroupcallStatus as "GroupcallStatus" {
        Progressing = "progressing", HangingUp = "hangingup", Hangup = "hangup",
    }
}

words! {
    /// How the destinations of a groupcall are rung: all at once, or one after the other.
    GroupcallRingMethod as "GroupcallRingMethod" { Unset = "", RingAll = "ring_all", Linear = "linear" }
}

words! {
    /// What becomes of the others when one answers.
    GroupcallAnswerMethod as "GroupcallAnswerMethod" { Unset = "", HangupOthers = "hangup_others" }
}

/// A groupcall as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Groupcall)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// What kind of thing owns it; empty if nobody does.
    pub owner_type: String,
    /// Who owns it.
    pub owner_id: Uuid,
    /// How far it is.
    pub status: GroupcallStatus,
    /// The flow of the call that is answered.
    pub flow_id: Uuid,
    /// Who calls.
    pub source: Address,
    /// Who is called.
    pub destinations: Vec<Address>,
    /// The call that it ends with.
    pub master_call_id: Uuid,
    /// The groupcall that it is part of; none.
    pub master_groupcall_id: Uuid,
    /// How its destinations are rung.
    pub ring_method: GroupcallRingMethod,
    /// What becomes of the others when one answers.
    pub answer_method: GroupcallAnswerMethod,
    /// The call that was answered.
    pub answer_call_id: Uuid,
    /// Its calls, in the order in which they were made.
    pub call_ids: Vec<Uuid>,
    /// The part of it that was answered; none.
    pub answer_groupcall_id: Uuid,
    /// Its parts; none.
    pub groupcall_ids: Vec<Uuid>,
    /// How many of its calls are not over.
    pub call_count: u32,
    /// How many of its parts are not over.
    pub groupcall_count: u32,
    /// Where it is in its destinations, where one is rung after the other.
    pub dial_index: u32,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it changed last.
    pub tm_update: Timestamp,
    /// When its record was deleted.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form.
    pub fn new(groupcall: &Groupcall, identity: &Identity) -> Record {
        Record {
            status: groupcall.status.into(),
            flow_id: groupcall.flow_id.unwrap_or_default(),
            source: (&groupcall.source).into(),
            destinations: groupcall.destinations.iter().map(Into::into).collect(),
            master_call_id: groupcall.master_call_id.unwrap_or_default(),
            ring_method: groupcall.ring_method.into(),
            answer_call_id: groupcall.answer_call_id.unwrap_or_default(),
            call_ids: groupcall.call_ids.clone(),
            call_count: groupcall.call_count as u32,
            dial_index: groupcall.dial_index as u32,
            tm_create: groupcall.created.into(),
            tm_update: groupcall.updated.into(),
            ..Record::unset(groupcall.id, identity)
        }
    }

    /// A record with nothing in it but who it is.
    fn unset(id: Uuid, identity: &Identity) -> Record {
        Record {
            id,
            customer_id: identity.customer_id,
            owner_type: String::new(),
            owner_id: Uuid::nil(),
            status: GroupcallStatus::Progressing,
            flow_id: Uuid::nil(),
            source: Address::from(&pbx::call::Address::default()),
            destinations: Vec::new(),
            master_call_id: Uuid::nil(),
            master_groupcall_id: Uuid::nil(),
            ring_method: GroupcallRingMethod::RingAll,
            answer_method: GroupcallAnswerMethod::HangupOthers,
            answer_call_id: Uuid::nil(),
            call_ids: Vec::new(),
            answer_groupcall_id: Uuid::nil(),
            groupcall_ids: Vec::new(),
            call_count: 0,
            groupcall_count: 0,
            dial_index: 0,
            tm_create: Timestamp(0),
            tm_update: Timestamp(0),
            tm_delete: None,
        }
    }

    fn read(row: &Row<'_>, identity: &Identity) -> rusqlite::Result<Record> {
        Ok(Record {
            status: row.get(2)?,
            flow_id: ids::get_or_nil(row, 3)?,
            source: json(row, 4)?,
            destinations: json(row, 5)?,
            master_call_id: ids::get_or_nil(row, 6)?,
            ring_method: row.get(7)?,
            answer_call_id: ids::get_or_nil(row, 8)?,
            call_ids: ids::get_list(row, 9)?,
            call_count: row.get(10)?,
            dial_index: row.get(11)?,
            tm_create: row.get(12)?,
            tm_update: row.get(13)?,
            tm_delete: row.get(14)?,
            ..Record::unset(ids::get(row, 1)?, identity)
        })
    }

    /// Writes the row, new or changed.
    pub(crate) fn save(&self, connection: &Connection) -> Result<(), Error> {
        let sql = "INSERT INTO groupcall (id, status, flow_id, source, destinations, master_call_id, ring_method, \
             answer_call_id, call_ids, call_count, dial_index, created, updated, deleted) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (id) DO UPDATE SET \
             status = ?2, answer_call_id = ?8, call_ids = ?9, call_count = ?10, dial_index = ?11, updated = ?13, \
             deleted = ?14";
        connection.prepare_cached(sql)?.execute(params![
            self.id.as_bytes(),
            self.status,
            ids::unless_nil(&self.flow_id),
            serde_json::to_string(&self.source)?,
            serde_json::to_string(&self.destinations)?,
            ids::unless_nil(&self.master_call_id),
            self.ring_method,
            ids::unless_nil(&self.answer_call_id),
            ids::list(&self.call_ids),
            self.call_count,
            self.dial_index,
            self.tm_create,
            self.tm_update,
            self.tm_delete,
        ])?;
        Ok(())
    }

    /// Ends a groupcall whose calls ended with the process.
    pub(crate) fn interrupt(&mut self, now: Timestamp) {
        (self.status, self.call_count, self.tm_update) = (GroupcallStatus::Hangup, 0, now);
    }
}

const COLUMNS: &str = "number, id, status, flow_id, source, destinations, master_call_id, ring_method, \
     answer_call_id, call_ids, call_count, dial_index, created, updated, deleted";

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(at)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error)))
}

/// The groupcall with this id, unless its record is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM groupcall WHERE id = ?1 AND deleted IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id.as_bytes()], |row| Record::read(row, identity)).optional()?)
}

/// A page of groupcalls, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM groupcall WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    page.collect(&mut connection.prepare_cached(&sql)?, |row| Record::read(row, identity))
}

/// All that are not over: after a start, those whose calls were up when the process died.
pub(crate) fn interrupted(connection: &Connection, identity: &Identity) -> Result<Vec<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM groupcall WHERE status <> 'hangup' ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| Record::read(row, identity))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest records of those that are over, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM groupcall WHERE number IN (SELECT number FROM groupcall \
         WHERE number <= (SELECT max(number) FROM groupcall) - ?1 AND status = 'hangup' ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}

impl From<SourceStatus> for GroupcallStatus {
    fn from(status: SourceStatus) -> GroupcallStatus {
        match status {
            SourceStatus::Progressing => GroupcallStatus::Progressing,
            SourceStatus::HangingUp => GroupcallStatus::HangingUp,
            SourceStatus::Hangup => GroupcallStatus::Hangup,
        }
    }
}

impl From<SourceMethod> for GroupcallRingMethod {
    fn from(method: SourceMethod) -> GroupcallRingMethod {
        match method {
            SourceMethod::RingAll => GroupcallRingMethod::RingAll,
            SourceMethod::Linear => GroupcallRingMethod::Linear,
        }
    }
}
