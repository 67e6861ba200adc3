//! A copy of the database as it was before a newer program migrated it, `<database>-version-<number>`: what an older program goes on
//! with when the newer one is given up.
//!
//! The copy has all of the database where the disk has room for that, else what [`crate::safe_copy`] copies. Going back, records that
//! the newer program has written since are taken over as far as this one can read them; the newer database stays beside the
//! new one as `<database>-newer`. What people configured meanwhile is lost, and the event `database_restored` says since when.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::safe_copy::{self, beside, io, put, remove};
use crate::{Error, limits, schema};

/// What stands between the database's name and the version's number.
const SUFFIX: &str = "version-";
/// So many times its size has to be free for a copy of all of a database, which is then there twice while it is checked.
const ROOM: u64 = 3;

/// Makes the copy where the database is of an older version than this program, and has yet to be migrated.
pub(crate) fn keep(path: &Path) -> Result<(), Error> {
    // What cannot be read is somebody else's business.
    let Some(found) = version(path).filter(|found| (1..schema::known()).contains(found)) else { return Ok(()) };
    let name = format!("{SUFFIX}{found}");
    let size: u64 = ["", "-wal"]
        .iter()
        .filter_map(|end| fs::metadata(format!("{}{end}", path.display())).ok())
        .map(|file| file.len())
        .sum();
    tracing::info!(found, known = schema::known(), "the database is copied before it is migrated");
    let copied =
        if has_room(path, size.saturating_mul(ROOM)) { copy_all(path, &name) } else { Err(Error::Full(name.clone())) };
    match copied {
        Err(Error::Full(_)) => {
            tracing::warn!("the disk has no room for a copy of all of the database: the records are left out");
            safe_copy::make_as(path, &name)?;
        }
        copied => copied?,
    }
    for (number, other) in copies(path) {
        if number != found {
            remove(&other)?;
        }
    }
    Ok(())
}

/// The copy of the latest version that this program can open.
pub(crate) fn latest(path: &Path) -> Option<PathBuf> {
    let known = copies(path).into_iter().filter(|(number, _)| *number <= schema::known());
    known.max_by_key(|(number, _)| *number).map(|(_, copy)| copy)
}

/// Puts a database that this program can open in the place of one that it cannot.
pub(crate) fn go_back(path: &Path, found: u32) -> Result<(), Error> {
    let Some(copy) = latest(path) else { return Ok(()) };
    let known = schema::known();
    let reason = format!("a newer version has written it ({found}, and this one knows {known})");
    safe_copy::restore_from(&copy, path, (&reason, "newer"))
}

fn copy_all(path: &Path, name: &str) -> Result<(), Error> {
    let part = beside(path, &format!("{name}.part"));
    remove(&part)?;
    OpenOptions::new().create(true).append(true).mode(0o600).open(&part).map_err(io)?;
    let made = open(path)?.execute("VACUUM INTO ?1", [part.to_string_lossy()]);
    let checked = made.map_err(Error::from).and_then(|_| {
        let verdict: String = open(&part)?.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict == "ok" { Ok(()) } else { Err(Error::Corrupt(verdict)) }
    });
    match checked {
        Ok(()) => put(&part, &beside(path, name)),
        Err(error) => {
            remove(&part)?;
            Err(error)
        }
    }
}

fn version(path: &Path) -> Option<u32> {
    open(path).ok()?.query_row("PRAGMA user_version", [], |row| row.get(0)).ok()
}

fn open(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits::BUSY)?;
    Ok(connection)
}

/// Whether the disk has so many octets left for us.
fn has_room(path: &Path, octets: u64) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= octets)
}

/// All copies, by their versions.
fn copies(path: &Path) -> Vec<(u32, PathBuf)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let start = format!("{}-{SUFFIX}", path.file_name().unwrap_or_default().to_string_lossy());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let copy =
        |entry: fs::DirEntry| Some((entry.file_name().to_str()?.strip_prefix(&start)?.parse().ok()?, entry.path()));
    entries.filter_map(copy).collect()
}
