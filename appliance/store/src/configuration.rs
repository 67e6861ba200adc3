//! What became of the configuration that comes down from a cloud, as the log tells it.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// What happened to a document, or to one field of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Record {
    /// All of it holds.
    Applied {
        /// Which document.
        version: i64,
        /// Resources that it made, changed or deleted.
        changed: usize,
        /// Fields in which the box had changed something itself.
        conflicts: usize,
    },
    /// Nothing of it holds.
    Refused(Refusal),
    /// The box had changed this field itself.
    Conflicted(Conflict),
}

/// Why a document does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Which one, where that can be read.
    pub version: Option<i64>,
    /// Why, for programs.
    pub reason: String,
    /// Why, for people.
    pub message: String,
    /// Which collection it is about, as in its path.
    pub resource: Option<String>,
    /// Which entry of it, by the document's own key.
    pub key: Option<String>,
    /// Which field.
    pub field: Option<String>,
}

/// A field that the box has otherwise than the cloud has said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflict {
    /// The document that brought it up.
    pub version: i64,
    /// The collection, as in its path.
    pub resource: String,
    /// The entry, by the document's own key.
    pub key: String,
    /// The same by the box's id.
    pub id: Uuid,
    /// The field; none where all of it was deleted.
    pub field: Option<String>,
    /// Whose it is now.
    pub kept: Side,
    /// What the box had; nothing that is secret.
    #[serde(rename = "box")]
    pub of_box: Value,
    /// What the cloud says.
    #[serde(rename = "cloud")]
    pub of_cloud: Value,
}

/// Whose value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The box's: the cloud has not changed its own since.
    Box,
    /// The cloud's: both had changed theirs.
    Cloud,
}

impl Record {
    /// What the log calls it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Record::Applied { .. } => "configuration_applied",
            Record::Refused(_) => "configuration_refused",
            Record::Conflicted(_) => "configuration_conflicted",
        }
    }
}
