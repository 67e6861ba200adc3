//! `/v1.0/flows`.

use axum::extract::State as Shared;
use pbx::directory::Direct;
use pbx::flow::{Action, Fault, NewFlow, Value, findings};
use pbx::{Command, Reply};
use serde::Deserialize;
use store::flow::{Finding, Record};
use store::value::Tree;
use store::{Page, action};
use utoipa::ToSchema;

use crate::body::Json;
use crate::direct_hash;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::limits;
use crate::parameters::{Id, PageParameters, Parameters, optional_id};
use crate::state::State;

/// A new flow.
#[derive(Debug, Deserialize, ToSchema)]
pub struct FlowCreate {
    /// Its name.
    #[serde(default)]
    name: String,
    /// A remark.
    #[serde(default)]
    detail: String,
    /// What is done, in this order unless an action says otherwise; `id`, `next_id` and `option` may be left out.
    #[schema(value_type = Vec<action::Record>)]
    actions: Vec<Tree>,
    /// The flow that runs after it; none where it is left out or nil.
    #[serde(default)]
    on_complete_flow_id: String,
}

/// What a flow becomes: all of it is replaced.
#[derive(Debug, Deserialize, ToSchema)]
pub struct FlowUpdate {
    /// Its name.
    name: String,
    /// A remark.
    detail: String,
    /// What is done, in this order unless an action says otherwise; `id`, `next_id` and `option` may be left out.
    #[schema(value_type = Vec<action::Record>)]
    actions: Vec<Tree>,
    /// The flow that runs after it; none where it is left out or nil.
    #[serde(default)]
    on_complete_flow_id: String,
}

/// Lists the flows, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/flows",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "flows"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.flows(page)).await?))
}

/// Makes a flow. One that cannot be run is refused, with all its mistakes as `details`; what is only odd about it is told
/// in `findings`.
#[utoipa::path(
    post,
    path = "/v1.0/flows",
    request_body = FlowCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "flows"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<FlowCreate>,
) -> Result<axum::Json<Record>, Failure> {
    let FlowCreate { name, detail, actions, on_complete_flow_id } = new;
    let on_complete_flow_id = optional_id("on_complete_flow_id", &on_complete_flow_id)?;
    let new = NewFlow { name, detail, actions: read(actions)?, on_complete_flow_id };
    order(&state, Command::CreateFlow(new)).await.map(with_findings)
}

/// Shows a flow.
#[utoipa::path(
    get,
    path = "/v1.0/flows/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "FLOW_NOT_FOUND")),
    tag = "flows"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.flow(id)).await?;
    found.map(axum::Json).ok_or_else(|| Failure::not_found("flow"))
}

/// Replaces a flow. Calls that run it go on with it as it was. One that cannot be run is refused, with all its mistakes as
/// `details`; what is only odd about it is told in `findings`.
#[utoipa::path(
    put,
    path = "/v1.0/flows/{id}",
    params(("id" = Uuid, Path)),
    request_body = FlowUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "FLOW_NOT_FOUND"),
    ),
    tag = "flows"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<FlowUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let FlowUpdate { name, detail, actions, on_complete_flow_id } = change;
    let on_complete_flow_id = optional_id("on_complete_flow_id", &on_complete_flow_id)?;
    let new = NewFlow { name, detail, actions: read(actions)?, on_complete_flow_id };
    order(&state, Command::UpdateFlow(id, new)).await.map(with_findings)
}

/// Deletes a flow. Calls that run it go on.
#[utoipa::path(
    delete,
    path = "/v1.0/flows/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "FLOW_NOT_FOUND"),
    ),
    tag = "flows"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let flow = order(&state, Command::DeleteFlow(id)).await?;
    Ok(axum::Json(flow.record))
}

/// A flow as it is now, and what is odd about it.
struct Saved {
    record: Record,
    findings: Vec<Finding>,
}

/// Asks the exchange for a change.
async fn order(state: &State, command: Command) -> Result<Saved, Failure> {
    let Reply::Flow(flow) = ask(state, command).await? else { return Err(Failure::internal()) };
    let light = findings(&flow.actions).into_iter().filter(|finding| !finding.grave);
    let direct_hash = direct_hash::of(state, Direct::Flow(flow.id)).await?;
    let record = Record { direct_hash, ..Record::new(&flow, state.store().identity()) };
    Ok(Saved { record, findings: light.map(Finding::from).collect() })
}

fn with_findings(saved: Saved) -> axum::Json<Record> {
    axum::Json(Record { findings: Some(saved.findings), ..saved.record })
}

/// Reads a list of actions, and measures it.
pub(crate) fn read(actions: Vec<Tree>) -> Result<Vec<Action>, Failure> {
    let values: Vec<Value> = actions.into_iter().map(|Tree(value)| value).collect();
    let actions = Action::read_list("actions", &values).map_err(malformed)?;
    let octets = serde_json::to_vec(&action::records(&actions)).map_or(usize::MAX, |json| json.len());
    if octets > limits::FLOW {
        return Err(malformed(Fault::new("actions", format!("are {octets} bytes, more than {}", limits::FLOW))));
    }
    Ok(actions)
}

pub(crate) fn malformed(fault: Fault) -> Failure {
    let details = serde_json::json!([{ "field": fault.at, "reason": fault.reason }]);
    Failure::new(Status::InvalidArgument, "INVALID_ARGUMENT", fault.to_string()).with_details(details)
}
