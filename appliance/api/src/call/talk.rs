//! `/v1.0/calls/{id}/talk`.

use axum::extract::State as Shared;
use pbx::Command;
use pbx::errand::Speech;
use serde::Deserialize;
use store::call::Record;
use utoipa::ToSchema;

use crate::body::Json;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::parameters::Id;
use crate::state::State;

/// What is said to a call.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CallTalk {
    /// The words: 4,000 characters at most.
    text: String,
    /// As `en-US`.
    #[serde(default)]
    language: String,
    /// Who speaks: `flite`, the voice of the box, or `openai`, the web service that is set up; empty: the better one that
    /// is there.
    #[serde(default)]
    provider: String,
    /// With which voice.
    #[serde(default)]
    voice_id: String,
}

/// Says something to the phone of a call, as soon as it is spoken. What was played to it ends.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/talk",
    params(("id" = Uuid, Path)),
    request_body = CallTalk,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP, CALL_NOT_ANSWERED"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED: too much is to be spoken already"),
    ),
    tag = "calls"
)]
pub(crate) async fn talk(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(talk): Json<CallTalk>,
) -> Result<axum::Json<Record>, Failure> {
    let CallTalk { text, language, provider, voice_id: voice } = talk;
    let language = if language.is_empty() { "en-US".into() } else { language };
    let speech = Speech { text, language, provider, voice, is_free: false };
    if let Err(reason) = speech.check() {
        let details = serde_json::json!([{ "field": "text", "reason": reason }]);
        let message = format!("text: {reason}");
        return Err(Failure::new(Status::InvalidArgument, "INVALID_ARGUMENT", message).with_details(details));
    }
    super::order(&state, id, Command::Talk(id, speech)).await
}
