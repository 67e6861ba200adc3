//! Tables of resources that are set, read and replaced as a whole: what is set of them lies there as JSON.

use pbx::UnixMicros;
use pbx::directory::table::Entry;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::{Error, ids};

/// What is read of a row. `table` is one of ours, never a word from outside.
fn columns(table: &str) -> String {
    let data = if is_sealed(table) { "unseal(data)" } else { "data" };
    format!("number, id, {data}, created, updated, deleted")
}

/// Whether there are passwords of others in it, so that nobody may read it in the file.
fn is_sealed(table: &str) -> bool {
    ["provider", "trunk"].contains(&table)
}

fn read<D: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<Entry<D>> {
    let text: String = row.get(2)?;
    let data = serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(Entry {
        id: ids::get(row, 1)?,
        data,
        created: UnixMicros(row.get(3)?),
        updated: UnixMicros(row.get(4)?),
        deleted: row.get::<_, Option<i64>>(5)?.map(UnixMicros),
    })
}

/// Writes a row, new or once more. `table` is one of ours, never a word from outside.
pub(crate) fn save<S, D: Serialize>(
    connection: &Connection,
    table: &str,
    entry: &Entry<S>,
    data: &D,
) -> Result<(), Error> {
    let data_column = if is_sealed(table) { "seal(?2)" } else { "?2" };
    let sql = format!(
        "INSERT INTO {table} (id, data, created, updated, deleted) VALUES (?1, {data_column}, ?3, ?4, ?5) \
         ON CONFLICT (id) DO UPDATE SET data = excluded.data, updated = ?4, deleted = ?5"
    );
    let text = serde_json::to_string(data).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection.prepare_cached(&sql)?.execute(params![
        entry.id.as_bytes(),
        text,
        entry.created.0,
        entry.updated.0,
        entry.deleted.map(|moment| moment.0),
    ])?;
    Ok(())
}

/// The one with this id, unless it is deleted.
pub(crate) fn get<D: DeserializeOwned>(
    connection: &Connection,
    table: &str,
    id: Uuid,
) -> Result<Option<Entry<D>>, Error> {
    let columns = columns(table);
    let sql = format!("SELECT {columns} FROM {table} WHERE id = ?1 AND deleted IS NULL");
    Ok(connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?)
}

/// A page of them, the newest first.
pub(crate) fn list<D: DeserializeOwned, R: Serialize>(
    connection: &Connection,
    table: &str,
    page: PageRequest,
    show: impl Fn(Entry<D>) -> R,
) -> Result<Page<R>, Error> {
    let columns = columns(table);
    let sql =
        format!("SELECT {columns} FROM {table} WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(show(read(row)?)))
}

/// All that are not deleted.
pub(crate) fn all<D: DeserializeOwned>(connection: &Connection, table: &str) -> Result<Vec<Entry<D>>, Error> {
    let columns = columns(table);
    let sql = format!("SELECT {columns} FROM {table} WHERE deleted IS NULL ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the oldest rows of what was deleted, where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, table: &str, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = format!(
        "DELETE FROM {table} WHERE number IN (SELECT number FROM {table} \
         WHERE number <= (SELECT max(number) FROM {table}) - ?1 AND deleted IS NOT NULL ORDER BY number LIMIT ?2)"
    );
    Ok(connection.prepare_cached(&sql)?.execute(params![keep, step])?)
}

/// The same row with its data in another form.
pub(crate) fn with_data<A, B>(entry: Entry<A>, change: impl FnOnce(A) -> B) -> Entry<B> {
    let Entry { id, data, created, updated, deleted } = entry;
    Entry { id, data: change(data), created, updated, deleted }
}
