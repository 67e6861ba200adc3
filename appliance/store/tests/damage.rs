//! A database that is damaged, wherever that may be: what people configured is there again, and nobody sees a number twice.

use std::fs;
use std::path::{Path, PathBuf};

use pbx::conference::{Conferencecall, ConferencecallStatus};
use pbx::directory::Extension;
use pbx::{Event, EventKind, UnixMicros};
use store::{Durability, Error, Item, PageRequest, Reader, Store, Timestamp, Writer};
use uuid::Uuid;

const NOW: i64 = 1_795_342_560_000_000;
const PAGE: usize = 2_048;
const EXTENSIONS: u128 = 40;
const PLACES: u128 = 300;

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
        detail: "third floor".repeat(20),
        encryption: None,
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW),
        deleted: None,
    }))
}

/// A place in a conference: a record, like a call's, that is not copied.
fn place(number: u128) -> Item {
    let (id, status) = (Uuid::from_u128(number), ConferencecallStatus::Leaved);
    let (created, updated) = (UnixMicros(NOW), UnixMicros(NOW));
    let place = Conferencecall { id, conference_id: Uuid::nil(), call_id: id, status, created, updated };
    event(EventKind::ConferencecallLeaved(Box::new(place)))
}

/// A database with extensions, which are copied, and places in conferences, which are not; closed.
fn filled() -> (tempfile::TempDir, PathBuf, i64) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("tandem.db");
    let (_, mut writer) = open(&path).expect("it opens");
    let write = |writer: &mut Writer, items: Vec<Item>| {
        writer.write(&items, Durability::Acknowledged).expect("it is written").latest_seq
    };
    write(&mut writer, (1_000..1_000 + EXTENSIONS).map(extension).collect());
    assert!(writer.needs_copy());
    writer.make_copy().expect("it is copied");
    let latest = write(&mut writer, (1..=PLACES).map(place).collect());
    assert!(!writer.needs_copy(), "places are no reason for another copy");
    (folder, path, latest)
}

fn extensions(reader: &Reader) -> usize {
    reader.extensions(PageRequest::default(), Timestamp(NOW)).expect("a page").result.len()
}

/// What `database_restored` says, if it was restored.
fn restored(reader: &Reader) -> Option<(i64, serde_json::Value)> {
    let latest = reader.latest_seq().expect("a log");
    let last = reader.events_after(latest - 1, 1).expect("an event").pop()?;
    let data = serde_json::from_str(last.data.get()).expect("JSON");
    (last.kind == "database_restored").then_some((last.seq, data))
}

/// Opens a damaged database and holds that all is well with what comes of it.
fn assert_whole(path: &Path, latest: i64, what: &str) -> Option<serde_json::Value> {
    let (store, mut writer) = open(path).unwrap_or_else(|error| panic!("{what}: {error}"));
    let reader = store.reader().expect("it can be read");
    reader.check().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(extensions(&reader), EXTENSIONS as usize, "{what}");
    assert_eq!(store.identity().token_key, [9; 32], "{what}: the box is who it was");
    let told = restored(&reader);
    if let Some((seq, told)) = &told {
        assert!(*seq > latest, "{what}: {seq} was used before");
        assert_eq!(told["left_out"][1], seq - 1, "{what}: {told}");
        assert!(path.with_file_name("tandem.db-damaged").exists(), "{what}");
    }
    let next = writer.write(&[extension(5_000)], Durability::Acknowledged).expect("it can be written");
    assert_eq!(next.latest_seq, reader.latest_seq().expect("a log"), "{what}");
    told.map(|(_, told)| told)
}

