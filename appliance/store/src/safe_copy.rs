//! A copy of what cannot be had again, and a new database made of it when the old one is damaged.
//!
//! The copy, `<database>-copy`, holds every table but the [`RECORDS`]: what people configured, who the box is, how far readers
//! have come. It is small, so it can be written after each change without wearing the flash. The records grow with the calls; from
//! a damaged database they are read as far as they can be, row by row. What was damaged stays beside the new one as
//! `<database>-damaged`, until the next time.
//!
//! The event `database_restored` says why, how old the copy was, how many records of each kind were saved, and which numbers of
//! events were left out because nobody knows any more what they were.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rusqlite::{Connection, params};
use serde::Serialize;
use uuid::Uuid;

use crate::timestamp::Timestamp;
use crate::{Error, billing, cursor, event_log, schema, sealed};

/// Tables that are not copied: they grow, or are made anew by themselves.
const RECORDS: [&str; 13] = [
    "boot",
    "event_log",
    "sequence",
    "call",
    "conferencecall",
    "activeflow",
    "groupcall",
    "recording",
    "registration",
    "webhook_delivery",
    "belonging",
    "billing",
    "billing_running",
];

/// Rows that are saved at a time; where one of them cannot be read, they are tried alone.
const ROWS: i64 = 256;
/// Row numbers beyond which none is looked for where the last one cannot be read.
const LAST_ROW: i64 = 1_000_000;
/// Numbers of events that are left out after a restoration: more than can have been used since the last one that is known.
pub(crate) const LEFT_OUT: i64 = 100_000;
/// A file as long as this is checked whenever it is opened, which takes some milliseconds.
const CHECKED_AT_ONCE: u64 = 8 << 20;

/// What the event says.
#[derive(Debug, Serialize)]
struct Restored {
    reason: String,
    /// When the configuration was copied.
    copied: Timestamp,
    /// Rows that were saved, by table.
    saved: BTreeMap<&'static str, usize>,
    /// The first and the last number of an event that was left out.
    left_out: (i64, i64),
}

pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}-{suffix}", path.display()))
}

pub(crate) fn io(error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::StorageFull { Error::Full(error.to_string()) } else { Error::Io(error.to_string()) }
}

/// Removes a database with what SQLite keeps beside it.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(format!("{}{suffix}", path.display())) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Brings a file to the disk under its name.
pub(crate) fn put(part: &Path, path: &Path) -> Result<(), Error> {
    File::open(part).and_then(|file| file.sync_all()).map_err(io)?;
    fs::rename(part, path).map_err(io)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// Makes one file of a database, which is then closed.
pub(crate) fn close(connection: Connection) -> Result<(), Error> {
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error.into())
}

/// Whether there is a copy.
pub(crate) fn exists(path: &Path) -> bool {
    beside(path, "copy").exists()
}

/// Makes the copy of a database, or a newer one; the one before stays until this one is whole. Others may write meanwhile.
pub(crate) fn make(path: &Path) -> Result<(), Error> {
    make_as(path, "copy")
}

/// The same under another suffix.
pub(crate) fn make_as(path: &Path, suffix: &str) -> Result<(), Error> {
    let part = beside(path, &format!("{suffix}.part"));
    remove(&part)?;
    // Made in memory, so that the flash is written once.
    let mut target = Connection::open_in_memory()?;
    target.pragma_update(None, "page_size", schema::PAGE)?;
    target.execute("ATTACH ?1 AS source", [path.to_string_lossy()])?;
    let transaction = target.transaction()?;
    // What SQLite makes for itself comes with what needs it.
    let own = "SELECT sql FROM source.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type = 'index'";
    for sql in names(&transaction, own)? {
        transaction.execute(&sql, [])?;
    }
    for table in tables(&transaction, "source")? {
        if !RECORDS.contains(&&*table) {
            transaction.execute(&format!("INSERT INTO main.\"{table}\" SELECT * FROM source.\"{table}\""), [])?;
        }
    }
    transaction.execute("DELETE FROM main.setting WHERE name = 'probe'", [])?;
    let latest: i64 =
        transaction.query_row("SELECT coalesce(max(seq), 0) FROM source.event_log", [], |row| row.get(0))?;
    cursor::advance(&transaction, LATEST, latest)?;
    for mark in ["user_version", "application_id"] {
        let value: i64 = transaction.query_row(&format!("PRAGMA source.{mark}"), [], |row| row.get(0))?;
        transaction.pragma_update(None, mark, value)?;
    }
    transaction.commit()?;
    target.execute("DETACH source", [])?;
    OpenOptions::new().create(true).append(true).mode(0o600).open(&part).map_err(io)?;
    target.execute("VACUUM main INTO ?1", [part.to_string_lossy()])?;
    put(&part, &beside(path, suffix))
}

