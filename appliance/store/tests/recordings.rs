//! Recordings: what a batch leaves behind of them, and what a restart makes of those that were not ended.

use std::time::Duration;

use pbx::recording::{Recorded, RecordedFile, RecordingEnd, RecordingFormat, RecordingRecord, RecordingStatus};
use pbx::{Event, EventKind, UnixMicros};
use store::recording::{self, Found, RecordingEndedBy};
use store::{Durability, Item, PageRequest, Reader, Store, Timestamp, Writer};
use uuid::Uuid;

const NOW: i64 = 1_795_342_560_000_000;

fn open() -> (tempfile::TempDir, Writer, Reader) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (store, writer) = Store::open(&folder.path().join("tandem.db"), "tandem.example", &[9; 64]).expect("it opens");
    let reader = store.reader().expect("it can be read");
    (folder, writer, reader)
}

fn recording(number: u128, status: RecordingStatus) -> RecordingRecord {
    RecordingRecord {
        id: Uuid::from_u128(number),
        of: Recorded::Call(Uuid::from_u128(number + 1_000)),
        status,
        format: RecordingFormat::Mp3,
        on_end_flow_id: Some(Uuid::from_u128(5)),
        end: (status >= RecordingStatus::Stopping).then_some(RecordingEnd::Key),
        failure: None,
        file: (status == RecordingStatus::Ended).then(|| file(number)),
        created: UnixMicros(NOW),
        updated: UnixMicros(NOW + 9),
        started: (status >= RecordingStatus::Recording).then_some(UnixMicros(NOW + 1)),
        ended: (status >= RecordingStatus::Stopping).then_some(UnixMicros(NOW + 8)),
    }
}

fn file(number: u128) -> RecordedFile {
    let path = format!("2026-11-22/{}.mp3", Uuid::from_u128(number));
    RecordedFile { path, format: RecordingFormat::Mp3, octets: 4_321, duration: Duration::from_millis(7_250) }
}

fn item(recording: RecordingRecord) -> Item {
    Item::Event(Event { at: UnixMicros(NOW), kind: EventKind::Recording(Box::new(recording)) })
}

#[test]
fn a_row_equals_its_last_event_which_belongs_to_the_call() {
    let (_folder, mut writer, reader) = open();
    let states =
        [RecordingStatus::Initiating, RecordingStatus::Recording, RecordingStatus::Stopping, RecordingStatus::Ended];
    let items: Vec<_> = states.into_iter().map(|status| item(recording(1, status))).collect();
    writer.write(&items, Durability::Acknowledged).expect("it is written");
    let expected = recording::Record::new(&recording(1, RecordingStatus::Ended), reader.identity());
    assert_eq!(reader.recording(Uuid::from_u128(1)).expect("it is read"), Some(expected.clone()));
    let events = reader.events_after(0, 10).expect("they are read");
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.kind == "call_recording" && event.resource_id == Uuid::from_u128(1_001)));
    assert_eq!(events[3].data.get(), serde_json::to_string(&expected).expect("JSON"));
    assert!(!events[3].data.get().contains("2026-11-22/"), "where the file is concerns nobody outside");
    for number in 2..5 {
        writer.write(&[item(recording(number, RecordingStatus::Ended))], Durability::Batched).expect("it is written");
    }
    let page = reader.recordings(PageRequest::new(3, "").expect("a page")).expect("it is read");
    let ids: Vec<_> = page.result.iter().map(|record| record.id.as_u128()).collect();
    assert_eq!((ids, page.next_page_token.is_empty()), (vec![4, 3, 2], false));
}

#[test]
fn those_that_were_not_ended_at_a_crash_are_ended_once() {
    let (_folder, mut writer, reader) = open();
    let states = [(1, RecordingStatus::Recording), (2, RecordingStatus::Stopping), (3, RecordingStatus::Ended)];
    let mut items: Vec<_> = states.into_iter().map(|(number, status)| item(recording(number, status))).collect();
    items.push(item(recording(4, RecordingStatus::Initiating)));
    writer.write(&items, Durability::Acknowledged).expect("it is written");
    assert_eq!(reader.unfinished_recordings().expect("they are read").len(), 3);
    let later = Timestamp(NOW + 60_000_000);
    let found = [1, 2].map(|number| Found { id: Uuid::from_u128(number), file: file(number) });
    assert_eq!(writer.close_interrupted_recordings(later, &found).expect("it is written"), 3);
    assert_eq!(writer.close_interrupted_recordings(later, &found).expect("it is written"), 0);
    let get = |number| reader.recording(Uuid::from_u128(number)).expect("it is read").expect("it is there");
    let cut = get(1);
    assert_eq!(cut.status, recording::RecordingStatus::Ended);
    assert_eq!((cut.metadata.ended_by, cut.metadata.duration_ms), (RecordingEndedBy::Failed, Some(7_250)));
    assert_eq!(cut.tm_end, Some(Timestamp(NOW + 1 + 7_250_000)), "it ended where its file does");
    assert_eq!(cut.path, Some(file(1).path));
    let stopped = get(2);
    assert_eq!((stopped.metadata.ended_by, stopped.tm_end), (RecordingEndedBy::Key, Some(Timestamp(NOW + 8))));
    let lost = get(4);
    assert_eq!((lost.path, lost.metadata.failure.as_deref()), (None, Some("its file was not found")));
    assert_eq!(get(3).tm_update, Timestamp(NOW + 9), "what was ended stays as it was");
    assert_eq!(reader.latest_seq().expect("it is read"), 4 + 3);
}

#[test]
fn a_file_that_was_converted_late_takes_the_place_of_the_first() {
    let (_folder, mut writer, reader) = open();
    writer.write(&[item(recording(1, RecordingStatus::Ended))], Durability::Acknowledged).expect("it is written");
    let late = RecordedFile { octets: 99, format: RecordingFormat::Wav, ..file(7) };
    let filed =
        |number| Item::RecordingFiled(Found { id: Uuid::from_u128(number), file: late.clone() }, Timestamp(NOW + 30));
    writer.write(&[filed(1), filed(2)], Durability::Batched).expect("it is written");
    let record = reader.recording(Uuid::from_u128(1)).expect("it is read").expect("it is there");
    assert_eq!((record.path, record.metadata.octets), (Some(late.path.clone()), Some(99)));
    assert_eq!((record.format, record.tm_update), (recording::RecordingFormat::Wav, Timestamp(NOW + 30)));
    assert_eq!(record.tm_end, Some(Timestamp(NOW + 8)), "it ended when it ended");
    assert_eq!(reader.latest_seq().expect("it is read"), 2, "nobody hears of one that is not there");
    writer
        .write(&[Item::RecordingDeleted(Uuid::from_u128(1), Timestamp(NOW + 40)), filed(1)], Durability::Batched)
        .expect("it is written");
    assert_eq!(reader.latest_seq().expect("it is read"), 3, "nor of one that is deleted");
}

#[test]
fn only_one_that_is_ended_can_be_deleted() {
    let (_folder, mut writer, reader) = open();
    let items = [item(recording(1, RecordingStatus::Recording)), item(recording(2, RecordingStatus::Ended))];
    writer.write(&items, Durability::Acknowledged).expect("it is written");
    let delete = [1, 2].map(|number| Item::RecordingDeleted(Uuid::from_u128(number), Timestamp(NOW + 20)));
    writer.write(&delete, Durability::Acknowledged).expect("it is written");
    let there = |number| reader.recording(Uuid::from_u128(number)).expect("it is read").is_some();
    assert!(there(1) && !there(2));
    let events = reader.events_after(2, 10).expect("they are read");
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["recording_deleted"]);
}
