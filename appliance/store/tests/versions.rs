//! A newer program migrates the database, and is given up: the older one goes on with its own copy, and loses no record of a call.

use std::fs;
use std::path::{Path, PathBuf};

use pbx::conference::{Conferencecall, ConferencecallStatus};
use pbx::directory::Extension;
use pbx::{Event, EventKind, UnixMicros};
use rusqlite::Connection;
use store::{Durability, Error, Item, PageRequest, Reader, Store, Timestamp, Writer};
use uuid::Uuid;

const NOW: i64 = 1_795_342_560_000_000;

fn open(path: &Path) -> Result<(Store, Writer), Error> {
    Store::open(path, "tandem.example", &[9; 64])
}

fn event(kind: EventKind) -> Item {
    Item::Event(Event { at: UnixMicros(NOW), kind })
}

fn extension(number: u128) -> Item {
    event(EventKind::ExtensionCreated(Extension {
        id: Uuid::from_u128(number),
        extension: number.to_string(),
        password: format!("secret-{number}"),
        name: "Ada".into(),
        detail: String::new(),
        encryption: None,
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW),
        deleted: None,
    }))
}

fn place(number: u128) -> Item {
    let (id, status) = (Uuid::from_u128(number), ConferencecallStatus::Leaved);
    let (created, updated) = (UnixMicros(NOW), UnixMicros(NOW));
    let place = Conferencecall { id, conference_id: Uuid::nil(), call_id: id, status, created, updated };
    event(EventKind::ConferencecallLeaved(Box::new(place)))
}

fn write(path: &Path, items: &[Item]) {
    let (_, mut writer) = open(path).expect("it opens");
    writer.write(items, Durability::Acknowledged).expect("it is written");
}

/// A database with one extension and one record; closed.
fn filled() -> (tempfile::TempDir, PathBuf, u32) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("tandem.db");
    write(&path, &[extension(1001), place(1)]);
    let known = raw(&path).query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    (folder, path, known)
}

fn raw(path: &Path) -> Connection {
    Connection::open(path).expect("it is a database")
}

fn version_copy(path: &Path, version: u32) -> PathBuf {
    PathBuf::from(format!("{}-version-{version}", path.display()))
}

/// What a program that knows one migration more does at its first start, and then writes.
fn migrate_as_a_newer_program(path: &Path, known: u32) {
    fs::copy(path, version_copy(path, known)).expect("the folder is ours");
    let newer = raw(path);
    let migration = format!(
        "ALTER TABLE conferencecall ADD COLUMN mood TEXT; ALTER TABLE extension RENAME COLUMN name TO caption;
         CREATE TABLE later (a); PRAGMA user_version = {}",
        known + 1
    );
    newer.execute_batch(&migration).expect("it migrates");
    let record = "INSERT INTO conferencecall (id, conference_id, call_id, status, created, updated, mood)
                  SELECT x'77777777777777777777777777777777', conference_id, call_id, status, created, updated, 'good'
                  FROM conferencecall LIMIT 1";
    newer.execute(record, []).expect("it writes a record");
}

fn last_event(reader: &Reader) -> (String, serde_json::Value) {
    let latest = reader.latest_seq().expect("a log");
    let last = reader.events_after(latest - 1, 1).expect("an event").pop().expect("there is one");
    (last.kind, serde_json::from_str(last.data.get()).expect("JSON"))
}

fn counts(path: &Path) -> (i64, i64) {
    let count = |sql: &str| raw(path).query_row(sql, [], |row| row.get(0)).expect("a count");
    (count("SELECT count(*) FROM extension"), count("SELECT count(*) FROM conferencecall"))
}

