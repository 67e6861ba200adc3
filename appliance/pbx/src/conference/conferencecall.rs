//! A call's place in a conference, which VoIPBIN's API names a *conferencecall*.

use uuid::Uuid;

use crate::UnixMicros;

/// A place in a conference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conferencecall {
    /// Its id, for ever.
    pub id: Uuid,
    /// The conference.
    pub conference_id: Uuid,
    /// The call that has the place.
    pub call_id: Uuid,
    /// How far it got.
    pub status: ConferencecallStatus,
    /// When it was made.
    pub created: UnixMicros,
    /// When it changed last.
    pub updated: UnixMicros,
}

/// `joining → joined → leaving → leaved`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConferencecallStatus {
    /// The phone is being answered.
    Joining,
    /// It hears the others, and they hear it.
    Joined,
    /// It is on its way out.
    Leaving,
    /// It is out.
    Leaved,
}

impl ConferencecallStatus {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            ConferencecallStatus::Joining => "joining",
            ConferencecallStatus::Joined => "joined",
            ConferencecallStatus::Leaving => "leaving",
            ConferencecallStatus::Leaved => "leaved",
        }
    }
}
