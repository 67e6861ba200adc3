//! How far each reader of the event log has come.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Error, limits};

/// The last event that the reader of this name is done with; 0 before the first.
pub(crate) fn read(connection: &Connection, name: &str) -> Result<i64, Error> {
    let mut statement = connection.prepare_cached("SELECT seq FROM cursor WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Moves it forward; it never goes back.
pub(crate) fn advance(connection: &Connection, name: &str, seq: i64) -> Result<(), Error> {
    let sql = "INSERT INTO cursor (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = max(seq, ?2)";
    connection.prepare_cached(sql)?.execute(params![name, seq])?;
    Ok(())
}

/// Moves it, also back.
pub(crate) fn set(connection: &Connection, name: &str, seq: i64) -> Result<(), Error> {
    let sql = "INSERT INTO cursor (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = ?2";
    connection.prepare_cached(sql)?.execute(params![name, seq])?;
    Ok(())
}

/// There is no such reader any more.
pub(crate) fn forget(connection: &Connection, name: &str) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM cursor WHERE name = ?1")?.execute([name])?;
    Ok(())
}

/// The first event that the reader [`limits::OWED`] has not read: neither it nor what follows may be deleted.
pub(crate) fn first_owed(connection: &Connection) -> Result<i64, Error> {
    let sql = "SELECT seq FROM cursor WHERE name = ?1";
    let read: Option<i64> = connection.prepare_cached(sql)?.query_row([limits::OWED], |row| row.get(0)).optional()?;
    Ok(read.map_or(i64::MAX, |seq| seq + 1))
}
