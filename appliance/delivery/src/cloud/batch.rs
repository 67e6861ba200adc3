//! What goes to the cloud at a time: one request of `docs/cloud-sync.md`, or as many messages of `docs/fleet.md`.

use std::io::Write;
use std::ops::RangeInclusive;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Timestamp, event_log};
use uuid::Uuid;

/// Some events on their way.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// Whose they are.
    pub appliance_id: Uuid,
    /// The events.
    pub events: &'a [event_log::Record],
    /// Numbers before them that will never come.
    pub missed: Option<RangeInclusive<i64>>,
    /// The time by the box's clock.
    pub now: Timestamp,
}

/// One record.
#[derive(Debug, Serialize)]
struct Record<'a> {
    /// Said where it goes alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    appliance_id: Option<Uuid>,
    /// What makes it the same record each time it comes.
    key: String,
    seq: i64,
    class: &'static str,
    r#type: &'a str,
    data: &'a RawValue,
    tm: Timestamp,
    #[serde(flatten)]
    moment: Option<Moment>,
}

/// When it happened by the time since the boot, and by what is known of the time by now.
#[derive(Debug, Serialize)]
struct Moment {
    tm_corrected: Timestamp,
    boot_id: Uuid,
    /// Microseconds.
    uptime_us: i64,
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

/// One record on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// What makes it the same each time it comes.
    pub(super) key: String,
    /// By which queues tell what they want: the box, the class, the type.
    pub(super) routing_key: String,
    /// The event.
    pub(super) kind: String,
    /// When it happened, in seconds.
    pub(super) at: u64,
    /// The number up to which everything is settled with it.
    pub(super) settles: i64,
    /// JSON.
    pub(super) body: Vec<u8>,
}

impl Batch<'_> {
    /// The body of a request, compressed.
    pub fn packed(&self) -> std::io::Result<Vec<u8>> {
        let Batch { appliance_id, events, missed, now } = self;
        let records = events.iter().map(|event| self.record(event)).collect();
        let missed = missed.as_ref().map(|missed| Missed { first: *missed.start(), last: *missed.end() });
        let first = missed.map_or_else(|| events.first().map_or(0, |event| event.seq), |missed| missed.first);
        let last = events.last().map_or_else(|| missed.map_or(0, |missed| missed.last), |event| event.seq);
        let body = Body { appliance_id: *appliance_id, first, last, missed, tm_sent: *now, records };
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        serde_json::to_writer(&mut packed, &body)?;
        packed.flush()?;
        packed.finish()
    }

    /// The same as messages, in order.
    pub(super) fn messages(&self) -> Result<Vec<Message>, serde_json::Error> {
        let missed = self.missed.as_ref().map(|missed| self.missed_message(missed));
        let events = self.events.iter().map(|event| self.message(self.record(event)));
        missed.into_iter().chain(events).collect()
    }

    fn missed_message(&self, missed: &RangeInclusive<i64>) -> Result<Message, serde_json::Error> {
        let (first, last) = (*missed.start(), *missed.end());
        let data = serde_json::value::to_raw_value(&Missed { first, last })?;
        self.message(Record {
            appliance_id: None,
            key: format!("{}-{first}-{last}", self.appliance_id),
            seq: last,
            class: "missed",
            r#type: "records_missed",
            data: &data,
            tm: self.now,
            moment: None,
        })
    }

    fn message(&self, record: Record<'_>) -> Result<Message, serde_json::Error> {
        let record = Record { appliance_id: Some(self.appliance_id), ..record };
        let body = serde_json::to_vec(&record)?;
        let Record { class, r#type: kind, key, seq: settles, tm, .. } = record;
        let routing_key = format!("{}.{class}.{kind}", self.appliance_id);
        let at = tm.0.max(0) as u64 / 1_000_000;
        Ok(Message { key, routing_key, kind: kind.to_owned(), at, settles, body })
    }

    fn record<'a>(&self, event: &'a event_log::Record) -> Record<'a> {
        Record {
            appliance_id: None,
            key: format!("{}-{}", self.appliance_id, event.seq),
            seq: event.seq,
            class: class_of(&event.kind),
            r#type: &event.kind,
            data: &event.data,
            tm: event.tm,
            moment: event.moment.map(|moment| Moment {
                tm_corrected: moment.corrected,
                boot_id: moment.boot_id,
                uptime_us: moment.uptime,
            }),
        }
    }
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
            moment: None,
        }
    }

    fn batch(events: &[event_log::Record], missed: Option<RangeInclusive<i64>>) -> Batch<'_> {
        Batch { appliance_id: Uuid::from_u128(7), events, missed, now: Timestamp(1_795_342_561_000_000) }
    }

    fn unpacked(events: &[event_log::Record], missed: Option<RangeInclusive<i64>>) -> Value {
        let packed = batch(events, missed).packed().expect("memory takes it");
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
    fn a_record_tells_when_it_was_by_a_clock_that_was_put_right() {
        let boot_id = Uuid::from_u128(9);
        let moment = store::Moment { boot_id, uptime: 61_500_000, corrected: Timestamp(1_795_342_500_000_000) };
        let found = unpacked(&[event_log::Record { moment: Some(moment), ..event(8, "call_hungup") }], None);
        let record = &found["records"][0];
        assert_eq!(record["tm"], "2026-11-22T10:16:00.000000Z");
        assert_eq!(record["tm_corrected"], "2026-11-22T10:15:00.000000Z");
        assert_eq!((&record["boot_id"], &record["uptime_us"]), (&json!(boot_id), &json!(61_500_000)));
    }

    #[test]
    fn what_is_lost_for_good_is_told_with_its_range() {
        let found = unpacked(&[event(12, "billing_created")], Some(5..=11));
        assert_eq!((&found["first"], &found["last"]), (&json!(5), &json!(12)));
        assert_eq!(found["missed"], json!({"first": 5, "last": 11}));
        assert_eq!(found["records"][0]["class"], "billing");
        assert_eq!(class_of("call_answered"), "event");
    }

    #[test]
    fn a_message_says_whose_it_is() {
        let events = [event(12, "call_hungup")];
        let messages = batch(&events, Some(5..=11)).messages().expect("memory takes it");
        let id = Uuid::from_u128(7);
        let said = |message: &Message| (message.key.clone(), message.routing_key.clone(), message.settles);
        assert_eq!(said(&messages[0]), (format!("{id}-5-11"), format!("{id}.missed.records_missed"), 11));
        assert_eq!(said(&messages[1]), (format!("{id}-12"), format!("{id}.call.call_hungup"), 12));
        let bodies = messages.iter().map(|message| serde_json::from_slice(&message.body).expect("it is JSON"));
        assert_eq!(
            bodies.collect::<Vec<Value>>(),
            [
                json!({"appliance_id": id, "key": format!("{id}-5-11"), "seq": 11, "class": "missed", "type": "records_missed",
                       "data": {"first": 5, "last": 11}, "tm": "2026-11-22T10:16:01.000000Z"}),
                json!({"appliance_id": id, "key": format!("{id}-12"), "seq": 12, "class": "call", "type": "call_hungup",
                       "data": {"id": "x"}, "tm": "2026-11-22T10:16:00.000000Z"}),
            ]
        );
        assert_eq!(messages[1].at, 1_795_342_560);
    }
}
