//! What stays in the event log, and for whom.

use pbx::{Event, EventKind, UnixMicros};
use store::{Durability, Item, Reader, Store, Timestamp, Writer, limits};

const NOW: i64 = 1_795_342_560_000_000;

fn open(folder: &std::path::Path) -> (Writer, Reader) {
    let (store, writer) = Store::open(&folder.join("tandem.db"), "tandem.example", &[9; 64]).expect("it opens");
    let reader = store.reader().expect("it can be read");
    (writer, reader)
}

fn append(writer: &mut Writer, count: i64) {
    let kind = EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() };
    let items: Vec<Item> = (0..count).map(|_| Item::Event(Event { at: UnixMicros(NOW), kind: kind.clone() })).collect();
    writer.write(&items, Durability::Batched).expect("it is written");
}

#[test]
fn nothing_is_deleted_that_the_cloud_or_billing_has_not_read() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (mut writer, reader) = open(folder.path());
    append(&mut writer, 100);
    let read = |name: &str, seq| Item::Cursor(name.into(), seq);
    let others = [read("cloud", 40), read("billing", 70), read("webhook", 10)];
    writer.write(&others, Durability::Acknowledged).expect("it is written");
    let beyond = limits::EVENTS + 3 * limits::EVENT_SLACK;
    (0..=beyond / 4_000).for_each(|_| append(&mut writer, 4_000));
    assert_eq!(reader.event_range().expect("a log").0, 41, "by size");
    let later = Timestamp(NOW + 2 * limits::EVENT_AGE.as_micros() as i64);
    writer.trim(later).expect("it trims");
    assert_eq!(reader.event_range().expect("a log").0, 41, "by age");

    writer.write(&[read("cloud", 150)], Durability::Acknowledged).expect("it is written");
    append(&mut writer, 1);
    assert_eq!(reader.event_range().expect("a log").0, 71, "the one that has read least counts");
    let dropped = Item::CursorDropped("billing".into());
    writer.write(&[dropped], Durability::Acknowledged).expect("it is written");
    append(&mut writer, 1);
    assert_eq!(reader.event_range().expect("a log").0, 151);
    let (_, last) = reader.event_range().expect("a log");
    writer.write(&[read("cloud", last)], Durability::Acknowledged).expect("it is written");
    append(&mut writer, 1);
    let (first, last) = reader.event_range().expect("a log");
    assert!(last - first < limits::EVENTS + limits::EVENT_SLACK, "now it is as short as it should be");
}