/// The cursor by which the copy remembers the last event.
const LATEST: &str = "the copy";

/// Says that a database has to be looked at when it is opened the next time, however long that takes.
pub(crate) fn suspect(path: &Path) -> Result<(), Error> {
    File::create(beside(path, "suspect")).and_then(|file| file.sync_all()).map_err(io)
}

/// Whether a database that was opened is whole, as far as that can be told quickly, or has to be.
pub(crate) fn check(path: &Path, connection: &Connection) -> Result<(), Error> {
    let is_short = path.metadata().is_ok_and(|file| file.len() <= CHECKED_AT_ONCE);
    let is_suspect = beside(path, "suspect").exists();
    if is_short || is_suspect {
        quick_check(connection)?;
    }
    if is_suspect {
        fs::remove_file(beside(path, "suspect")).map_err(io)?;
    }
    Ok(())
}

/// What `PRAGMA quick_check` finds, and what nobody but us can have changed.
pub(crate) fn quick_check(connection: &Connection) -> Result<(), Error> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { sealed::check(connection) } else { Err(Error::Corrupt(verdict)) }
}

/// Puts a new database in the place of a damaged one.
pub(crate) fn restore(path: &Path, reason: &str) -> Result<(), Error> {
    restore_from(&beside(path, "copy"), path, (reason, "damaged"))?;
    match fs::remove_file(beside(path, "suspect")) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(error)),
        _ => Ok(()),
    }
}

/// Puts a database made of a copy, and of the records of the one that is there, in its place; that one stays beside it under a suffix.
pub(crate) fn restore_from(copy: &Path, path: &Path, (reason, aside): (&str, &str)) -> Result<(), Error> {
    let part = beside(path, "restored.part");
    remove(&part)?;
    let copied = copy.metadata().and_then(|file| file.modified()).map_err(io)?;
    let copied = copied.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
    fs::copy(copy, &part).map_err(io)?;
    let target = schema::open(&part)?;
    quick_check(&target)?;
    // It is brought to the disk as a whole, once it is whole.
    target.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF")?;
    let saved = save_records(&target, path);
    billing::repair(&target)?;
    tell(&target, Restored { reason: reason.to_owned(), copied: Timestamp(copied), saved, left_out: (0, 0) })?;
    close(target)?;
    // Not before everything of it was read: a log beside another database would be taken for that one's.
    put_aside(path, aside)?;
    put(&part, path)
}

