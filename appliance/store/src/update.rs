//! An update of the box, as the API shows it, events carry it, and a restart finds it again.

use rusqlite::Connection;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::timestamp::Timestamp;
use crate::{Error, setting};

/// How far an update is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpdateStatus {
    /// There was none.
    #[default]
    None,
    /// It is downloaded when its time comes.
    Scheduled,
    /// It is written into the slot that does not run.
    Started,
    /// It is written and verified, and started when its time comes.
    Installed,
    /// The box restarts with it.
    Restarting,
    /// It runs, and has proven itself.
    Succeeded,
    /// It does not run, for a reason.
    Failed,
    /// Somebody did not want it any more.
    Canceled,
}

impl UpdateStatus {
    /// What the log calls it.
    pub(crate) fn event(self) -> &'static str {
        match self {
            UpdateStatus::None => "update_none",
            UpdateStatus::Scheduled => "update_scheduled",
            UpdateStatus::Started => "update_started",
            UpdateStatus::Installed => "update_installed",
            UpdateStatus::Restarting => "update_restarting",
            UpdateStatus::Succeeded => "update_succeeded",
            UpdateStatus::Failed => "update_failed",
            UpdateStatus::Canceled => "update_canceled",
        }
    }
}

/// When the box restarts with an update, and when one is downloaded: `now`, `idle` (as soon as no call is up), or a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UpdateWhen {
    /// At once; calls have ten seconds to end.
    Now,
    /// As soon as no call is up.
    #[default]
    Idle,
    /// Then, whether calls are up or not.
    At(Timestamp),
}

impl UpdateWhen {
    /// Reads one.
    pub fn parse(text: &str) -> Option<UpdateWhen> {
        match text {
            "now" => Some(UpdateWhen::Now),
            "idle" => Some(UpdateWhen::Idle),
            moment => Timestamp::parse(moment).map(UpdateWhen::At),
        }
    }
}

impl Serialize for UpdateWhen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            UpdateWhen::Now => serializer.serialize_str("now"),
            UpdateWhen::Idle => serializer.serialize_str("idle"),
            UpdateWhen::At(moment) => moment.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for UpdateWhen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UpdateWhen, D::Error> {
        let text = String::deserialize(deserializer)?;
        UpdateWhen::parse(&text).ok_or_else(|| serde::de::Error::custom("when: `now`, `idle` or a time (RFC 3339)"))
    }
}

/// The last update, or the one that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Update)]
pub struct Record {
    /// How far it is.
    pub status: UpdateStatus,
    /// When the box restarts with it.
    #[schema(value_type = String, example = "idle")]
    pub when: UpdateWhen,
    /// From where it is downloaded; null where it was uploaded.
    pub url: Option<String>,
    /// What it calls itself, once that is known.
    pub version: Option<String>,
    /// Its number, once that is known.
    pub build: Option<u64>,
    /// Why it failed, for programs.
    pub reason: Option<String>,
    /// Why it failed, for people.
    pub message: Option<String>,
    /// Since when that is so.
    pub tm_update: Timestamp,
}

impl Default for Record {
    fn default() -> Record {
        Record::none()
    }
}

impl Record {
    /// That there was none.
    pub fn none() -> Record {
        Record {
            status: UpdateStatus::None,
            when: UpdateWhen::Idle,
            url: None,
            version: None,
            build: None,
            reason: None,
            message: None,
            tm_update: Timestamp(0),
        }
    }
}

/// Under which setting it is kept.
const SETTING: &str = "update";

pub(crate) fn save(connection: &Connection, record: &Record) -> Result<(), Error> {
    setting::write(connection, SETTING, &serde_json::to_vec(record)?)
}

/// One that cannot be read was written by another version, and is forgotten.
pub(crate) fn load(connection: &Connection) -> Result<Record, Error> {
    let kept = setting::read(connection, SETTING)?;
    Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_else(Record::none))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        for text in ["now", "idle", "2026-11-24T03:00:00.000000Z"] {
            let when = UpdateWhen::parse(text).expect("it is a moment");
            assert_eq!(serde_json::to_value(when).expect("it can be written"), text);
        }
        assert!(UpdateWhen::parse("tomorrow").is_none());
        assert!(serde_json::from_str::<UpdateWhen>("7").is_err());
    }
}
