//! `/v1.0/conferences/{id}/recording_start` and `/recording_stop`: a whole conference in one file.

use axum::extract::State as Shared;
use pbx::Command;
use pbx::recording::{EndOfKey, Layout, Recorded, RecordingOptions};
use serde::Deserialize;
use store::conference::Record;
use store::recording::RecordingFormat;
use utoipa::ToSchema;

use crate::body::Json;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::Id;
use crate::recording::{flow_of, seconds, wav};
use crate::state::State;

/// What is to be recorded of a conference, and until when.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ConferenceRecordingStart)]
pub(crate) struct Start {
    /// The kind of file that is left in the end.
    #[serde(default = "wav")]
    format: RecordingFormat,
    /// Ends after so many seconds of silence; 0: never.
    #[serde(default)]
    #[schema(maximum = 86400)]
    end_of_silence: u32,
    /// Ends after so many seconds; 0: never.
    #[serde(default)]
    #[schema(maximum = 86400)]
    duration: u32,
    /// Whether everybody hears a beep first.
    #[serde(default)]
    beep_start: bool,
    /// The flow to run once it is over.
    #[serde(default)]
    on_end_flow_id: String,
}

impl Start {
    fn options(&self) -> Result<RecordingOptions, Failure> {
        Ok(RecordingOptions {
            layout: Layout::Mono,
            format: self.format.into(),
            end_of_silence: seconds(self.end_of_silence),
            end_of_key: EndOfKey::None,
            duration: seconds(self.duration),
            beep: self.beep_start,
            on_end_flow_id: flow_of(&self.on_end_flow_id)?,
        })
    }
}

/// Records everybody who is in a conference, and who will come, in one channel. It ends when nobody is left.
#[utoipa::path(
    post,
    path = "/v1.0/conferences/{id}/recording_start",
    params(("id" = Uuid, Path)),
    request_body = Start,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CONFERENCE_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "RECORDING_ALREADY_ACTIVE, or STATE_INVALID: nobody is in it"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "recordings"
)]
pub(crate) async fn start(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(start): Json<Start>,
) -> Result<axum::Json<Record>, Failure> {
    super::order(&state, Command::StartRecording(Recorded::Conference(id), start.options()?)).await
}

/// Ends the recording of a conference.
#[utoipa::path(
    post,
    path = "/v1.0/conferences/{id}/recording_stop",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CONFERENCE_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "RECORDING_NOT_ACTIVE"),
    ),
    tag = "recordings"
)]
pub(crate) async fn stop(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    super::order(&state, Command::StopRecording(Recorded::Conference(id))).await
}
