//! What is told of a text: events only, nothing is kept.

use uuid::Uuid;

use crate::UnixMicros;
use crate::call::Address;

/// A text that a flow sends.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRecord {
    /// Its id.
    pub id: Uuid,
    /// The activeflow that sends it.
    pub activeflow_id: Uuid,
    /// Who sends it, as its receivers see it; `None`: the box itself.
    pub source: Option<Address>,
    /// Who is to get it: one for each phone, and what became of it there.
    pub targets: Vec<Target>,
    /// What it says.
    pub text: String,
    /// When it was sent.
    pub created: UnixMicros,
    /// When the last thing became known of it.
    pub updated: UnixMicros,
}

/// One who is to get a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Who.
    pub destination: Address,
    /// What became of it.
    pub status: TargetStatus,
    /// Since when.
    pub updated: UnixMicros,
}

/// What became of a text at one of its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetStatus {
    /// It is on its way.
    Sending,
    /// It was taken.
    Sent,
    /// It was refused, or nobody answered.
    Failed,
}

impl TargetStatus {
    /// The word that leaves the box.
    pub fn name(self) -> &'static str {
        match self {
            TargetStatus::Sending => "sending",
            TargetStatus::Sent => "sent",
            TargetStatus::Failed => "failed",
        }
    }
}
