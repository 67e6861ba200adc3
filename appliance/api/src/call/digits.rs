//! `POST /v1.0/calls/{id}/dtmf`: digits for the phone of a call.

use std::time::Duration;

use axum::extract::State as Shared;
use pbx::Command;
use serde::Deserialize;
use store::call::Record;
use utoipa::ToSchema;

use crate::body::Json;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::Id;
use crate::state::State;

/// Digits to be sent.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CallDtmf {
    /// Which: 1 to 100 of `0`–`9`, `*`, `#`, `A`–`D`.
    digits: String,
    /// How long each is, in milliseconds: 100 to 1000, 100 by default.
    #[serde(default = "shortest")]
    duration: u64,
}

fn shortest() -> u64 {
    100
}

/// Sends digits to the phone of a call: as telephone events where it takes them, else as tones.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/dtmf",
    params(("id" = Uuid, Path)),
    request_body = CallDtmf,
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
pub(crate) async fn send(
    Shared(state): Shared<State>,
    Id(call): Id,
    Json(new): Json<CallDtmf>,
) -> Result<axum::Json<Record>, Failure> {
    let duration = Duration::from_millis(new.duration);
    super::order(&state, call, Command::SendDigits { call, digits: new.digits, duration }).await
}
