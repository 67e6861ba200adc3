//! What belongs to an activeflow whose web server is told: the calls, groupcalls, recordings, texts and further activeflows
//! that it brought about, and what those brought about. Of what belongs to no such activeflow there is no row.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::activeflow::WebhookMethod;
use crate::{Error, ids, limits};

/// An activeflow, and the web server that is told of what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub activeflow_id: Uuid,
    pub uri: String,
    pub method: WebhookMethod,
}

/// To which activeflow with a web server this belongs: it may be one itself.
pub(crate) fn owner(connection: &Connection, id: Uuid) -> Result<Option<Owner>, Error> {
    let sql = "SELECT id, webhook_uri, webhook_method FROM activeflow WHERE webhook_uri IS NOT NULL \
         AND id IN (?1, (SELECT activeflow_id FROM belonging WHERE id = ?1)) ORDER BY id <> ?1 LIMIT 1";
    let read = |row: &Row<'_>| Ok(Owner { activeflow_id: ids::get(row, 0)?, uri: row.get(1)?, method: row.get(2)? });
    Ok(connection.prepare_cached(sql)?.query_row([id.as_bytes()], read).optional()?)
}

/// Writes down that something belongs to an activeflow.
pub(crate) fn save(connection: &Connection, id: Uuid, activeflow: Uuid) -> Result<(), Error> {
    let sql = "INSERT INTO belonging (id, activeflow_id) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![id.as_bytes(), activeflow.as_bytes()])?;
    Ok(())
}

/// Deletes the oldest, where there are more than are kept; returns how many went.
pub(crate) fn trim(connection: &Connection, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM belonging WHERE number IN (SELECT number FROM belonging \
         WHERE number <= (SELECT max(number) FROM belonging) - ?1 ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![limits::BELONGINGS, step])?)
}
