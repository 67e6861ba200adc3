//! Tags.

use pbx::UnixMicros;
use pbx::directory::Tag;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::{Error, ids};

/// A tag as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Tag)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// Its name, which no other tag has.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form.
    pub fn new(tag: &Tag, identity: &Identity) -> Record {
        Record {
            id: tag.id,
            customer_id: identity.customer_id,
            name: tag.name.clone(),
            detail: tag.detail.clone(),
            tm_create: tag.created.into(),
            tm_update: tag.updated.into(),
            tm_delete: tag.deleted.map(Into::into),
        }
    }
}

const COLUMNS: &str = "number, id, name, detail, created, updated, deleted";

fn read(row: &Row<'_>) -> rusqlite::Result<Tag> {
    Ok(Tag {
        id: ids::get(row, 1)?,
        name: row.get(2)?,
        detail: row.get(3)?,
        created: UnixMicros(row.get(4)?),
        updated: UnixMicros(row.get(5)?),
        deleted: row.get::<_, Option<i64>>(6)?.map(UnixMicros),
    })
}

pub(crate) fn save(connection: &Connection, tag: &Tag) -> Result<(), Error> {
    let sql = "INSERT INTO tag (id, name, detail, created, updated, deleted) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (id) DO UPDATE SET name = ?2, detail = ?3, updated = ?5, deleted = ?6";
    let deleted = tag.deleted.map(|moment| moment.0);
    let values = params![tag.id.as_bytes(), tag.name, tag.detail, tag.created.0, tag.updated.0, deleted];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// The tag with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM tag WHERE id = ?1 AND deleted IS NULL");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?;
    Ok(found.map(|tag| Record::new(&tag, identity)))
}

/// A page of tags, the newest first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM tag WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(Record::new(&read(row)?, identity)))
}

/// All tags that are not deleted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Tag>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM tag WHERE deleted IS NULL ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest records of tags that were deleted, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM tag WHERE number IN (SELECT number FROM tag \
         WHERE number <= (SELECT max(number) FROM tag) - ?1 AND deleted IS NOT NULL ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}
