//! `/v1.0/activeflows`.

use std::collections::BTreeMap;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use pbx::command::NewActiveflow;
use pbx::flow::record::EventWebhook;
use pbx::{Command, Rejection, Reply};
use serde::Deserialize;
use store::activeflow::{ActiveflowStatus, Record, WebhookMethod};
use store::value::Tree;
use store::{Item, Page, action};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::customer::webhook_uri;
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
    /// A web server that is told of its events and its calls', besides the customer's: http or https, and neither this box
    /// itself nor a link-local address.
    #[serde(default)]
    webhook_uri: String,
    /// How it is told; by POST where nothing is said.
    #[serde(default)]
    webhook_method: Option<WebhookMethod>,
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
    webhook_uri::validate(&new.webhook_uri, &state.webhooks().own_servers)?;
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
        webhook: event_webhook(new.webhook_uri, new.webhook_method),
    };
    match ask(&state, Command::CreateActiveflow(Box::new(new))).await? {
        Reply::Activeflow(activeflow) => Ok(axum::Json(Record::new(&activeflow, state.store().identity()))),
        _ => Err(Failure::internal()),
    }
}

/// The web server that is told, if one is.
fn event_webhook(uri: String, method: Option<WebhookMethod>) -> Option<EventWebhook> {
    let asked = method.filter(|method| *method != WebhookMethod::Unset).unwrap_or(WebhookMethod::Post);
    asked.to_order().filter(|_| !uri.is_empty()).map(|method| EventWebhook { uri, method })
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
