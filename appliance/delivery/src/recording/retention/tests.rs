//! What goes from the box, when, and in which order.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use pbx::recording::{Recorded, RecordedFile, RecordingFormat, RecordingRecord, RecordingStatus};
use pbx::{Event, EventKind, UnixMicros};
use store::{Durability, Item, Store, Writer};
use uuid::Uuid;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const NOW: i64 = 1_795_342_560_000_000;

/// A box with recordings, and a clock of its own.
struct Desk {
    home: tempfile::TempDir,
    reader: Reader,
    writer: Writer,
    now: Timestamp,
}

impl Desk {
    fn new() -> Desk {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let (store, writer) = Store::open(&home.path().join("tandem.db"), "", &[1; 64]).expect("a database");
        Desk { reader: store.reader().expect("a reader"), home, writer, now: Timestamp(NOW) }
    }

    /// A recording that ended so many days ago.
    fn recorded(&mut self, number: u128, days_ago: u32, name: &str) {
        let at = UnixMicros(NOW - (DAY * days_ago).as_micros() as i64);
        let file = RecordedFile {
            path: name.into(),
            format: RecordingFormat::Wav,
            octets: 4,
            duration: Duration::from_secs(1),
        };
        let record = RecordingRecord {
            id: Uuid::from_u128(number),
            of: Recorded::Call(Uuid::from_u128(7)),
            status: RecordingStatus::Ended,
            format: RecordingFormat::Wav,
            on_end_flow_id: None,
            end: None,
            failure: None,
            file: Some(file),
            created: at,
            updated: at,
            started: Some(at),
            ended: Some(at),
        };
        std::fs::write(self.home.path().join(name), "RIFF").expect("a file");
        self.write(Item::Event(Event { at, kind: EventKind::Recording(Box::new(record)) }));
    }

    fn uploaded(&mut self, number: u128, days_ago: u32) {
        let at = Timestamp(NOW - (DAY * days_ago).as_micros() as i64);
        let id = Uuid::from_u128(number);
        self.write(Item::RecordingStored(id, Step::Begun { object: number.to_string(), upload_id: None }, at));
        self.write(Item::RecordingStored(id, Step::Uploaded { sha256: "00".into() }, at));
    }

    fn write(&mut self, item: Item) {
        self.writer.write(&[item], Durability::Batched).expect("it is written");
    }

    /// Sweeps, and gives what was told: which recording, and why it went if nobody else has it.
    fn sweep(
        &mut self,
        (bucket, box_age): (Option<&Bucket>, Option<Duration>),
        work: impl FnOnce(&mut Sweep<'_>) -> Result<(), Error>,
    ) -> Vec<(u128, Option<String>)> {
        let mut told = Vec::new();
        let rules = Rules { box_age, bucket_age: None, room: 100, last_room: 50 };
        let (folder, writer) = (self.home.path(), &mut self.writer);
        let mut tell = |record: &Record, step: Step| {
            let Step::Dropped(reason) = &step else { panic!("{step:?}") };
            told.push((record.id.as_u128(), reason.clone()));
            let item = Item::RecordingStored(record.id, step, Timestamp(NOW));
            writer.write(&[item], Durability::Batched).is_ok()
        };
        let mut sweep = Sweep { reader: &self.reader, folder, bucket, rules, now: self.now, tell: &mut tell };
        work(&mut sweep).expect("the rows can be read");
        told
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.home.path()).expect("the folder is there");
        let names = entries.flatten().map(|entry| PathBuf::from(entry.file_name()));
        let mut names: Vec<_> = names.filter(|name| name.extension().is_some_and(|it| it == "wav")).collect();
        names.sort();
        names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }
}

fn bucket() -> Bucket {
    let account = super::bucket::Account {
        endpoint: "http://192.0.2.1".into(),
        region: "r".into(),
        name: "office".into(),
        key_id: "k".into(),
        secret: "s".into(),
    };
    let agent = super::bucket::patient(ureq::Agent::config_builder()).into();
    Bucket::new(&account, agent, std::sync::Arc::new(|| Timestamp(NOW))).expect("an address")
}