#[test]
fn the_older_program_goes_on_with_its_copy_and_the_records_of_the_newer_one() {
    let (_folder, path, known) = filled();
    migrate_as_a_newer_program(&path, known);
    let (store, mut writer) = open(&path).expect("it goes back");
    let reader = store.reader().expect("it can be read");
    let (kind, data) = last_event(&reader);
    assert_eq!((&*kind, &data["saved"]["conferencecall"]), ("database_restored", &1.into()), "{data}");
    assert!(data["reason"].as_str().is_some_and(|reason| reason.contains("newer version")), "{data}");
    assert_eq!(reader.extensions(PageRequest::default(), Timestamp(NOW)).expect("a page").result.len(), 1);
    writer.write(&[extension(1002), place(2)], Durability::Acknowledged).expect("it can be written");
    drop((store, writer, reader));
    assert_eq!(counts(&path), (2, 3));
    let newer: u32 = raw(&path.with_file_name("tandem.db-newer"))
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("it stays beside");
    assert_eq!(newer, known + 1);
    let (store, _writer) = open(&path).expect("it opens");
    assert_eq!(last_event(&store.reader().expect("it can be read")).0, "conferencecall_leaved", "once is enough");
}

#[test]
fn without_a_copy_a_newer_database_is_refused_and_left_alone() {
    let (_folder, path, known) = filled();
    migrate_as_a_newer_program(&path, known);
    fs::remove_file(version_copy(&path, known)).expect("it was made");
    assert!(matches!(open(&path), Err(Error::Newer { found, .. }) if found == known + 1));
    fs::write(version_copy(&path, known + 1), "of no use: it is as new").expect("the folder is ours");
    assert!(matches!(open(&path), Err(Error::Newer { .. })));
    assert_eq!(counts(&path), (1, 2));
}

#[test]
fn before_an_older_database_is_migrated_it_is_copied() {
    let (folder, path, known) = filled();
    // As it was before the last migration, which is one that this one can run anew.
    let last = include_str!("../migrations/0022_ice_transport.sql");
    let undo: String = last
        .lines()
        .filter_map(|line| line.strip_prefix("ALTER TABLE ")?.split_once(" ADD COLUMN "))
        .map(|(table, column)| {
            format!("ALTER TABLE {table} DROP COLUMN {};", column.split(' ').next().expect("a name"))
        })
        .collect();
    assert!(!undo.is_empty(), "{last}");
    let old = known - 1;
    raw(&path).execute_batch(&format!("{undo} PRAGMA user_version = {old}")).expect("it goes back");
    fs::write(version_copy(&path, 3), "of long ago").expect("the folder is ours");
    write(&path, &[extension(1002)]);
    let copy = version_copy(&path, old);
    assert_eq!(counts(&copy), (1, 1), "all of it, as it was");
    let version: u32 = raw(&copy).query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    assert_eq!(version, old);
    assert!(!version_copy(&path, 3).exists(), "older ones are of no use any more");
    assert_eq!(counts(&path), (2, 1));
    let made = copy.metadata().and_then(|file| file.modified()).expect("a time");
    write(&path, &[extension(1003)]);
    assert_eq!(copy.metadata().and_then(|file| file.modified()).expect("a time"), made, "once is enough");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(copy.metadata().expect("it is there").permissions().mode() & 0o077, 0, "it holds passwords");
    drop(folder);
}

#[test]
fn an_update_on_its_way_is_found_again() {
    let (_folder, path, _) = filled();
    let mut record = store::update::Record::none();
    record.status = store::update::UpdateStatus::Scheduled;
    record.url = Some("https://updates.example/tandem.bundle".into());
    record.when = store::update::UpdateWhen::At(Timestamp(NOW + 1));
    record.tm_update = Timestamp(NOW);
    write(&path, &[Item::Update(Box::new(record.clone()))]);
    let (store, _writer) = open(&path).expect("it opens");
    let reader = store.reader().expect("it can be read");
    assert_eq!(reader.update().expect("it can be read"), record);
    let (kind, data) = last_event(&reader);
    assert_eq!((&*kind, &data["when"]), ("update_scheduled", &"2026-11-22T10:16:00.000001Z".into()), "{data}");
}
