//! What events are called: by the words of the sequence document, or by those that VoIPBIN uses since.

use serde::Deserialize;

use super::Record;
use crate::word::words;

words! {
    /// What events are called where they are told: as everywhere, or as VoIPBIN calls them since.
    EventDialect as "EventDialect" { Ours = "", Later = "2026" }
}

#[allow(clippy::derivable_impls, reason = "the enumeration is made by a macro, which knows no default")]
impl Default for EventDialect {
    fn default() -> Self {
        EventDialect::Ours
    }
}

/// As much of a resource as tells two events apart that have one name here.
#[derive(Deserialize)]
struct Stage {
    #[serde(default)]
    status: String,
}

impl Record {
    /// What the event is called in a dialect. What the later one has no word for keeps its own.
    pub fn name_in(&self, dialect: EventDialect) -> &str {
        match (dialect, self.kind.as_str()) {
            (EventDialect::Ours, kind) => kind,
            (EventDialect::Later, "call_answered") => "call_progressing",
            (EventDialect::Later, "call_hungup") => "call_hangup",
            (EventDialect::Later, kind @ ("call_recording" | "conference_recording")) => match self.stage().as_str() {
                "recording" => "recording_started",
                "ended" => "recording_finished",
                _ => kind,
            },
            (EventDialect::Later, kind @ "call_transcribing") => match self.stage().as_str() {
                "progressing" => "transcribe_created",
                "done" => "transcribe_done",
                _ => kind,
            },
            (EventDialect::Later, kind) => kind,
        }
    }

    fn stage(&self) -> String {
        serde_json::from_str(self.data.get()).map_or_else(|_| String::new(), |Stage { status }| status)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;
    use crate::Timestamp;

    #[test]
    fn the_later_names_are_used_where_they_are_asked_for() {
        for (kind, status, later) in [
            ("call_created", "dialing", "call_created"),
            ("call_answered", "progressing", "call_progressing"),
            ("call_hungup", "hangup", "call_hangup"),
            ("call_recording", "initiating", "call_recording"),
            ("call_recording", "recording", "recording_started"),
            ("conference_recording", "ended", "recording_finished"),
            ("call_transcribing", "progressing", "transcribe_created"),
            ("call_transcribing", "done", "transcribe_done"),
        ] {
            let data = RawValue::from_string(format!(r#"{{"status":"{status}"}}"#)).expect("JSON");
            let record =
                Record { kind: kind.into(), data, seq: 1, tm: Timestamp(0), moment: None, resource_id: Uuid::nil() };
            assert_eq!(record.name_in(EventDialect::Later), later);
            assert_eq!(record.name_in(EventDialect::Ours), kind);
        }
    }
}
