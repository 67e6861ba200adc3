//! `/v1.0/numbers`.

use axum::extract::State as Shared;
use pbx::directory::{NewNumber, NumberChange};
use pbx::{Command, Rejection, Reply};
use serde::Deserialize;
use store::Page;
use store::number::{NumberType, Record};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters, optional_id};
use crate::state::State;

/// A new number.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NumberCreate {
    /// What is dialled: E.164 with `+`, or a short number of the box: 1 to 32 of `0-9 a-z A-Z - _ . + * #`, no
    /// extension's and no conference's.
    number: String,
    /// Where it comes from: `normal`, the default, or `virtual`.
    #[serde(rename = "type")]
    kind: Option<NumberType>,
    /// Its name.
    #[serde(default)]
    name: String,
    /// A remark.
    #[serde(default)]
    detail: String,
    /// What goes through which flow.
    #[serde(flatten)]
    flows: NumberFlows,
}

/// What changes of a number; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NumberUpdate {
    /// A new name.
    name: Option<String>,
    /// A new remark.
    detail: Option<String>,
    /// What goes through which flow.
    #[serde(flatten)]
    flows: NumberFlows,
}

/// What changes of that which the exchange knows of a number; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NumberMetadataUpdate {
    /// Whether the audio of calls to it is looked at closely, second by second in the call's sequence.
    rtp_debug: Option<bool>,
}

/// What goes through which flow; empty or nil: none. What is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NumberFlows {
    /// The flow that a call goes through.
    call_flow_id: Option<String>,
    /// The same as `call_flow_id`.
    flow_id: Option<String>,
    /// The flow that a message goes through.
    message_flow_id: Option<String>,
}

/// Lists the numbers, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/numbers",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "numbers"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.numbers(page)).await?))
}

/// Makes a number: whoever dials it goes through its flow.
#[utoipa::path(
    post,
    path = "/v1.0/numbers",
    request_body = NumberCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "NUMBER_ALREADY_EXISTS, EXTENSION_ALREADY_EXISTS, CONFERENCE_ALREADY_EXISTS"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "numbers"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<NumberCreate>,
) -> Result<axum::Json<Record>, Failure> {
    let NumberCreate { number, kind, name, detail, flows } = new;
    let NumberChange { call_flow_id, message_flow_id, .. } = flows.change()?;
    let (call_flow_id, message_flow_id) = (call_flow_id.flatten(), message_flow_id.flatten());
    let kind = kind.map(Into::into).unwrap_or_default();
    let new = NewNumber { number, kind, call_flow_id, message_flow_id, name, detail };
    order(&state, Command::CreateNumber(new)).await
}

/// Shows a number.
#[utoipa::path(
    get,
    path = "/v1.0/numbers/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "NUMBER_NOT_FOUND")),
    tag = "numbers"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.number(id)).await?;
    found.map(axum::Json).ok_or_else(|| Failure::not_found("number"))
}

/// Changes a number.
#[utoipa::path(
    put,
    path = "/v1.0/numbers/{id}",
    params(("id" = Uuid, Path)),
    request_body = NumberUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "NUMBER_NOT_FOUND"),
    ),
    tag = "numbers"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<NumberUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let NumberUpdate { name, detail, flows } = change;
    order(&state, Command::UpdateNumber(id, NumberChange { name, detail, ..flows.change()? })).await
}

/// Sets the flows of a number.
#[utoipa::path(
    put,
    path = "/v1.0/numbers/{id}/flow_ids",
    params(("id" = Uuid, Path)),
    request_body = NumberFlows,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "NUMBER_NOT_FOUND"),
    ),
    tag = "numbers"
)]
pub(crate) async fn update_flows(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(flows): Json<NumberFlows>,
) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::UpdateNumber(id, flows.change()?)).await
}

/// Sets whether the audio of calls to a number is looked at closely; of those that begin from now on.
#[utoipa::path(
    put,
    path = "/v1.0/numbers/{id}/metadata",
    params(("id" = Uuid, Path)),
    request_body = NumberMetadataUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "NUMBER_NOT_FOUND"),
    ),
    tag = "numbers"
)]
pub(crate) async fn update_metadata(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(NumberMetadataUpdate { rtp_debug }): Json<NumberMetadataUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::UpdateNumber(id, NumberChange { rtp_debug, ..NumberChange::default() })).await
}

/// Deletes a number.
#[utoipa::path(
    delete,
    path = "/v1.0/numbers/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "NUMBER_NOT_FOUND"),
    ),
    tag = "numbers"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::DeleteNumber(id)).await
}

/// Asks the exchange for a change, and shows the number as it is after it.
async fn order(state: &State, command: Command) -> Result<axum::Json<Record>, Failure> {
    let Reply::Number(number) = ask(state, command).await? else { return Err(Failure::internal()) };
    Ok(axum::Json(Record::new(&number, state.store().identity())))
}

impl NumberFlows {
    fn change(&self) -> Result<NumberChange, Failure> {
        let id = |field: &'static str, text: &Option<String>| -> Result<Option<Option<Uuid>>, Failure> {
            text.as_deref().map(|text| optional_id(field, text)).transpose()
        };
        let (call_flow_id, flow_id) = (id("call_flow_id", &self.call_flow_id)?, id("flow_id", &self.flow_id)?);
        if call_flow_id.is_some() && flow_id.is_some() && call_flow_id != flow_id {
            return Err(Rejection::Invalid { field: "flow_id", reason: "is another one than call_flow_id" }.into());
        }
        let message_flow_id = id("message_flow_id", &self.message_flow_id)?;
        Ok(NumberChange { call_flow_id: call_flow_id.or(flow_id), message_flow_id, ..NumberChange::default() })
    }
}
