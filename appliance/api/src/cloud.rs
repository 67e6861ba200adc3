//! `/v1.0/cloud`: how it stands with the records that go to the cloud.

use axum::extract::State as Shared;
use serde::Serialize;
use store::Timestamp;
use utoipa::ToSchema;

use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;

/// What the process knows of its link to the cloud.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CloudState {
    /// Where it is.
    pub url: String,
    /// The last number that the cloud has for good.
    pub cursor: i64,
    /// Why nothing goes at the moment, if so.
    pub failure: Option<String>,
    /// Records that were taken since the start.
    pub taken: u64,
    /// Requests that were not.
    pub failures: u64,
    /// How fast they went the last time.
    pub records_per_second: f64,
    /// The document of the cloud's configuration that holds; 0: none.
    pub configuration_version: i64,
    /// Why none newer does, if so.
    pub configuration_failure: Option<String>,
}

/// How far the link to the cloud has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CloudStatus {
    /// No cloud is set.
    Off,
    /// It has everything.
    Idle,
    /// Records are on their way.
    Sending,
    /// Records wait because something is wrong.
    Waiting,
}

/// The link to the cloud.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Cloud)]
pub struct Record {
    /// How far it has come.
    pub status: CloudStatus,
    /// Where the cloud is; empty where none is set.
    pub url: String,
    /// The last number of the log that the cloud has for good.
    pub cursor: i64,
    /// The last number of the log.
    pub latest: i64,
    /// Records that it has not.
    pub waiting: i64,
    /// When the oldest of them happened.
    pub tm_oldest: Option<Timestamp>,
    /// Why nothing goes at the moment, if so.
    pub failure: Option<String>,
    /// Records that were taken since the process started.
    pub taken: u64,
    /// Requests that were not.
    pub failures: u64,
    /// How fast they went the last time, in records a second.
    pub records_per_second: f64,
    /// The document of the cloud's configuration that holds; 0: none.
    pub configuration_version: i64,
    /// Why none newer does, if so.
    pub configuration_failure: Option<String>,
}

/// Tells what the cloud has, what waits, and what is wrong.
#[utoipa::path(
    get,
    path = "/v1.0/cloud",
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope)),
    tag = "box"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<axum::Json<Record>, Failure> {
    let Some(link) = state.cloud() else {
        let latest = state.readers().read(|reader| reader.latest_seq()).await?;
        return Ok(axum::Json(Record::new(CloudStatus::Off, CloudState::default(), (latest, None))));
    };
    let cursor = link.cursor;
    let seen = move |reader: &store::Reader| {
        let oldest = reader.events_after(cursor, 1)?.into_iter().next();
        Ok((reader.latest_seq()?, oldest.map(|event| event.tm)))
    };
    let (latest, oldest) = state.readers().read(seen).await?;
    let status = match (link.failure.is_some(), latest > cursor) {
        (true, _) => CloudStatus::Waiting,
        (false, true) => CloudStatus::Sending,
        (false, false) => CloudStatus::Idle,
    };
    Ok(axum::Json(Record::new(status, link, (latest, oldest))))
}

impl Record {
    fn new(status: CloudStatus, link: CloudState, (latest, tm_oldest): (i64, Option<Timestamp>)) -> Record {
        Record {
            status,
            waiting: if status == CloudStatus::Off { 0 } else { (latest - link.cursor).max(0) },
            url: link.url,
            cursor: link.cursor,
            latest,
            tm_oldest,
            failure: link.failure,
            taken: link.taken,
            failures: link.failures,
            records_per_second: link.records_per_second,
            configuration_version: link.configuration_version,
            configuration_failure: link.configuration_failure,
        }
    }
}
