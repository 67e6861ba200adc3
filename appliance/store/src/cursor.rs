//! How far each reader of the event log has come.

use rusqlite::{Connection, OptionalExtension, params};

use crate::Error;

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
