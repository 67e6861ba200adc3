//! A process that writes is killed at any moment: whatever it had acknowledged is there, and the file is whole.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pbx::directory::Extension;
use pbx::{Event, EventKind, UnixMicros};
use store::{Committed, Item, Journal, Store};
use uuid::Uuid;

use crate::killed::{KILLS, acknowledge, kill_one};

/// What the writer is called.
pub const WRITER: &str = "events";
const ENTROPY: store::Entropy = [3; 64];

/// The test.
pub fn whatever_was_acknowledged_is_there() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("tandem.db");
    let mut acknowledged = 0;
    for round in 0..KILLS {
        acknowledged = kill_one(WRITER, &path, (round, 7)).max(acknowledged);
        let (store, mut writer) = Store::open(&path, "tandem", &[0; 64]).expect("a killed writer's file opens");
        let reader = store.reader().expect("and can be read");
        reader.check().expect("and is whole");
        let latest = reader.latest_seq().expect("and has a log");
        assert!(latest >= acknowledged, "round {round}: {acknowledged} was acknowledged, {latest} is there");
        check_rows(&reader, latest);
        let next = writer.write(&[extension(latest + 1)], store::Durability::Acknowledged).expect("and can be written");
        assert_eq!(next.latest_seq, latest + 1);
        acknowledged = latest + 1;
    }
    assert!(acknowledged > 4 * KILLS as i64, "the writers wrote next to nothing: {acknowledged}");
    println!("killed {KILLS} times, {acknowledged} events kept");
}

/// The log has no gaps, and the row of each event is there with it.
fn check_rows(reader: &store::Reader, latest: i64) {
    let mut after = 0;
    while after < latest {
        let events = reader.events_after(after, 1_000).expect("the log can be read");
        for event in events {
            assert_eq!(event.seq, after + 1, "a gap");
            assert!(reader.extension(event.resource_id, store::Timestamp(0)).expect("a row").is_some());
            after = event.seq;
        }
    }
}

/// The process that is killed.
pub fn write_until_killed(path: &Path) {
    let (store, writer) = Store::open(path, "tandem", &ENTROPY).expect("the database opens");
    let mut next = store.reader().expect("a reader").latest_seq().expect("a log") + 1;
    let hooks = store::journal::Hooks {
        clock: Box::new(|| store::Timestamp(0)),
        committed: Box::new(|_| ()),
        failed: Box::new(|error| panic!("{error}")),
    };
    let journal = Journal::start(writer, hooks).expect("the store thread starts");
    let waiting = Arc::new(AtomicUsize::new(0));
    loop {
        // Small batches: a kill should fall between them as often as into one.
        while waiting.load(Ordering::Relaxed) >= 50 {
            std::thread::yield_now();
        }
        waiting.fetch_add(1, Ordering::Relaxed);
        let written = Arc::clone(&waiting);
        let items = (next..next + 1 + next % 5).map(extension).collect::<Vec<_>>();
        next += items.len() as i64;
        let done = Some(Box::new(move |committed: Committed| {
            written.fetch_sub(1, Ordering::Relaxed);
            acknowledge(committed.latest_seq);
        }) as store::journal::Done);
        let mut entry = store::journal::Entry { items, done };
        while let Err(back) = journal.submit(entry) {
            entry = back;
            std::thread::yield_now();
        }
    }
}

fn extension(number: i64) -> Item {
    let extension = Extension {
        id: Uuid::from_u128(number as u128),
        extension: number.to_string(),
        password: "secret".into(),
        name: String::new(),
        detail: String::new(),
        encryption: None,
        created: UnixMicros(number),
        updated: UnixMicros(number),
        deleted: None,
    };
    Item::Event(Event { at: UnixMicros(number), kind: EventKind::ExtensionCreated(extension) })
}
