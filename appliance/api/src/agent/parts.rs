//! The parts of an agent that have routes of their own: `/v1.0/agents/{id}/…`.

use axum::Json;
use axum::extract::State as Shared;
use pbx::directory::AgentChange;
use serde::Deserialize;
use store::address::Address;
use store::agent::{AgentStatus, Record};
use utoipa::ToSchema;

use super::{GivenPermission, alter, hash, read_addresses, read_tags};
use crate::auth::Caller;
use crate::body;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::Id;
use crate::state::State;

/// Where an agent is reached from now on.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AgentAddresses {
    /// At most 10 extensions, telephone numbers and SIP URIs, in the order in which they are rung.
    addresses: Vec<Address>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
pub struct AgentPassword {
    /// 8 to 128 bytes.
    password: String,
}

/// What an agent may do from now on.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AgentPower {
    /// `agent`, `manager` or `admin`.
    permission: GivenPermission,
}

/// Whether an agent takes calls from now on.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AgentStatusUpdate {
    /// `available`, `away`, `busy`, `offline` or `ringing`.
    status: AgentStatus,
}

/// What an agent is good at from now on.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AgentTags {
    /// Ids of tags.
    tag_ids: Vec<String>,
}

/// Sets where an agent is reached. Each agent may do so of itself.
#[utoipa::path(
    put,
    path = "/v1.0/agents/{id}/addresses",
    params(("id" = Uuid, Path)),
    request_body = AgentAddresses,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
    ),
    tag = "agents"
)]
pub(crate) async fn addresses(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
    body::Json(change): body::Json<AgentAddresses>,
) -> Result<Json<Record>, Failure> {
    let addresses = Some(read_addresses(change.addresses)?);
    alter(&state, &caller, (id, AgentChange { addresses, ..AgentChange::default() })).await
}

/// Sets an agent's password. Each agent may do so of itself.
#[utoipa::path(
    put,
    path = "/v1.0/agents/{id}/password",
    params(("id" = Uuid, Path)),
    request_body = AgentPassword,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
    ),
    tag = "agents"
)]
pub(crate) async fn password(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
    body::Json(change): body::Json<AgentPassword>,
) -> Result<Json<Record>, Failure> {
    let password_hash = Some(hash(&state, change.password).await?);
    alter(&state, &caller, (id, AgentChange { password_hash, ..AgentChange::default() })).await
}

/// Sets what an agent may do. The last administrator stays one.
#[utoipa::path(
    put,
    path = "/v1.0/agents/{id}/permission",
    params(("id" = Uuid, Path)),
    request_body = AgentPower,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "LAST_ADMIN"),
    ),
    tag = "agents"
)]
pub(crate) async fn permission(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
    body::Json(change): body::Json<AgentPower>,
) -> Result<Json<Record>, Failure> {
    let permission = Some(change.permission.read()?.into());
    alter(&state, &caller, (id, AgentChange { permission, ..AgentChange::default() })).await
}

/// Says whether an agent takes calls. Each agent may do so of itself.
#[utoipa::path(
    put,
    path = "/v1.0/agents/{id}/status",
    params(("id" = Uuid, Path)),
    request_body = AgentStatusUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
    ),
    tag = "agents"
)]
pub(crate) async fn status(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
    body::Json(change): body::Json<AgentStatusUpdate>,
) -> Result<Json<Record>, Failure> {
    let status = Some(change.status.into());
    alter(&state, &caller, (id, AgentChange { status, ..AgentChange::default() })).await
}

/// Sets what an agent is good at.
#[utoipa::path(
    put,
    path = "/v1.0/agents/{id}/tag_ids",
    params(("id" = Uuid, Path)),
    request_body = AgentTags,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
    ),
    tag = "agents"
)]
pub(crate) async fn tag_ids(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
    body::Json(change): body::Json<AgentTags>,
) -> Result<Json<Record>, Failure> {
    let tag_ids = Some(read_tags(&change.tag_ids)?);
    alter(&state, &caller, (id, AgentChange { tag_ids, ..AgentChange::default() })).await
}
