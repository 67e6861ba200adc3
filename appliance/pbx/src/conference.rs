//! Conferences: a number that several phones dial, each of which hears all the others.
//!
//! What an administrator sets of one is here; [`conferencecall`] is one phone's place in one, and [`rooms`] is what happens
//! in them.

pub mod conferencecall;
pub mod rooms;

use std::num::NonZeroU16;
use std::time::Duration;

use uuid::Uuid;

pub use conferencecall::{Conferencecall, ConferencecallStatus};
pub use rooms::Conferences;

use crate::command::Rejection;
use crate::directory::extension::{validate_number, validate_text};
use crate::{UnixMicros, limits};

/// A conference as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conference {
    /// Its id, for ever.
    pub id: Uuid,
    /// The name shown to those who are in it.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// How it is dialled and what it sounds like.
    pub data: ConferenceData,
    /// So long after it was made it ends by itself; zero: never.
    pub timeout: Duration,
    /// How far it got.
    pub status: ConferenceStatus,
    /// What a call goes through before it comes in.
    pub pre_flow_id: Option<Uuid>,
    /// What a call goes through after it has left.
    pub post_flow_id: Option<Uuid>,
    /// Who is in it.
    pub conferencecall_ids: Vec<Uuid>,
    /// Its recording, while it runs.
    pub recording_id: Option<Uuid>,
    /// All its recordings; of very many, the latest.
    pub recording_ids: Vec<Uuid>,
    /// When it was made.
    pub created: UnixMicros,
    /// When it was last changed.
    pub updated: UnixMicros,
    /// When it ended, if it did. A conference that ended is deleted, too.
    pub ended: Option<UnixMicros>,
}

/// How a conference is dialled and what it sounds like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConferenceData {
    /// A short number for it, beside `conference-<id>`: what an extension may have, and as unique.
    pub extension: Option<String>,
    /// How many are heard together, the loudest first; all, where there is no such number.
    pub loudest: Option<NonZeroU16>,
    /// Whether a tone tells that somebody came or left.
    pub tones: bool,
}

impl Default for ConferenceData {
    fn default() -> ConferenceData {
        ConferenceData { extension: None, loudest: limits::CONFERENCE_LOUDEST, tones: true }
    }
}

/// `starting → progressing → terminating → terminated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConferenceStatus {
    /// Nobody has been in it yet.
    Starting,
    /// It is used.
    Progressing,
    /// Everybody is being sent away.
    Terminating,
    /// It is over.
    Terminated,
}

/// What [`crate::Command::CreateConference`] needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewConference {
    /// Its id, where whoever makes it wants to choose.
    pub id: Option<Uuid>,
    /// See [`Conference::name`].
    pub name: String,
    /// See [`Conference::detail`].
    pub detail: String,
    /// See [`Conference::data`].
    pub data: ConferenceData,
    /// See [`Conference::timeout`].
    pub timeout: Duration,
    /// See [`Conference::pre_flow_id`].
    pub pre_flow_id: Option<Uuid>,
    /// See [`Conference::post_flow_id`].
    pub post_flow_id: Option<Uuid>,
}

/// What [`crate::Command::UpdateConference`] changes; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConferenceChange {
    /// A new name.
    pub name: Option<String>,
    /// A new remark.
    pub detail: Option<String>,
    /// Other data, all of it. How many are heard together changes once the conference has been empty.
    pub data: Option<ConferenceData>,
    /// Another time to live, still counted from when it was made.
    pub timeout: Option<Duration>,
    /// Another flow before; `Some(None)`: none.
    pub pre_flow_id: Option<Option<Uuid>>,
    /// Another flow after; `Some(None)`: none.
    pub post_flow_id: Option<Option<Uuid>>,
}

impl NewConference {
    /// Whether every field can be.
    pub fn validate(&self) -> Result<(), Rejection> {
        validate_text("name", &self.name)?;
        validate_text("detail", &self.detail)?;
        self.data.validate()
    }
}

impl ConferenceChange {
    /// Whether every field can be.
    pub fn validate(&self) -> Result<(), Rejection> {
        self.name.as_deref().map_or(Ok(()), |name| validate_text("name", name))?;
        self.detail.as_deref().map_or(Ok(()), |detail| validate_text("detail", detail))?;
        self.data.as_ref().map_or(Ok(()), ConferenceData::validate)
    }
}

impl ConferenceData {
    fn validate(&self) -> Result<(), Rejection> {
        self.extension.as_deref().map_or(Ok(()), |number| validate_number("data.extension", number))
    }
}

impl ConferenceStatus {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            ConferenceStatus::Starting => "starting",
            ConferenceStatus::Progressing => "progressing",
            ConferenceStatus::Terminating => "terminating",
            ConferenceStatus::Terminated => "terminated",
        }
    }
}

/// The id in `conference-<id>` or `conference:<id>`, which dial a conference.
pub fn dialled_id(number: &str) -> Option<Uuid> {
    let rest = number.strip_prefix("conference")?;
    let id = rest.strip_prefix('-').or_else(|| rest.strip_prefix(':'))?;
    Uuid::try_parse(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conference_is_dialled_by_its_id() {
        let id = Uuid::from_u128(7);
        assert_eq!(dialled_id(&format!("conference-{id}")), Some(id));
        assert_eq!(dialled_id(&format!("conference:{id}")), Some(id));
        for other in ["conference", "conference-", "conference-7", "conference", "800", &id.to_string()] {
            assert_eq!(dialled_id(other), None, "{other}");
        }
    }
}
