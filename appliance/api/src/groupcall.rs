//! `/v1.0/groupcalls`.

use axum::extract::State as Shared;
use pbx::flow::order::NewCall;
use pbx::groupcall::{NewGroupcall, RingMethod};
use pbx::{Command, Reply};
use serde::Deserialize;
use store::groupcall::{GroupcallAnswerMethod, GroupcallRingMethod, GroupcallStatus, Record};
use store::value::Tree;
use store::{Item, Page, action};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::call::create::{read_destinations, read_source};
use crate::exchange::{ask, remember};
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::flow::read;
use crate::parameters::{Id, PageParameters, Parameters, optional_id};
use crate::state::State;

/// A groupcall to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct GroupcallCreate {
    /// Who calls, as the callees see it; the box where it is left out.
    #[schema(value_type = Option<store::address::Address>)]
    source: Option<Tree>,
    /// Who is called, 1 to 20 addresses.
    #[serde(default)]
    #[schema(value_type = Vec<store::address::Address>)]
    destinations: Vec<Tree>,
    /// The flow that the one who answers goes through.
    #[serde(default)]
    flow_id: String,
    /// What the one who answers goes through, where there is no flow_id.
    #[serde(default)]
    #[schema(value_type = Vec<action::Record>)]
    actions: Vec<Tree>,
    /// How they are rung: `ring_all`, the default, or `linear`.
    ring_method: Option<GroupcallRingMethod>,
    /// What becomes of the others when one answers: `hangup_others`, the default.
    #[allow(dead_code, reason = "there is one method only, and any other word is refused when it is read")]
    answer_method: Option<GroupcallAnswerMethod>,
}

/// Lists the groupcalls, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/groupcalls",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "groupcalls"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.groupcalls(page)).await?))
}

/// Makes a groupcall: its destinations are rung, all at once or one after the other, and the first that answers goes
/// through the flow.
#[utoipa::path(
    post,
    path = "/v1.0/groupcalls",
    request_body = GroupcallCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "groupcalls"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<GroupcallCreate>,
) -> Result<axum::Json<Record>, Failure> {
    let ring_method = match new.ring_method {
        Some(GroupcallRingMethod::Linear) => RingMethod::Linear,
        None | Some(GroupcallRingMethod::Unset | GroupcallRingMethod::RingAll) => RingMethod::RingAll,
    };
    let call = NewCall {
        source: read_source(new.source)?,
        destinations: read_destinations(new.destinations)?,
        flow: optional_id("flow_id", &new.flow_id)?,
        actions: read(new.actions)?,
        ..NewCall::default()
    };
    order(&state, Command::CreateGroupcall(Box::new(NewGroupcall { call, ring_method }))).await
}

/// Shows a groupcall.
#[utoipa::path(
    get,
    path = "/v1.0/groupcalls/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "GROUPCALL_NOT_FOUND")),
    tag = "groupcalls"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    find(&state, id).await.map(axum::Json)
}

/// Deletes the record of a groupcall that is over.
#[utoipa::path(
    delete,
    path = "/v1.0/groupcalls/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "GROUPCALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "STATE_INVALID: hang it up first"),
    ),
    tag = "groupcalls"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let record = find(&state, id).await?;
    if record.status != GroupcallStatus::Hangup {
        let message = "the groupcall is not over; hang it up first";
        return Err(Failure::new(Status::FailedPrecondition, "STATE_INVALID", message));
    }
    let now = state.now();
    remember(&state, Item::GroupcallDeleted(id, now)).await?;
    Ok(axum::Json(Record { tm_update: now, tm_delete: Some(now), ..record }))
}

/// Ends all calls of a groupcall.
#[utoipa::path(
    post,
    path = "/v1.0/groupcalls/{id}/hangup",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "GROUPCALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "STATE_INVALID: it is over already"),
    ),
    tag = "groupcalls"
)]
pub(crate) async fn hangup(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    match order(&state, Command::HangupGroupcall(id)).await {
        // The exchange forgets a groupcall that is over; the store does not.
        Err(failure) if failure.http() == 404 => {
            find(&state, id).await?;
            Err(Failure::new(Status::FailedPrecondition, "STATE_INVALID", "the groupcall is over already"))
        }
        answer => answer,
    }
}

async fn order(state: &State, command: Command) -> Result<axum::Json<Record>, Failure> {
    match ask(state, command).await? {
        Reply::Groupcall(groupcall) => Ok(axum::Json(Record::new(&groupcall, state.store().identity()))),
        _ => Err(Failure::internal()),
    }
}

async fn find(state: &State, id: Uuid) -> Result<Record, Failure> {
    let found = state.readers().read(move |reader| reader.groupcall(id)).await?;
    found.ok_or_else(|| Failure::not_found("groupcall"))
}
