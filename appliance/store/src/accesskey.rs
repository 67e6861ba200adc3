//! Access keys: by them programs use the API in the name of the agent that made them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::{Error, ids};

/// An access key as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Accesskey)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// The key itself; only in the answer to its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// How the key begins.
    pub token_prefix: String,
    /// Until when it counts; null: until it is deleted.
    pub tm_expire: Option<Timestamp>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

/// An access key with what proves it.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The public part, without the key itself.
    pub record: Record,
    /// The agent in whose name it counts.
    pub agent_id: Uuid,
    /// The key's SHA-256.
    pub hash: [u8; 32],
}

/// What changes of an access key; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// A new remark.
    pub detail: Option<String>,
}

const COLUMNS: &str = "number, id, agent_id, hash, token_prefix, name, detail, expires, created, updated, deleted";

fn read(row: &Row<'_>, identity: &Identity) -> rusqlite::Result<Account> {
    let record = Record {
        id: ids::get(row, 1)?,
        customer_id: identity.customer_id,
        name: row.get(5)?,
        detail: row.get(6)?,
        token: None,
        token_prefix: row.get(4)?,
        tm_expire: row.get(7)?,
        tm_create: row.get(8)?,
        tm_update: row.get(9)?,
        tm_delete: row.get(10)?,
    };
    Ok(Account { record, agent_id: ids::get(row, 2)?, hash: row.get(3)? })
}

pub(crate) fn save(connection: &Connection, account: &Account) -> Result<(), Error> {
    let sql = "INSERT INTO accesskey (id, agent_id, hash, token_prefix, name, detail, expires, created, updated, \
         deleted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         ON CONFLICT (id) DO UPDATE SET name = ?5, detail = ?6, updated = ?9, deleted = ?10";
    let record = &account.record;
    connection.prepare_cached(sql)?.execute(params![
        record.id.as_bytes(),
        account.agent_id.as_bytes(),
        account.hash,
        record.token_prefix,
        record.name,
        record.detail,
        record.tm_expire,
        record.tm_create,
        record.tm_update,
        record.tm_delete,
    ])?;
    Ok(())
}

/// The access key with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM accesskey WHERE id = ?1 AND deleted IS NULL");
    Ok(connection.prepare_cached(&sql)?.query_row([id.as_bytes()], |row| read(row, identity)).optional()?)
}

/// The access key with this hash, unless it is deleted.
pub(crate) fn by_hash(connection: &Connection, identity: &Identity, hash: &[u8; 32]) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM accesskey WHERE hash = ?1 AND deleted IS NULL");
    Ok(connection.prepare_cached(&sql)?.query_row([hash], |row| read(row, identity)).optional()?)
}

/// The access keys that count in the name of an agent.
pub(crate) fn of_agent(connection: &Connection, identity: &Identity, agent: Uuid) -> Result<Vec<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM accesskey WHERE agent_id = ?1 AND deleted IS NULL ORDER BY number");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([agent.as_bytes()], |row| read(row, identity))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A page of access keys, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM accesskey WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(read(row, identity)?.record))
}

/// How many there are.
pub(crate) fn count(connection: &Connection) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM accesskey WHERE deleted IS NULL";
    Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// Deletes the oldest records of access keys that were deleted, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM accesskey WHERE number IN (SELECT number FROM accesskey \
         WHERE number <= (SELECT max(number) FROM accesskey) - ?1 AND deleted IS NOT NULL ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}
