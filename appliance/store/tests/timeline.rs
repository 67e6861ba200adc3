//! A clock that is years wrong until somebody tells the time: what was noted is dated anew, and nothing goes because of it.

use pbx::call::record::AddressKind;
use pbx::call::{Address, CallRecord, Direction, Status};
use pbx::{Event, EventKind, UnixMicros};
use store::{Boot, Durability, Item, Reader, Store, Timestamp, Writer, limits};
use uuid::Uuid;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3_600 * SECOND;
/// What the time really is.
const TRUE: i64 = 1_795_342_560 * SECOND;

fn open(folder: &std::path::Path, boot: Boot) -> (Writer, Reader) {
    let (store, mut writer) = Store::open(&folder.join("tandem.db"), "tandem.example", &[9; 64]).expect("it opens");
    writer.begin_boot(boot).expect("it is written");
    let reader = store.reader().expect("it can be read");
    (writer, reader)
}

fn boot(id: u128, uptime: i64, now: i64) -> Boot {
    Boot { id: Uuid::from_u128(id), uptime, now: Timestamp(now) }
}

fn at(at: i64) -> Item {
    Item::Event(Event { at: UnixMicros(at), kind: EventKind::SourceUnblocked { source: [192, 0, 2, 1].into() } })
}

fn set(from: i64, to: i64) -> Item {
    let kind = EventKind::ClockCorrected { from: UnixMicros(from), to: UnixMicros(to) };
    Item::Event(Event { at: UnixMicros(to), kind })
}

fn write(writer: &mut Writer, items: &[Item]) {
    writer.write(items, Durability::Acknowledged).expect("it is written");
}

/// The uptimes and the corrected times of all events.
fn moments(reader: &Reader) -> Vec<(i64, i64)> {
    let events = reader.events_after(0, 100).expect("a log");
    events.iter().map(|event| event.moment.expect("the boot is known")).map(|it| (it.uptime, it.corrected.0)).collect()
}

#[test]
fn events_keep_the_time_since_the_boot_and_get_the_right_one_later() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (mut writer, reader) = open(folder.path(), boot(1, 10 * SECOND, 10 * SECOND));
    write(&mut writer, &[at(11 * SECOND), at(12 * SECOND)]);
    assert_eq!(moments(&reader), [(11 * SECOND, 11 * SECOND), (12 * SECOND, 12 * SECOND)]);
    // Twenty seconds after the boot the clock is set; something from before it is written after it.
    write(&mut writer, &[set(20 * SECOND, TRUE), at(19 * SECOND), at(TRUE + SECOND)]);
    let wanted: Vec<(i64, i64)> =
        [11, 12, 20, 19, 21].map(|uptime| (uptime * SECOND, TRUE + (uptime - 20) * SECOND)).into();
    assert_eq!(moments(&reader), wanted);
    let events = reader.events_after(2, 1).expect("a log");
    assert_eq!(events[0].kind, "clock_corrected");
    assert_eq!(events[0].data.get(), r#"{"from":"1970-01-01T00:00:20.000000Z","to":"2026-11-22T10:16:00.000000Z"}"#);
    assert_eq!(events[0].tm, Timestamp(TRUE), "it is told by the new clock");

    // The process starts anew; somebody set the clock back meanwhile.
    drop((writer, reader));
    let (mut writer, reader) = open(folder.path(), boot(1, 30 * SECOND, TRUE + 9 * SECOND));
    write(&mut writer, &[at(TRUE + 10 * SECOND)]);
    assert_eq!(moments(&reader)[0], (11 * SECOND, TRUE - 10 * SECOND));
    assert_eq!(moments(&reader)[5], (31 * SECOND, TRUE + 10 * SECOND));

    // The next boot begins in 1970 again.
    drop((writer, reader));
    let (mut writer, reader) = open(folder.path(), boot(2, 3 * SECOND, 3 * SECOND));
    write(&mut writer, &[at(4 * SECOND)]);
    let last = reader.events_after(6, 1).expect("a log").pop().and_then(|event| event.moment).expect("it is known");
    assert_eq!((last.boot_id, last.uptime), (Uuid::from_u128(2), 4 * SECOND));
    assert_eq!(moments(&reader)[5], (31 * SECOND, TRUE + 10 * SECOND), "the other boot's time stands");
}

