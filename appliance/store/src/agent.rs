//! Agents: who may use the API, and how much.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::address::Address;
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, ids};

words! {
    /// What an agent may do: read; also change; also manage agents. Each may what those before it may.
    AgentPermission as "AgentPermission" { Agent = "agent", Manager = "manager", Admin = "admin" }
}

words! {
    /// How an agent's addresses are rung.
    AgentRingMethod as "AgentRingMethod" { RingAll = "ring_all", Linear = "linear" }
}

words! {
    /// Whether an agent takes calls.
    AgentStatus as "AgentStatus" {
        Available = "available", Away = "away", Busy = "busy", Offline = "offline", Ringing = "ringing",
    }
}

/// An agent as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Agent)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// What the agent logs in with.
    pub username: String,
    /// The name shown.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// How its addresses are rung.
    pub ring_method: AgentRingMethod,
    /// Whether it takes calls.
    pub status: AgentStatus,
    /// What it may do.
    pub permission: AgentPermission,
    /// What it is good at.
    pub tag_ids: Vec<Uuid>,
    /// Where it is reached.
    pub addresses: Vec<Address>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

/// An agent with what proves that it is itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The public part.
    pub record: Record,
    /// The password's hash as a PHC string.
    pub password_hash: String,
}

const COLUMNS: &str = "id, username, password_hash, name, detail, ring_method, status, permission, tag_ids, addresses, \
     created, updated, deleted";

fn read(row: &Row<'_>, identity: &Identity) -> Result<Account, Error> {
    let record = Record {
        id: ids::get(row, 0)?,
        customer_id: identity.customer_id,
        username: row.get(1)?,
        name: row.get(3)?,
        detail: row.get(4)?,
        ring_method: row.get(5)?,
        status: row.get(6)?,
        permission: row.get(7)?,
        tag_ids: ids::get_list(row, 8)?,
        addresses: serde_json::from_str(&row.get::<_, String>(9)?)?,
        tm_create: row.get(10)?,
        tm_update: row.get(11)?,
        tm_delete: row.get(12)?,
    };
    Ok(Account { record, password_hash: row.get(2)? })
}

pub(crate) fn save(connection: &Connection, account: &Account) -> Result<(), Error> {
    let sql = "INSERT INTO agent (id, username, password_hash, name, detail, ring_method, status, permission, tag_ids, \
         addresses, created, updated, deleted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
         ON CONFLICT (id) DO UPDATE SET username = ?2, password_hash = ?3, name = ?4, detail = ?5, ring_method = ?6, \
         status = ?7, permission = ?8, tag_ids = ?9, addresses = ?10, updated = ?12, deleted = ?13";
    let record = &account.record;
    connection.prepare_cached(sql)?.execute(params![
        record.id.as_bytes(),
        record.username,
        account.password_hash,
        record.name,
        record.detail,
        record.ring_method,
        record.status,
        record.permission,
        ids::list(&record.tag_ids),
        serde_json::to_string(&record.addresses)?,
        record.tm_create,
        record.tm_update,
        record.tm_delete,
    ])?;
    Ok(())
}

/// The agent with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM agent WHERE id = ?1 AND deleted IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row([id.as_bytes()], |row| Ok(read(row, identity))).optional()?.transpose()
}

/// The agent with this user name, unless it is deleted.
pub(crate) fn by_username(connection: &Connection, identity: &Identity, name: &str) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM agent WHERE username = ?1 AND deleted IS NULL");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row([name], |row| Ok(read(row, identity))).optional()?.transpose()
}

/// How many agents there are.
pub(crate) fn count(connection: &Connection) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM agent WHERE deleted IS NULL";
    Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
}
