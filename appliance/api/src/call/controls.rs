//! `/v1.0/calls/{id}/hold`, `/moh`, `/silence`, `/mute`: what is ordered of a call's audio.

use axum::extract::State as Shared;
use pbx::Command;
use pbx::call::Control;
use pbx::call::controls::MuteDirection;
use serde::Deserialize;
use store::call::{CallMuteDirection, Record};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::JsonOrNothing;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::parameters::Id;
use crate::state::State;

/// Which way a call is muted, or no longer.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct CallMute {
    /// Seen from the exchange: `in`: nobody hears the phone; `out`: the phone hears nobody, but music and tones; `both`,
    /// the default.
    direction: Option<CallMuteDirection>,
}

/// Puts a call on hold: its phone is told so (`a=sendonly`) and hears music, nobody hears it, and whom it talked to hears
/// music too.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/hold",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
    ),
    tag = "calls"
)]
pub(crate) async fn hold(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Control::Hold(true)).await
}

/// Takes a call up again that was put on hold.
#[utoipa::path(
    delete,
    path = "/v1.0/calls/{id}/hold",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
    ),
    tag = "calls"
)]
pub(crate) async fn unhold(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Control::Hold(false)).await
}

/// Lets the phone of a call hear music instead of anybody; it is still heard.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/moh",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
    ),
    tag = "calls"
)]
pub(crate) async fn moh(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Control::Music(true)).await
}

/// Ends the music that was ordered.
#[utoipa::path(
    delete,
    path = "/v1.0/calls/{id}/moh",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
    ),
    tag = "calls"
)]
pub(crate) async fn unmoh(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Control::Music(false)).await
}

/// Lets the phone of a call hear nothing, with packets that go on; it is still heard.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/silence",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
    ),
    tag = "calls"
)]
pub(crate) async fn silence(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Control::Silence(true)).await
}

/// Ends the silence that was ordered.
#[utoipa::path(
    delete,
    path = "/v1.0/calls/{id}/silence",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
    ),
    tag = "calls"
)]
pub(crate) async fn unsilence(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Control::Silence(false)).await
}

/// Mutes a call, one way or both.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/mute",
    params(("id" = Uuid, Path)),
    request_body = Option<CallMute>,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
    ),
    tag = "calls"
)]
pub(crate) async fn mute(
    Shared(state): Shared<State>,
    Id(id): Id,
    JsonOrNothing(which): JsonOrNothing<CallMute>,
) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Control::Mute { direction: which.direction()?, on: true }).await
}

/// Ends the muting of a call, one way or both.
#[utoipa::path(
    delete,
    path = "/v1.0/calls/{id}/mute",
    params(("id" = Uuid, Path)),
    request_body = Option<CallMute>,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
    ),
    tag = "calls"
)]
pub(crate) async fn unmute(
    Shared(state): Shared<State>,
    Id(id): Id,
    JsonOrNothing(which): JsonOrNothing<CallMute>,
) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Control::Mute { direction: which.direction()?, on: false }).await
}

impl CallMute {
    fn direction(&self) -> Result<MuteDirection, Failure> {
        match self.direction {
            None | Some(CallMuteDirection::Both) => Ok(MuteDirection::Both),
            Some(CallMuteDirection::In) => Ok(MuteDirection::In),
            Some(CallMuteDirection::Out) => Ok(MuteDirection::Out),
            Some(CallMuteDirection::Unset) => {
                let details = serde_json::json!([{ "field": "direction", "reason": "must be both, in or out" }]);
                let message = "direction: must be both, in or out";
                Err(Failure::new(Status::InvalidArgument, "INVALID_ARGUMENT", message).with_details(details))
            }
        }
    }
}

async fn order(state: &State, id: Uuid, control: Control) -> Result<axum::Json<Record>, Failure> {
    super::order(state, id, Command::ControlCall(id, control)).await
}
