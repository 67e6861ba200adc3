//! Direct hashes: what whoever has no password calls to reach one thing of the box. They are shown with it, and in no event.

use pbx::directory::{Direct, DirectHash};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{Error, ids};

/// Keeps what became of one.
pub(crate) fn save(connection: &Connection, made: &DirectHash) -> Result<(), Error> {
    let Some(hash) = &made.hash else { return remove(connection, made.to) };
    let sql = "INSERT INTO direct_hash (resource, id, hash) VALUES (?1, ?2, seal(?3)) \
         ON CONFLICT (resource, id) DO UPDATE SET hash = excluded.hash";
    connection.prepare_cached(sql)?.execute(params![made.to.kind(), made.to.id().as_bytes(), hash])?;
    Ok(())
}

/// Forgets that of a resource, which may have none.
pub(crate) fn remove(connection: &Connection, of: Direct) -> Result<(), Error> {
    let sql = "DELETE FROM direct_hash WHERE resource = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.execute(params![of.kind(), of.id().as_bytes()])?;
    Ok(())
}

/// That of a resource, if it has one.
pub(crate) fn get(connection: &Connection, of: Direct) -> Result<Option<String>, Error> {
    let sql = "SELECT unseal(hash) FROM direct_hash WHERE resource = ?1 AND id = ?2";
    let id = of.id();
    let key = params![of.kind(), id.as_bytes()];
    Ok(connection.prepare_cached(sql)?.query_row(key, |row| row.get(0)).optional()?)
}

/// All of them.
pub(crate) fn all(connection: &Connection) -> Result<Vec<DirectHash>, Error> {
    let mut statement =
        connection.prepare("SELECT resource, id, unseal(hash) FROM direct_hash ORDER BY resource, id")?;
    let rows = statement.query_map([], |row| {
        let (resource, hash): (String, Option<String>) = (row.get(0)?, row.get(2)?);
        Ok(Direct::named(&resource, ids::get(row, 1)?).map(|to| DirectHash { to, hash }))
    })?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
}
