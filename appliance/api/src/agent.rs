//! `/v1.0/me`.

use axum::Json;
use store::agent::Record;

use crate::auth::Caller;
use crate::failure::ErrorEnvelope;

/// Shows who one is logged in as.
#[utoipa::path(
    get,
    path = "/v1.0/me",
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope)),
    tag = "agents"
)]
pub(crate) async fn me(caller: Caller) -> Json<Record> {
    Json(caller.agent)
}
