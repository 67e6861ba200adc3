//! Opening the file, and bringing an older one up to date.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::sealed::BoxKey;
use crate::{Error, limits};

/// In order; the database's `user_version` is how many of them it has seen. None is ever changed, only added.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_conference.sql"),
    include_str!("../migrations/0003_recording.sql"),
    include_str!("../migrations/0004_quality.sql"),
    include_str!("../migrations/0005_flow.sql"),
    include_str!("../migrations/0006_conference_recording.sql"),
    include_str!("../migrations/0007_groupcall.sql"),
    include_str!("../migrations/0008_tag.sql"),
    include_str!("../migrations/0009_accesskey.sql"),
    include_str!("../migrations/0010_activeflow_alone.sql"),
    include_str!("../migrations/0011_trunk.sql"),
    include_str!("../migrations/0012_recording_storage.sql"),
    include_str!("../migrations/0013_sealed.sql"),
    include_str!("../migrations/0014_webhook_delivery.sql"),
    include_str!("../migrations/0015_billing.sql"),
    include_str!("../migrations/0016_boot.sql"),
    include_str!("../migrations/0017_outbound_config.sql"),
    include_str!("../migrations/0018_number_rtp_debug.sql"),
    include_str!("../migrations/0019_direct_hash.sql"),
    include_str!("../migrations/0020_encryption.sql"),
    include_str!("../migrations/0021_belonging.sql"),
    include_str!("../migrations/0022_ice_transport.sql"),
];

/// `TNDM`, in the file's header: what tells our file from another program's.
const APPLICATION_ID: i64 = 0x544E_444D;

/// How many of them there are: the version of a database that this program writes.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Octets of a page.
pub(crate) const PAGE: u32 = 2_048;

/// Opens the file for writing and makes or migrates its tables. Only its owner may read it: it holds passwords.
pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    let failed = |reason: String| Error::Open { path: path.to_owned(), reason };
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|error| failed(error.to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| failed(error.to_string()))?;
    connection.busy_timeout(limits::BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    let foreign = check_owner(&connection)?;
    if foreign {
        return Err(Error::Foreign(path.to_owned()));
    }
    // Of a new file: with pages as short as that, a call writes less than half as much to the flash.
    connection.pragma_update(None, "page_size", PAGE)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(failed(format!("this disk cannot hold a write-ahead log (journal mode {mode})")));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048; PRAGMA journal_size_limit = 16777216;",
    )?;
    key(path)?.teach(&connection)?;
    // What is sealed now must not stay readable where it was.
    connection.execute_batch("PRAGMA secure_delete = ON")?;
    migrate(&mut connection, path, MIGRATIONS)?;
    connection.execute_batch("PRAGMA secure_delete = OFF")?;
    Ok(connection)
}

/// How many migrations this program knows.
pub(crate) fn known() -> u32 {
    MIGRATIONS.len() as u32
}

/// Opens the file for reading only.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| Error::Open { path: path.to_owned(), reason: error.to_string() })?;
    connection.busy_timeout(limits::BUSY)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -512;")?;
    key(path)?.teach(&connection)?;
    Ok(connection)
}

/// The key of the box whose database this is.
fn key(path: &Path) -> Result<BoxKey, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    BoxKey::open(folder).map_err(|error| Error::Open { path: path.to_owned(), reason: error.to_string() })
}

fn check_owner(connection: &Connection) -> Result<bool, Error> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let owner: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    Ok(tables > 0 && owner != APPLICATION_ID)
}

fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), Error> {
    let known = migrations.len() as u32;
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    for (number, migration) in (1..).zip(migrations).skip(found as usize) {
        tracing::info!(number, "migrating the database");
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// A database as a program made it that knew so many migrations.
#[cfg(test)]
pub(crate) fn open_older(path: &Path, known: usize) -> Result<Connection, Error> {
    let mut connection = Connection::open(path)?;
    key(path)?.teach(&connection)?;
    migrate(&mut connection, path, &MIGRATIONS[..known])?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("tandem.db");
        (folder, path)
    }

    #[test]
    fn another_migration_keeps_what_the_first_one_held() {
        let (_folder, path) = file();
        let mut connection = open(&path).expect("a new file opens");
        connection.execute("INSERT INTO setting (name, value) VALUES ('a', x'01')", []).expect("a row");
        let mut longer = MIGRATIONS.to_vec();
        longer.push("ALTER TABLE setting ADD COLUMN note TEXT; UPDATE setting SET note = 'kept'");
        migrate(&mut connection, &path, &longer).expect("another migration runs");
        let note: String = connection.query_row("SELECT note FROM setting", [], |row| row.get(0)).expect("the row");
        assert_eq!(note, "kept");
    }

    #[test]
    fn a_failing_migration_leaves_the_version_as_it_was() {
        let (_folder, path) = file();
        let mut connection = open(&path).expect("a new file opens");
        let mut broken = MIGRATIONS.to_vec();
        broken.push("CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)");
        assert!(migrate(&mut connection, &path, &broken).is_err());
        let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
        let half: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'half'", [], |row| row.get(0))
            .expect("a count");
        assert_eq!((version as usize, half), (MIGRATIONS.len(), 0));
    }

    #[test]
    fn what_was_readable_is_sealed() {
        const SECRET: &str = "this-is-the-password";
        let (_folder, path) = file();
        let before = MIGRATIONS.iter().position(|sql| sql.contains("seal(password)")).expect("it is one of them");
        let mut old = Connection::open(&path).expect("a file");
        migrate(&mut old, &path, &MIGRATIONS[..before]).expect("they run");
        let plain = format!(
            "INSERT INTO extension (id, extension, password, name, detail, created, updated)
                 VALUES (x'01', '1001', '{SECRET}', '', '', 1, 1);
             INSERT INTO provider (id, data, created, updated) VALUES (x'02', '{{\"password\":\"{SECRET}\"}}', 1, 1);
             INSERT INTO trunk (id, data, created, updated) VALUES (x'03', '{{\"password\":\"{SECRET}\"}}', 1, 1);"
        );
        old.execute_batch(&plain).expect("rows");
        drop(old);
        let connection = open(&path).expect("it is brought up to date");
        for sql in ["password FROM extension", "data FROM provider", "data FROM trunk"] {
            let ask = |sql: String| connection.query_row(&sql, [], |row| row.get::<_, String>(0)).expect("a row");
            let (column, table) = sql.split_once(' ').expect("two words");
            assert!(!ask(format!("SELECT {sql}")).contains(SECRET), "{sql}");
            assert!(ask(format!("SELECT unseal({column}) {table}")).contains(SECRET), "{sql}");
        }
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("nobody reads");
        for name in ["tandem.db", "tandem.db-wal"] {
            let octets = std::fs::read(path.with_file_name(name)).expect(name);
            assert!(!octets.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_newer_file_is_refused_in_words() {
        let (_folder, path) = file();
        open(&path).expect("a new file opens").pragma_update(None, "user_version", 99).expect("a version");
        let error = open(&path).expect_err("a newer file is refused").to_string();
        let known = MIGRATIONS.len();
        assert!(error.contains(&format!("version 99, this program knows {known}")), "{error}");
    }

    #[test]
    fn files_that_are_not_ours_are_refused_and_left_alone() {
        let (_folder, path) = file();
        std::fs::write(&path, "this is a shopping list, and it is longer than one hundred bytes ".repeat(20))
            .expect("a file");
        assert!(matches!(open(&path), Err(Error::Corrupt(_))));
        let (_folder, path) = file();
        Connection::open(&path).expect("a file").execute_batch("CREATE TABLE theirs (a)").expect("a table");
        assert!(matches!(open(&path), Err(Error::Foreign(_))));
        assert!(matches!(open(Path::new("/proc/nowhere/tandem.db")), Err(Error::Open { .. })));
    }

    #[test]
    fn only_the_owner_may_read_the_passwords() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path) = file();
        let connection = open(&path).expect("a new file opens");
        connection.execute("INSERT INTO setting (name, value) VALUES ('a', x'01')", []).expect("a row");
        for name in ["tandem.db", "tandem.db-wal", "tandem.db-shm"] {
            let mode = std::fs::metadata(path.with_file_name(name)).expect(name).permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}");
        }
    }
}
