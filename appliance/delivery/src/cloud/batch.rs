//! What one request to the cloud carries, as `docs/cloud-sync.md` says.

use std::io::Write;
use std::ops::RangeInclusive;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Timestamp, event_log};
use uuid::Uuid;

/// One record.
#[derive(Debug, Serialize)]
struct Record<'a> {
    /// What makes it the same record each time it comes.
    key: String,
    seq: i64,
    class: &'static str,
    r#type: &'a str,
    data: &'a RawValue,
    tm: Timestamp,
}

/// A request's body.
#[derive(Debug, Serialize)]
struct Body<'a> {
    appliance_id: Uuid,
    first: i64,
    last: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<Missed>,
    tm_sent: Timestamp,
    records: Vec<Record<'a>>,
}

/// Numbers that will never come: the box could not keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Missed {
    first: i64,
    last: i64,
}

/// What the cloud answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Acknowledgement {
    /// The last number up to which the cloud has everything for good.
    pub cursor: i64,
}

/// The body for some events, compressed.
pub fn body(
    appliance_id: Uuid,
    (events, missed): (&[event_log::Record], Option<&RangeInclusive<i64>>),
    now: Timestamp,
) -> std::io::Result<Vec<u8>> {
    let records = events.iter().map(|event| Record {
        key: format!("{appliance_id}-{}", event.seq),
        seq: event.seq,
        class: class_of(&event.kind),
        r#type: &event.kind,
        data: &event.data,
        tm: event.tm,
    });
    let missed = missed.map(|missed| Missed { first: *missed.start(), last: *missed.end() });
    let first = missed.map_or_else(|| events.first().map_or(0, |event| event.seq), |missed| missed.first);
    let last = events.last().map_or_else(|| missed.map_or(0, |missed| missed.last), |event| event.seq);
    let body = Body { appliance_id, first, last, missed, tm_sent: now, records: records.collect() };
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    serde_json::to_writer(&mut packed, &body)?;
    packed.flush()?;
    packed.finish()
}

/// What a record is to whoever counts them: the record of a call that is over, what is to be paid, what was recorded,
/// or a mere event.
fn class_of(kind: &str) -> &'static str {
    match kind {
        "call_hungup" => "call",
        "call_recording" | "conference_recording" | "recording_deleted" => "recording",
        kind if kind.starts_with("billing_") => "billing",
        _ => "event",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::{Value, json};

    use super::*;

    fn event(seq: i64, kind: &str) -> event_log::Record {
        let data = RawValue::from_string(r#"{"id":"x"}"#.into()).expect("JSON");
        event_log::Record {
            kind: kind.into(),
            data,
            seq,
            tm: Timestamp(1_795_342_560_000_000),
            resource_id: Uuid::nil(),
        }
    }

    fn unpacked(events: &[event_log::Record], missed: Option<RangeInclusive<i64>>) -> Value {
        let id = Uuid::from_u128(7);
        let packed = body(id, (events, missed.as_ref()), Timestamp(1_795_342_561_000_000)).expect("memory takes it");
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("it is gzip");
        serde_json::from_str(&text).expect("it is JSON")
    }

    #[test]
    fn a_body_is_as_the_document_says() {
        let found = unpacked(&[event(8, "call_hungup"), event(9, "call_recording")], None);
        let id = Uuid::from_u128(7);
        assert_eq!(
            found,
            json!({
                "appliance_id": id, "first": 8, "last": 9, "tm_sent": "2026-11-22T10:16:01.000000Z",
                "records": [
                    {"key": format!("{id}-8"), "seq": 8, "class": "call", "type": "call_hungup", "data": {"id": "x"},
                     "tm": "2026-11-22T10:16:00.000000Z"},
                    {"key": format!("{id}-9"), "seq": 9, "class": "recording", "type": "call_recording",
                     "data": {"id": "x"}, "tm": "2026-11-22T10:16:00.000000Z"},
                ],
            })
        );
    }

    #[test]
    fn what_is_lost_for_good_is_told_with_its_range() {
        let found = unpacked(&[event(12, "billing_created")], Some(5..=11));
        assert_eq!((&found["first"], &found["last"]), (&json!(5), &json!(12)));
        assert_eq!(found["missed"], json!({"first": 5, "last": 11}));
        assert_eq!(found["records"][0]["class"], "billing");
        assert_eq!(class_of("call_answered"), "event");
    }
}
