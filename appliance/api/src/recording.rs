//! `/v1.0/recordings`, the recording of calls, and the files that come of it.

mod link;
mod serving;

use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pbx::recording::{EndOfKey, Layout, Recorded, RecordingOptions};
use pbx::{Command, Rejection, Reply};
use serde::Deserialize;
use store::recording::{Record, RecordingFormat, RecordingStatus};
use store::{Item, Page, call};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::body::Json;
use crate::exchange::{ask, remember};
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::origin::Origin;
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;
use link::Link;

/// What is to be recorded, and until when.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RecordingStart)]
pub(crate) struct Start {
    /// The kind of file that is left in the end.
    #[serde(default = "wav")]
    format: RecordingFormat,
    /// 2: the phone on the left, what it hears on the right; 1: both in one.
    #[serde(default = "two")]
    #[schema(minimum = 1, maximum = 2)]
    channels: u8,
    /// Ends after so many seconds of silence; 0: never.
    #[serde(default)]
    #[schema(maximum = 86400)]
    end_of_silence: u32,
    /// Ends when the phone presses this: `none`, `any`, or a key.
    #[serde(default)]
    end_of_key: String,
    /// Ends after so many seconds; 0: never.
    #[serde(default)]
    #[schema(maximum = 86400)]
    duration: u32,
    /// Whether those in the call hear a beep first.
    #[serde(default)]
    beep_start: bool,
    /// The flow to run once it is over.
    #[serde(default)]
    on_end_flow_id: String,
}

/// What a file is where nothing is said.
pub(crate) fn wav() -> RecordingFormat {
    RecordingFormat::Wav
}

fn two() -> u8 {
    2
}

/// Records a call: its phone on the left, what it hears on the right.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/recording_start",
    params(("id" = Uuid, Path)),
    request_body = Start,
    responses(
        (status = 200, body = call::Record),
        (status = 400, body = ErrorEnvelope),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "RECORDING_ALREADY_ACTIVE, or CALL_STATE_INVALID: it is not up"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "recordings"
)]
pub(crate) async fn start(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(start): Json<Start>,
) -> Result<axum::Json<call::Record>, Failure> {
    order(&state, id, Command::StartRecording(Recorded::Call(id), start.options()?)).await
}

/// Ends the recording of a call.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/recording_stop",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = call::Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "RECORDING_NOT_ACTIVE, or CALL_STATE_INVALID: it is over"),
    ),
    tag = "recordings"
)]
pub(crate) async fn stop(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<call::Record>, Failure> {
    order(&state, id, Command::StopRecording(Recorded::Call(id))).await
}

/// Leaves out of the recording of a call what is said from now on. Its longest duration goes on counting.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/recording_pause",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = call::Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "RECORDING_NOT_ACTIVE, or CALL_STATE_INVALID: it is over"),
    ),
    tag = "recordings"
)]
pub(crate) async fn pause(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<call::Record>, Failure> {
    order(&state, id, Command::PauseRecording { of: Recorded::Call(id), paused: true }).await
}

/// Goes on with the recording of a call that was paused.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/recording_resume",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = call::Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "RECORDING_NOT_ACTIVE, or CALL_STATE_INVALID: it is over"),
    ),
    tag = "recordings"
)]
pub(crate) async fn resume(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<call::Record>, Failure> {
    order(&state, id, Command::PauseRecording { of: Recorded::Call(id), paused: false }).await
}

/// Lists the recordings, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/recordings",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "recordings"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    origin: Origin,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    let mut page = state.readers().read(move |reader| reader.recordings(page)).await?;
    page.result.iter_mut().for_each(|record| record.url = url(&state, &origin, record));
    Ok(axum::Json(page))
}

/// Shows a recording.
#[utoipa::path(
    get,
    path = "/v1.0/recordings/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "RECORDING_NOT_FOUND")),
    tag = "recordings"
)]
pub(crate) async fn get(
    Shared(state): Shared<State>,
    origin: Origin,
    Id(id): Id,
) -> Result<axum::Json<Record>, Failure> {
    let mut record = find(&state, id).await?;
    record.url = url(&state, &origin, &record);
    Ok(axum::Json(record))
}

/// Deletes a recording that is ended, and its file.
#[utoipa::path(
    delete,
    path = "/v1.0/recordings/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "RECORDING_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "STATE_INVALID: it is not ended"),
    ),
    tag = "recordings"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let record = find(&state, id).await?;
    if record.status != RecordingStatus::Ended {
        let message = "the recording is not ended; stop it first";
        return Err(Failure::new(Status::FailedPrecondition, "STATE_INVALID", message));
    }
    let now = state.now();
    remember(&state, Item::RecordingDeleted(id, now)).await?;
    if let Some(path) = serving::place(&state, &record).filter(|_| record.is_on_box()) {
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_file(path)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, %id, "the file of a deleted recording stays");
        }
    }
    Ok(axum::Json(Record { tm_update: now, tm_delete: Some(now), ..record }))
}

