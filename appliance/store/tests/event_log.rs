//! What stays in the event log, and for whom.

use pbx::call::leg::new_record;
use pbx::call::record::AddressKind;
use pbx::call::{Address, Direction};
use pbx::{Event, EventKind, UnixMicros};
use store::event_log::LogLimits;
use store::{Durability, Item, Reader, Store, Timestamp, Writer, limits};
use uuid::Uuid;

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
fn nothing_is_deleted_that_the_cloud_has_not_read() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (mut writer, reader) = open(folder.path());
    append(&mut writer, 100);
    let read = |name: &str, seq| Item::Cursor(name.into(), seq);
    let others = [read("cloud", 40), read("webhook", 10)];
    writer.write(&others, Durability::Acknowledged).expect("it is written");
    let beyond = limits::EVENTS + 3 * limits::EVENT_SLACK;
    (0..=beyond / 4_000).for_each(|_| append(&mut writer, 4_000));
    assert_eq!(reader.event_range().expect("a log").0, 41, "by size");
    let later = Timestamp(NOW + 2 * limits::EVENT_AGE.as_micros() as i64);
    writer.trim(later).expect("it trims");
    assert_eq!(reader.event_range().expect("a log").0, 41, "by age");

    writer.write(&[read("cloud", 150)], Durability::Acknowledged).expect("it is written");
    append(&mut writer, 1);
    assert_eq!(reader.event_range().expect("a log").0, 151);
    let (_, last) = reader.event_range().expect("a log");
    writer.write(&[read("cloud", last)], Durability::Acknowledged).expect("it is written");
    append(&mut writer, 1);
    let (first, last) = reader.event_range().expect("a log");
    assert!(last - first < limits::EVENTS + limits::EVENT_SLACK, "now it is as short as it should be");
}

#[test]
fn a_log_that_nobody_reads_keeps_its_records_and_leaves_the_disk_to_others() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (mut writer, reader) = open(folder.path());
    writer.write(&[Item::Cursor("cloud".into(), 0)], Durability::Acknowledged).expect("it is written");
    // Every tenth is the end of a call.
    let party = |number: &str| Address { kind: AddressKind::Extension, target: number.into(), target_name: "".into() };
    let write = |writer: &mut Writer, from: i64| {
        let items = (from..from + 4_000).map(|number| {
            let parties = (party("1001"), party("1002"));
            let record = new_record(Uuid::from_u128(1), Direction::Incoming, parties, UnixMicros(NOW));
            let other = EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() };
            let kind = if number % 10 == 0 { EventKind::CallHungup(Box::new(record)) } else { other };
            Item::Event(Event { at: UnixMicros(NOW), kind })
        });
        writer.write(&items.collect::<Vec<_>>(), Durability::Batched).expect("it is written").latest_seq
    };
    let events = |reader: &Reader| reader.events_after(0, 100_000).expect("a log");
    const EVENTS: i64 = 8_000;
    writer.limit_log(LogLimits { events: EVENTS, ..LogLimits::default() });
    let mut latest = 0;
    while latest < EVENTS + 24_000 {
        latest = write(&mut writer, latest + 1);
    }
    assert_eq!(events(&reader).len() as i64, latest, "as long as there is room everything stays");

    // There is no more room: what is no record goes, from the oldest on.
    writer.limit_log(LogLimits { events: EVENTS, octets: 1 << 20 });
    latest = write(&mut writer, latest + 1);
    let log = events(&reader);
    let told = log.last().expect("an event");
    let thinned = limits::TRIM_STEP;
    let said = format!(r#"{{"from":1,"to":{thinned},"deleted":18000,"records_kept":true}}"#);
    assert_eq!((told.kind.as_str(), told.data.get()), ("event_log_trimmed", said.as_str()));
    let old: Vec<&str> = log.iter().filter(|event| event.seq <= thinned).map(|event| event.kind.as_str()).collect();
    assert_eq!((old.len(), old.iter().all(|kind| *kind == "call_hungup")), (2_000, true), "the records stay");
    assert_eq!(reader.event_range().expect("a log"), (thinned + 1, latest), "others find nothing with gaps");
    assert_eq!(reader.first_event().expect("a log"), 10);

    // It goes on, and in the end records go, too; the newest stay whole whatever happens.
    for _ in 0..4 {
        latest = write(&mut writer, latest + 1);
    }
    let log = events(&reader);
    let first = log.first().expect("an event").seq;
    let gone = |event: &&store::event_log::Record| event.kind == "event_log_trimmed";
    let said: Vec<&str> = log.iter().filter(gone).map(|event| event.data.get()).collect();
    assert!(said.iter().any(|said| said.contains(r#""records_kept":false"#)), "{said:#?}");
    assert!(first > 10 && first <= latest - EVENTS + 1, "{first} of {latest}");
    let newest = log.iter().filter(|event| event.seq > latest - EVENTS).count() as i64;
    assert_eq!(newest, EVENTS);
    // Once it has been read it is as short as it should be, whatever else is on the disk.
    writer.write(&[Item::Cursor("cloud".into(), latest)], Durability::Acknowledged).expect("it is written");
    (0..3).for_each(|_| latest = write(&mut writer, latest + 1));
    let (first, last) = reader.event_range().expect("a log");
    assert!(last - first < EVENTS + limits::EVENT_SLACK, "{first} to {last}");
}
