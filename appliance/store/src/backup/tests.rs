//! A backup from one folder to another, and what came of an older program.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::envelope::{Key, Sealer};
use super::*;
use crate::Writer;

const PASSPHRASE: &str = "correct horse battery";
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn box_in(folder: &Path) -> (Store, Writer) {
    Store::open(&folder.join("tandem.db"), "tandem.example", &[7; 64]).expect("a database")
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("the temporary folder is writable")
}

fn back_up(store: &Store, folder: &Path, recordings: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let backup = Backup::prepare((store, folder), PASSPHRASE, ("1.0", NOW, recordings)).expect("there is room");
    backup.write(&mut file).expect("memory takes it");
    file
}

#[test]
fn what_one_box_knew_another_knows() {
    let (old, new) = (home(), home());
    let (store, _writer) = box_in(old.path());
    let sealed = crate::sealed::BoxKey::open(old.path()).expect("it is there");
    sealed.seal("smtp", "hunter2").expect("it is writable");
    for path in ["recordings/a.wav", "sounds/de/hello.wav", "tls/authority.key", "cache/speech/x"] {
        make(old.path().join(path).parent().expect("it is in a folder")).expect("it is writable");
        fs::write(old.path().join(path), path).expect("it is writable");
    }
    let file = back_up(&store, old.path(), true);
    assert!(!old.path().join(PART).exists(), "the copy is gone");

    let (other, writer) = Store::open(&new.path().join("tandem.db"), "tandem.example", &[8; 64]).expect("a database");
    assert_ne!(other.identity(), store.identity());
    drop((other, writer));
    let unpacked = unpack(new.path(), Cursor::new(&file), PASSPHRASE).expect("it is ours");
    assert_eq!((unpacked.manifest.recordings, unpacked.manifest.tm_create), (true, NOW));
    unpacked.check("anna", NOW).expect("it is whole");
    unpacked.promote().expect("it is writable");
    assert!(place::complete(new.path()).expect("it is writable"));
    let (other, _writer) = Store::open(&new.path().join("tandem.db"), "tandem.example", &[9; 64]).expect("a database");
    assert_eq!(other.identity(), store.identity());
    let own = crate::sealed::BoxKey::open(new.path()).expect("it is there");
    assert_eq!(own.open_secret("smtp").expect("it opens").as_deref(), Some("hunter2"));
    for path in ["recordings/a.wav", "sounds/de/hello.wav", "tls/authority.key"] {
        assert_eq!(fs::read_to_string(new.path().join(path)).expect("it is there"), path);
    }
    assert!(!new.path().join("cache").exists());
    let events = other.reader().and_then(|reader| reader.events_after(0, 10)).expect("a log");
    let told = events.iter().find(|event| event.kind == "backup_restored").expect("it is told");
    assert!(told.seq > crate::safe_copy::LEFT_OUT, "{}", told.seq);
}

/// A backup with these files, made by hand.
fn by_hand(database: u32, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let key = Key::fresh(PASSPHRASE).expect("there is randomness");
    let mut out = Vec::new();
    let sealer = Sealer::begin(&key, &mut out).expect("memory takes it");
    let mut archive = tar::Builder::new(GzEncoder::new(sealer, Compression::fast()));
    let id = Uuid::nil();
    let manifest = Manifest { version: "0".into(), database, tm_create: NOW, customer_id: id, recordings: false };
    let text = serde_json::to_vec(&manifest).expect("it is JSON");
    for (name, octets) in [(MANIFEST, text)].iter().chain(files) {
        let mut head = tar::Header::new_gnu();
        head.set_size(octets.len() as u64);
        // As somebody writes it who means harm: a builder refuses some of these.
        head.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        head.set_cksum();
        archive.append(&head, &octets[..]).expect("memory takes it");
    }
    archive.into_inner().and_then(GzEncoder::finish).and_then(Sealer::finish).expect("memory takes it");
    out
}

#[test]
fn a_backup_of_an_older_program_is_brought_up_to_date() {
    let (old, new) = (home(), home());
    let path = old.path().join("tandem.db");
    drop(schema::open_older(&path, 12).expect("it is made"));
    let key = fs::read(old.path().join("box.key")).expect("it is there");
    let file = by_hand(12, &[("tandem.db", fs::read(&path).expect("it is there")), ("box.key", key)]);
    let unpacked = unpack(new.path(), Cursor::new(file), PASSPHRASE).expect("it is ours");
    unpacked.check("anna", NOW).expect("its migrations run");
    let restored = unpacked.part().join("tandem.db");
    let version: u32 = rusqlite::Connection::open(restored)
        .and_then(|connection| connection.query_row("PRAGMA user_version", [], |row| row.get(0)))
        .expect("a version");
    assert_eq!(version, schema::VERSION);
    drop(unpacked);
    assert_eq!(fs::read_dir(new.path()).expect("it is there").count(), 0, "as if it had never been");
}

#[test]
fn what_does_not_belong_is_refused_and_leaves_nothing() {
    let new = home();
    let newer = by_hand(schema::VERSION + 1, &[]);
    assert!(matches!(unpack(new.path(), Cursor::new(newer), PASSPHRASE), Err(Refusal::Newer)));
    let whole = ("tandem.db", vec![1; 10]);
    for files in [
        vec![whole.clone()],
        vec![whole.clone(), ("../escaped", vec![1])],
        vec![whole.clone(), ("/tmp/escaped-from-a-backup", vec![1])],
        vec![whole.clone(), ("tandem.lock", vec![1])],
        vec![whole.clone(), ("recordings/a.wav", vec![1])],
    ] {
        let refused = unpack(new.path(), Cursor::new(by_hand(1, &files)), PASSPHRASE).err();
        assert!(matches!(refused, Some(Refusal::Contents(_))), "{refused:?}: {files:?}");
    }
    let file = by_hand(1, &[whole, ("box.key", vec![7; 32])]);
    let unpacked = unpack(new.path(), Cursor::new(file), PASSPHRASE).expect("it looks like one");
    let refused = unpacked.check("anna", NOW).expect_err("that is no database");
    assert!(matches!(refused, Refusal::Contents(_)), "{refused}");
    drop(unpacked);
    assert_eq!(fs::read_dir(new.path()).expect("it is there").count(), 0);
    assert!(!Path::new("/tmp/escaped-from-a-backup").exists());
}
