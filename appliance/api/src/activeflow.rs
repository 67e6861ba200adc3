//! `/v1.0/activeflows`.

use std::collections::BTreeMap;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use pbx::command::NewActiveflow;
use pbx::{Command, Rejection, Reply};
use serde::Deserialize;
use store::activeflow::{ActiveflowStatus, Record};
use store::value::Tree;
use store::{Item, Page, action};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::exchange::{ask, remember};
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::flow::read;
use crate::parameters::{Id, PageParameters, Parameters, optional_id};
use crate::state::State;

/// Lists the flows that run or ran, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/activeflows",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "activeflows"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.activeflows(page)).await?))
}

/// A flow to be run without a call.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ActiveflowCreate {
    /// The id that it is to have; one is made where it is left out.
    #[serde(default)]
    id: String,
    /// The flow.
    #[serde(default)]
    flow_id: String,
    /// What is done, where there is no flow_id.
    #[serde(default)]
    #[schema(value_type = Vec<action::Record>)]
    actions: Vec<Tree>,
    /// Variables that it begins with: 100 at most, 32 KiB each, 64 KiB in all.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// Not available on this box: every event goes to the web servers of the customer.
    #[serde(default)]
    webhook_uri: String,
    /// The same.
    #[serde(default)]
    #[allow(dead_code, reason = "without a webhook_uri it means nothing, and that is refused")]
    webhook_method: String,
}

/// Runs a flow that no call goes through; what needs a phone is passed over.
#[utoipa::path(
    post,
    path = "/v1.0/activeflows",
    request_body = ActiveflowCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "ACTIVEFLOW_ALREADY_EXISTS"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "activeflows"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<ActiveflowCreate>,
) -> Result<axum::Json<Record>, Failure> {
    if !new.webhook_uri.is_empty() {
        return Err(Rejection::Invalid { field: "webhook_uri", reason: "is not available on this box" }.into());
    }
    let id = optional_id("id", &new.id)?;
    if let Some(id) = id
        && state.readers().read(move |reader| reader.knows_activeflow(id)).await?
    {
        return Err(Rejection::AlreadyExists("activeflow").into());
    }
    let new = NewActiveflow {
        id,
        flow_id: optional_id("flow_id", &new.flow_id)?,
        actions: read(new.actions)?,
        variables: new.variables.into_iter().collect(),
    };
    match ask(&state, Command::CreateActiveflow(Box::new(new))).await? {
        Reply::Activeflow(activeflow) => Ok(axum::Json(Record::new(&activeflow, state.store().identity()))),
        _ => Err(Failure::internal()),
    }
}

/// Deletes the record of an activeflow; one that runs is ended first, and its call with it.
#[utoipa::path(
    delete,
    path = "/v1.0/activeflows/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 204),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "ACTIVEFLOW_NOT_FOUND"),
    ),
    tag = "activeflows"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<StatusCode, Failure> {
    if find(&state, id).await?.status == ActiveflowStatus::Running {
        match ask(&state, Command::StopActiveflow(id)).await {
            // It came to its end by itself meanwhile.
            Err(failure) if failure.http() != 404 => return Err(failure),
            _ => {}
        }
    }
    remember(&state, Item::ActiveflowDeleted(id, state.now())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows a flow that runs or ran.
#[utoipa::path(
    get,
    path = "/v1.0/activeflows/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "ACTIVEFLOW_NOT_FOUND")),
    tag = "activeflows"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    find(&state, id).await.map(axum::Json)
}

/// Ends a flow that runs, and its call with it.
#[utoipa::path(
    post,
    path = "/v1.0/activeflows/{id}/stop",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "ACTIVEFLOW_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "ACTIVEFLOW_ALREADY_STOPPED"),
    ),
    tag = "activeflows"
)]
pub(crate) async fn stop(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    match ask(&state, Command::StopActiveflow(id)).await {
        Ok(Reply::Activeflow(activeflow)) => Ok(axum::Json(Record::new(&activeflow, state.store().identity()))),
        Ok(_) => Err(Failure::internal()),
        // The exchange forgets an activeflow that is over; the store does not.
        Err(failure) if failure.http() == 404 => {
            find(&state, id).await?;
            let message = "the activeflow is stopped already";
            Err(Failure::new(Status::FailedPrecondition, "ACTIVEFLOW_ALREADY_STOPPED", message))
        }
        Err(failure) => Err(failure),
    }
}

async fn find(state: &State, id: Uuid) -> Result<Record, Failure> {
    let found = state.readers().read(move |reader| reader.activeflow(id)).await?;
    found.ok_or_else(|| Failure::not_found("activeflow"))
}