#[test]
fn whichever_page_is_damaged_what_was_configured_is_there() {
    let (folder, path, latest) = filled();
    let whole = fs::read(&path).expect("the file");
    let copy = fs::read(folder.path().join("tandem.db-copy")).expect("the copy");
    let key = fs::read(folder.path().join("box.key")).expect("the key");
    assert!(copy.len() < whole.len(), "{} of {}", copy.len(), whole.len());
    let (mut restorations, mut places) = (0, 0);
    // The first pages are the header and the roots of the tables.
    let tried: Vec<usize> = (0..whole.len() / PAGE).filter(|page| *page < 16 || page % 12 == 0).collect();
    for page in tried.iter().copied() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("tandem.db");
        let mut damaged = whole.clone();
        for (at, octet) in damaged[page * PAGE..][..PAGE].iter_mut().enumerate() {
            *octet = (at as u8).wrapping_mul(31) ^ 0xA5;
        }
        fs::write(&path, damaged).expect("a file");
        fs::write(folder.path().join("tandem.db-copy"), &copy).expect("a file");
        fs::write(folder.path().join("box.key"), &key).expect("a file");
        if let Some(told) = assert_whole(&path, latest, &format!("page {page}")) {
            restorations += 1;
            places += told["saved"]["conferencecall"].as_u64().unwrap_or_default() as usize;
        }
    }
    let pages = tried.len();
    println!(
        "{restorations} of {pages} damaged pages were noticed; {places} of {} places saved",
        restorations * PLACES as usize
    );
    assert!(restorations * 10 > pages * 9, "{restorations} of {pages}");
    assert!(places * 10 > restorations * PLACES as usize * 8, "{places} of {}", restorations * PLACES as usize);
}

#[test]
fn a_file_that_is_cut_off_emptied_or_another_one_is_replaced() {
    let (folder, path, latest) = filled();
    let whole = fs::read(&path).expect("the file");
    let text = "this is a shopping list ".repeat(1_000);
    let ways: [(&str, &[u8]); 4] = [
        ("half of it", &whole[..whole.len() / 2]),
        ("a page", &whole[..PAGE]),
        ("nothing", b""),
        ("text", text.as_bytes()),
    ];
    for (what, octets) in ways {
        fs::write(&path, octets).expect("a file");
        let told = assert_whole(&path, latest.min(100), what).unwrap_or_else(|| panic!("{what} is noticed"));
        assert!(!told["reason"].as_str().unwrap_or_default().is_empty(), "{told}");
        assert_eq!(fs::read(folder.path().join("tandem.db-damaged")).expect("it is kept"), octets, "{what}");
    }
}

#[test]
fn without_a_copy_it_says_that_it_is_damaged() {
    let (folder, path, _) = filled();
    fs::remove_file(folder.path().join("tandem.db-copy")).expect("there was one");
    fs::write(&path, "no database at all, however long one looks at it ".repeat(100)).expect("a file");
    assert!(matches!(open(&path), Err(Error::Corrupt(_))));
    let (_, damaged) = (folder, fs::read(&path).expect("it stays as it is"));
    assert!(damaged.starts_with(b"no database"));
}

#[test]
fn a_long_file_is_looked_at_in_time_and_restored_at_the_next_start() {
    let (_folder, path, latest) = filled();
    let (store, mut writer) = open(&path).expect("it opens");
    for round in 0..30 {
        let places: Vec<Item> = (0..1_000).map(|number| place(10_000 + round * 1_000 + number)).collect();
        writer.write(&places, Durability::Acknowledged).expect("it is written");
    }
    store.check().expect("it is whole");
    drop((store, writer));
    let mut octets = fs::read(&path).expect("the file");
    assert!(octets.len() > 8 << 20, "{} octets are not long", octets.len());
    let middle = octets.len() / 2 / PAGE * PAGE;
    octets[middle..middle + PAGE * 3].fill(0x5A);
    fs::write(&path, octets).expect("a file");
    let (store, writer) = open(&path).expect("it opens as if nothing were");
    assert!(matches!(store.check(), Err(Error::Corrupt(_))));
    drop((store, writer));
    let told = assert_whole(&path, latest, "a long file").expect("it is restored now");
    let saved = told["saved"]["conferencecall"].as_u64().unwrap_or_default();
    assert!(saved > 29_000, "{saved} of 30,300 places were saved");
    let (store, _writer) = open(&path).expect("it opens");
    store.check().expect("and is whole");
}