#[test]
fn a_call_of_before_is_dated_anew_and_lasts_as_long_as_it_did() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (mut writer, reader) = open(folder.path(), boot(1, 10 * SECOND, 10 * SECOND));
    let call = |id: u128, created: i64| {
        let party =
            |number: &str| Address { kind: AddressKind::Extension, target: number.into(), target_name: String::new() };
        let (source, destination) = (party("1001"), party("1002"));
        let id = Uuid::from_u128(id);
        let mut record =
            pbx::call::leg::new_record(id, Direction::Incoming, (source, destination), UnixMicros(created));
        (record.status, record.hungup) = (Status::Hangup, Some(UnixMicros(created + 5 * SECOND)));
        record.progressing = Some(UnixMicros(created + 2 * SECOND));
        Item::Event(Event { at: UnixMicros(created), kind: EventKind::CallHungup(Box::new(record) as Box<CallRecord>) })
    };
    // One of a day on which the clock was right, and one of this boot.
    write(&mut writer, &[call(1, TRUE - DAY), call(2, 12 * SECOND)]);
    write(&mut writer, &[set(20 * SECOND, TRUE)]);
    let read = |id: u128| reader.call(Uuid::from_u128(id)).expect("a row").expect("it is there");
    assert_eq!(read(1).tm_create, Timestamp(TRUE - DAY));
    let found = read(2);
    assert_eq!((found.tm_create, found.tm_update), (Timestamp(TRUE - 8 * SECOND), Timestamp(TRUE - 8 * SECOND)));
    assert_eq!(found.tm_progressing, Some(Timestamp(TRUE - 6 * SECOND)));
    assert_eq!(found.tm_hangup, Some(Timestamp(TRUE - 3 * SECOND)));
}

#[test]
fn nothing_goes_by_days_until_a_clock_that_jumped_has_stood_for_a_day() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (mut writer, reader) = open(folder.path(), boot(1, 0, TRUE));
    write(&mut writer, &[at(TRUE), at(TRUE + SECOND), at(TRUE + 2 * SECOND)]);
    let trim = |writer: &mut Writer, now: i64| writer.trim(Timestamp(now)).expect("it trims").events;
    let age = limits::EVENT_AGE.as_micros() as i64;
    assert_eq!(trim(&mut writer, TRUE + 10 * SECOND), 0);

    // Somebody says that it is 2099.
    let wrong = TRUE + 73 * 365 * DAY;
    write(&mut writer, &[set(TRUE + 20 * SECOND, wrong)]);
    assert!(reader.doubts_clock().expect("a row"));
    assert_eq!(trim(&mut writer, wrong + DAY - SECOND), 0);
    assert_eq!(reader.event_range().expect("a log").0, 1);
    // It was a mistake.
    write(&mut writer, &[set(wrong + DAY, TRUE + DAY + 20 * SECOND)]);
    assert!(!reader.doubts_clock().expect("a row"));
    assert_eq!(trim(&mut writer, TRUE + 2 * DAY), 0, "they are two days old and no more");
    assert_eq!(trim(&mut writer, TRUE + age + DAY), 4, "and after a month they go; the newest stays");

    // Who is off for long comes back with a clock that is right, and gets the same day's grace.
    drop((writer, reader));
    let later = TRUE + 400 * DAY;
    let (mut writer, reader) = open(folder.path(), boot(2, 5 * SECOND, later));
    assert!(reader.doubts_clock().expect("a row"));
    write(&mut writer, &[at(later)]);
    assert_eq!(trim(&mut writer, later + DAY - SECOND), 0);
    assert_eq!(trim(&mut writer, later + DAY + SECOND), 1);
    assert!(!reader.doubts_clock().expect("a row"));
    // Off for a night is nothing.
    drop((writer, reader));
    let (_writer, reader) = open(folder.path(), boot(3, 5 * SECOND, later + DAY + DAY / 2));
    assert!(!reader.doubts_clock().expect("a row"));
}
