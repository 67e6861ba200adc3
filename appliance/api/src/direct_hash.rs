//! `/v1.0/{extensions,agents,conferences,flows}/{id}/direct-hash…`: what whoever has no password calls to reach one of them.

use axum::extract::State as Shared;
use pbx::directory::Direct;
use pbx::{Command, Reply};

use crate::auth::Caller;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::Id;
use crate::state::State;
use crate::{agent, conference, extension, flow};

/// Asks the exchange for a change.
async fn order(state: &State, command: Command) -> Result<(), Failure> {
    match ask(state, command).await? {
        Reply::DirectHash => Ok(()),
        _ => Err(Failure::internal()),
    }
}

/// The hash of a resource, for what shows it after a change.
pub(crate) async fn of(state: &State, resource: Direct) -> Result<Option<String>, Failure> {
    state.readers().read(move |reader| reader.direct_hash(resource)).await
}

/// Makes a new direct hash of an extension: whoever calls `sip:direct.<hash>@…` reaches it, without a password. With the one
/// that it had it is reached no more.
#[utoipa::path(
    post,
    path = "/v1.0/extensions/{id}/direct-hash-regenerate",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = store::extension::Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "EXTENSION_NOT_FOUND"),
    ),
    tag = "extensions"
)]
pub(crate) async fn regenerate_extension(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
) -> Result<axum::Json<store::extension::Record>, Failure> {
    order(&state, Command::RegenerateDirectHash(Direct::Extension(id))).await?;
    extension::get(Shared(state), caller, Id(id)).await
}

/// Ends the direct hash of an extension: without a password it is reached no more.
#[utoipa::path(
    delete,
    path = "/v1.0/extensions/{id}/direct-hash",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = store::extension::Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "EXTENSION_NOT_FOUND"),
    ),
    tag = "extensions"
)]
pub(crate) async fn delete_extension(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
) -> Result<axum::Json<store::extension::Record>, Failure> {
    order(&state, Command::DeleteDirectHash(Direct::Extension(id))).await?;
    extension::get(Shared(state), caller, Id(id)).await
}

/// Makes a new direct hash of an agent: whoever calls `sip:direct.<hash>@…` reaches it, without a password. With the one
/// that it had it is reached no more.
#[utoipa::path(
    post,
    path = "/v1.0/agents/{id}/direct-hash-regenerate",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = store::agent::Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
    ),
    tag = "agents"
)]
pub(crate) async fn regenerate_agent(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<store::agent::Record>, Failure> {
    order(&state, Command::RegenerateDirectHash(Direct::Agent(id))).await?;
    agent::get(Shared(state), Id(id)).await
}

/// Ends the direct hash of an agent: without a password it is reached no more.
#[utoipa::path(
    delete,
    path = "/v1.0/agents/{id}/direct-hash",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = store::agent::Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
    ),
    tag = "agents"
)]
pub(crate) async fn delete_agent(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<store::agent::Record>, Failure> {
    order(&state, Command::DeleteDirectHash(Direct::Agent(id))).await?;
    agent::get(Shared(state), Id(id)).await
}

/// Makes a new direct hash of a conference: whoever calls `sip:direct.<hash>@…` reaches it, without a password. With the one
/// that it had it is reached no more.
#[utoipa::path(
    post,
    path = "/v1.0/conferences/{id}/direct-hash-regenerate",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = store::conference::Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CONFERENCE_NOT_FOUND"),
    ),
    tag = "conferences"
)]
pub(crate) async fn regenerate_conference(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<store::conference::Record>, Failure> {
    order(&state, Command::RegenerateDirectHash(Direct::Conference(id))).await?;
    conference::get(Shared(state), Id(id)).await
}

/// Ends the direct hash of a conference: without a password it is reached no more.
#[utoipa::path(
    delete,
    path = "/v1.0/conferences/{id}/direct-hash",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = store::conference::Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CONFERENCE_NOT_FOUND"),
    ),
    tag = "conferences"
)]
pub(crate) async fn delete_conference(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<store::conference::Record>, Failure> {
    order(&state, Command::DeleteDirectHash(Direct::Conference(id))).await?;
    conference::get(Shared(state), Id(id)).await
}

/// Makes a new direct hash of a flow: whoever calls `sip:direct.<hash>@…` reaches it, without a password. With the one
/// that it had it is reached no more.
#[utoipa::path(
    post,
    path = "/v1.0/flows/{id}/direct-hash-regenerate",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = store::flow::Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "FLOW_NOT_FOUND"),
    ),
    tag = "flows"
)]
pub(crate) async fn regenerate_flow(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<store::flow::Record>, Failure> {
    order(&state, Command::RegenerateDirectHash(Direct::Flow(id))).await?;
    flow::get(Shared(state), Id(id)).await
}

/// Ends the direct hash of a flow: without a password it is reached no more.
#[utoipa::path(
    delete,
    path = "/v1.0/flows/{id}/direct-hash",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = store::flow::Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "FLOW_NOT_FOUND"),
    ),
    tag = "flows"
)]
pub(crate) async fn delete_flow(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<store::flow::Record>, Failure> {
    order(&state, Command::DeleteDirectHash(Direct::Flow(id))).await?;
    flow::get(Shared(state), Id(id)).await
}