/// Sends to where the file of a recording is to be had, for an hour.
#[utoipa::path(
    get,
    path = "/v1.0/recordingfiles/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 307, description = "To the file; the link is made afresh at each request and counts for an hour", headers(("Location" = String))),
        (status = 401, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "RECORDING_NOT_FOUND, or RECORDINGFILE_NOT_FOUND: there is no file (yet)"),
    ),
    tag = "recordings"
)]
pub(crate) async fn file(Shared(state): Shared<State>, origin: Origin, Id(id): Id) -> Result<Response, Failure> {
    let record = find(&state, id).await?;
    match url(&state, &origin, &record) {
        url if url.is_empty() => Err(Failure::not_found("recordingfile")),
        url => Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response()),
    }
}

/// Which link was followed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Signed {
    /// Until when the link counts, in seconds since 1970.
    #[serde(default)]
    expires: i64,
    /// What proves that it is ours.
    #[serde(default)]
    signature: String,
}

/// Gives the file of a recording, or a part of it, to whoever has a link of ours that counts.
#[utoipa::path(
    get,
    path = "/v1.0/recordingfiles/{id}/content",
    params(("id" = Uuid, Path), Signed),
    responses(
        (status = 200, description = "The file", content_type = "audio/wav"),
        (status = 206, description = "The range of it that was asked for", content_type = "audio/wav"),
        (status = 403, body = ErrorEnvelope, description = "The link is not ours, or too old"),
        (status = 404, body = ErrorEnvelope, description = "RECORDING_NOT_FOUND, or RECORDINGFILE_NOT_FOUND"),
        (status = 416, body = ErrorEnvelope, description = "The file has no such range"),
    ),
    security(()),
    tag = "recordings"
)]
pub(crate) async fn content(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    Id(id): Id,
    Parameters(signed): Parameters<Signed>,
) -> Result<Response, Failure> {
    let link = Link { id, expires: signed.expires };
    if !link.is_signed_by(&signed.signature, &state.store().identity().token_key, state.steady_now()) {
        let message = "the link is not one of this exchange's, or has expired; ask for the recording again";
        return Err(Failure::new(Status::PermissionDenied, "PERMISSION_DENIED", message));
    }
    let record = find(&state, id).await?;
    serving::serve(&state, &record, &headers).await
}

impl Start {
    fn options(&self) -> Result<RecordingOptions, Failure> {
        let end_of_key = EndOfKey::from_word(&self.end_of_key)
            .ok_or(Rejection::Invalid { field: "end_of_key", reason: "none, any, or one key" })?;
        let layout = match self.channels {
            1 => Layout::Mono,
            2 => Layout::Stereo,
            _ => return Err(Rejection::Invalid { field: "channels", reason: "1 or 2" }.into()),
        };
        Ok(RecordingOptions {
            layout,
            format: self.format.into(),
            end_of_silence: seconds(self.end_of_silence),
            end_of_key,
            duration: seconds(self.duration),
            beep: self.beep_start,
            on_end_flow_id: flow_of(&self.on_end_flow_id)?,
        })
    }
}

/// So many seconds; 0: no limit.
pub(crate) fn seconds(count: u32) -> Option<Duration> {
    (count > 0).then(|| Duration::from_secs(count.into()))
}

/// The flow to run once a recording is over: an id, or nothing.
pub(crate) fn flow_of(text: &str) -> Result<Option<Uuid>, Failure> {
    let wrong = |_| Rejection::Invalid { field: "on_end_flow_id", reason: "no UUID" };
    let flow = if text.is_empty() { Uuid::nil() } else { Uuid::try_parse(text).map_err(wrong)? };
    Ok((!flow.is_nil()).then_some(flow))
}

async fn order(state: &State, id: Uuid, command: Command) -> Result<axum::Json<call::Record>, Failure> {
    match ask(state, command).await {
        Ok(Reply::Call(record)) => Ok(axum::Json(call::Record::new(&record, state.store().identity()))),
        Ok(_) => Err(Failure::internal()),
        // The exchange forgets a call that is over; the store does not.
        Err(failure) if failure.http() == 404 => {
            let found = state.readers().read(move |reader| reader.call(id)).await?;
            Err(found.map_or(failure, |_| Rejection::CallState.into()))
        }
        Err(failure) => Err(failure),
    }
}

async fn find(state: &State, id: Uuid) -> Result<Record, Failure> {
    let found = state.readers().read(move |reader| reader.recording(id)).await?;
    found.ok_or_else(|| Failure::not_found("recording"))
}

/// The link to the file of a recording, on the box as long as that has it, then in the bucket; empty while there is none.
fn url(state: &State, origin: &Origin, record: &Record) -> String {
    if !record.is_on_box() {
        return record.in_bucket().and_then(|object| state.bucket_link(object)).unwrap_or_default();
    }
    let path = Link::new(record.id, state.steady_now()).path(&state.store().identity().token_key);
    origin.link(&path)
}