#[test]
fn with_a_bucket_only_what_is_there_goes_by_age() {
    let mut desk = Desk::new();
    (1..=3).for_each(|number| desk.recorded(number, 9, &format!("{number}.wav")));
    desk.uploaded(1, 8);
    desk.uploaded(2, 1);
    let bucket = bucket();
    assert_eq!(desk.sweep((Some(&bucket), Some(7 * DAY)), |sweep| sweep.by_age()), [(1, None)]);
    assert_eq!(desk.files(), ["2.wav", "3.wav"], "the second is there for a day only, the third not at all");
    assert_eq!(desk.sweep((Some(&bucket), Some(Duration::ZERO)), |sweep| sweep.by_age()), [(2, None)]);
    assert_eq!(desk.sweep((Some(&bucket), None), |sweep| sweep.by_age()), []);
    assert_eq!(desk.files(), ["3.wav"]);
}

#[test]
fn without_a_bucket_they_go_by_age_if_one_is_set() {
    let mut desk = Desk::new();
    desk.recorded(1, 9, "1.wav");
    desk.recorded(2, 6, "2.wav");
    desk.recorded(3, 0, "3.mp3.wav");
    assert_eq!(desk.sweep((None, None), |sweep| sweep.by_age()), []);
    let reason = Some("it was kept as long as recordings are".to_owned());
    assert_eq!(desk.sweep((None, Some(7 * DAY)), |sweep| sweep.by_age()), [(1, reason.clone())]);
    let gone = desk.reader.recording(Uuid::from_u128(1)).expect("it is read").expect("the row stays");
    let is_on_box = gone.is_on_box();
    assert_eq!((gone.metadata.stored, gone.metadata.failure, is_on_box), (RecordingStored::Gone, reason, false));
    // One that is being converted is left alone.
    assert_eq!(desk.sweep((None, Some(Duration::ZERO)), |sweep| sweep.by_age()).len(), 1);
    assert_eq!(desk.files(), ["3.mp3.wav"]);
}

#[test]
fn when_the_disk_fills_uploaded_ones_go_first_and_no_more_than_needed() {
    let mut desk = Desk::new();
    (1..=5).for_each(|number| desk.recorded(number, 9, &format!("{number}.wav")));
    (3..=5).for_each(|number| desk.uploaded(number, 1));
    let bucket = bucket();
    let free = Cell::new(90);
    let room = || {
        free.set(free.get() + 5);
        Some(free.get())
    };
    let told = desk.sweep((Some(&bucket), None), |sweep| sweep.by_room(&room));
    assert_eq!(told, [(3, None)], "the oldest that is there, until 100 are free");
    free.set(10);
    let told = desk.sweep((Some(&bucket), None), |sweep| sweep.by_room(&room));
    let reason = Some("the disk was full before it could be uploaded".to_owned());
    assert_eq!(told, [(4, None), (5, None), (1, reason.clone()), (2, reason)], "then those that are nowhere else");
    let events = desk.reader.events_after(0, 100).expect("events");
    let lost = events.iter().filter(|event| event.data.get().contains("the disk was full before")).count();
    assert_eq!(lost, 2, "which is told");
}

#[test]
fn who_set_nothing_loses_nothing() {
    let mut desk = Desk::new();
    desk.recorded(1, 900, "1.wav");
    assert_eq!(desk.sweep((None, None), |sweep| sweep.by_room(&|| Some(0))), []);
    assert_eq!(desk.sweep((None, None), |sweep| sweep.by_room(&|| None)), []);
    assert_eq!(desk.files(), ["1.wav"]);
}

#[test]
fn a_file_that_is_gone_already_is_only_told() {
    let mut desk = Desk::new();
    desk.recorded(1, 9, "1.wav");
    desk.uploaded(1, 9);
    std::fs::remove_file(desk.home.path().join("1.wav")).expect("it was there");
    let bucket = bucket();
    assert_eq!(desk.sweep((Some(&bucket), Some(Duration::ZERO)), |sweep| sweep.by_age()), [(1, None)]);
    let record = desk.reader.recording(Uuid::from_u128(1)).expect("it is read").expect("the row");
    assert_eq!((record.metadata.stored, record.in_bucket()), (RecordingStored::Bucket, Some("1")));
}