fn put_aside(path: &Path, suffix: &str) -> Result<(), Error> {
    let damaged = beside(path, suffix);
    remove(&damaged)?;
    for suffix in ["-wal", "-shm"] {
        match fs::rename(format!("{}{suffix}", path.display()), format!("{}{suffix}", damaged.display())) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    fs::hard_link(path, &damaged).map_err(io)
}

/// Writes the event, under a number that none before can have had.
fn tell(target: &Connection, mut restored: Restored) -> Result<(), Error> {
    let last = event_log::last_used(target)?;
    let seq = last + LEFT_OUT + 1;
    restored.left_out = (last + 1, seq - 1);
    let at: i64 =
        target.query_row("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000", [], |row| row.get(0))?;
    let data = serde_json::to_string(&restored)?;
    tracing::error!(%data, "the database was restored");
    target.execute("DELETE FROM cursor WHERE name = ?1", [LATEST])?;
    let entry =
        event_log::Entry { at: Timestamp(at), kind: "database_restored", resource_id: Uuid::nil(), data: &data };
    event_log::append(target, seq, &entry, None)
}

/// Saves what can be read of the records of a damaged database.
fn save_records(target: &Connection, path: &Path) -> BTreeMap<&'static str, usize> {
    let mut saved = BTreeMap::new();
    if let Err(error) = target.execute("ATTACH ?1 AS damaged", [path.to_string_lossy()]) {
        tracing::warn!(%error, "nothing of the damaged database can be read");
        return saved;
    }
    for table in RECORDS {
        match save_table(target, table) {
            Ok(rows) => _ = saved.insert(table, rows),
            Err(error) => tracing::warn!(%error, table, "nothing of it could be saved"),
        }
    }
    // How far readers had come, where that is known better than from the copy.
    let newer = "INSERT INTO cursor (name, seq) SELECT name, seq FROM damaged.cursor WHERE true
                 ON CONFLICT (name) DO UPDATE SET seq = max(seq, excluded.seq)";
    if let Err(error) = target.execute(newer, []) {
        tracing::warn!(%error, "readers go on where they were when the copy was made");
    }
    if let Err(error) = target.execute("DETACH damaged", []) {
        tracing::warn!(%error, "the damaged database stays attached");
    }
    saved
}

fn save_table(target: &Connection, table: &str) -> Result<usize, Error> {
    let known = columns(target, "main", table)?;
    let there = columns(target, "damaged", table)?;
    let common: Vec<String> = known.into_iter().filter(|column| there.contains(column)).collect();
    let list = common.join(", ");
    let has_rows = target.prepare(&format!("SELECT rowid FROM main.\"{table}\" LIMIT 0")).is_ok();
    if !has_rows {
        let all = format!("INSERT OR IGNORE INTO main.\"{table}\" ({list}) SELECT {list} FROM damaged.\"{table}\"");
        return Ok(target.execute(&all, [])?);
    }
    let last = format!("SELECT coalesce(max(rowid), 0) FROM damaged.\"{table}\"");
    let last = target.query_row(&last, [], |row| row.get(0)).unwrap_or(LAST_ROW);
    let first = format!("SELECT coalesce(min(rowid), 1) FROM damaged.\"{table}\"");
    let first: i64 = target.query_row(&first, [], |row| row.get(0)).unwrap_or(1);
    // A copy of another version has all that was there when it was made.
    let copied = format!("SELECT coalesce(max(rowid), 0) FROM main.\"{table}\"");
    let copied: i64 = target.query_row(&copied, [], |row| row.get(0))?;
    let first = first.max(copied + 1);
    let mut insert = target.prepare(&format!(
        "INSERT OR IGNORE INTO main.\"{table}\" ({list}) SELECT {list} FROM damaged.\"{table}\" WHERE rowid BETWEEN ?1 AND ?2"
    ))?;
    let mut saved = 0;
    for from in (first..=last).step_by(ROWS as usize) {
        let to = (from + ROWS - 1).min(last);
        saved += match insert.execute(params![from, to]) {
            Ok(rows) => rows,
            Err(_) => (from..=to).map(|row| insert.execute(params![row, row]).unwrap_or(0)).sum(),
        };
    }
    Ok(saved)
}

fn tables(connection: &Connection, database: &str) -> Result<Vec<String>, Error> {
    names(
        connection,
        &format!("SELECT name FROM {database}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"),
    )
}

fn columns(connection: &Connection, database: &str, table: &str) -> Result<Vec<String>, Error> {
    names(connection, &format!("SELECT '\"' || name || '\"' FROM pragma_table_info('{table}', '{database}')"))
}

fn names(connection: &Connection, sql: &str) -> Result<Vec<String>, Error> {
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}
