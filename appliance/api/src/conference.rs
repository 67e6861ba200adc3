//! `/v1.0/conferences`.

pub(crate) mod recording;

use std::time::Duration;

use axum::extract::State as Shared;
use pbx::conference::{ConferenceChange, NewConference};
use pbx::directory::Direct;
use pbx::{Command, Reply};
use serde::Deserialize;
use store::Page;
use store::conference::{ConferenceType, Data, Record};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::direct_hash;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// A new conference.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ConferenceCreate {
    /// What it is for: `conference`, the default. The others are made by the exchange itself.
    #[serde(rename = "type")]
    kind: Option<ConferenceType>,
    /// Its id; chosen by the exchange where there is none.
    id: Option<Uuid>,
    /// The name shown to those who are in it.
    #[serde(default)]
    name: String,
    /// A remark.
    #[serde(default)]
    detail: String,
    /// So many seconds after it was made it ends by itself; 0: never.
    #[serde(default)]
    timeout: u32,
    /// How it is dialled and what it sounds like.
    data: Option<Data>,
    /// The flow that a call goes through before it joins; nil: none.
    pre_flow_id: Option<Uuid>,
    /// The flow that a call goes through after it was sent out, or the conference ended; nil: none.
    post_flow_id: Option<Uuid>,
}

/// What changes of a conference; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ConferenceUpdate {
    /// A new name.
    name: Option<String>,
    /// A new remark.
    detail: Option<String>,
    /// Another time to live in seconds, still counted from when it was made.
    timeout: Option<u32>,
    /// Other data, all of it.
    data: Option<Data>,
    /// Another flow before; nil: none.
    pre_flow_id: Option<Uuid>,
    /// Another flow after; nil: none.
    post_flow_id: Option<Uuid>,
}

fn unless_nil(id: Uuid) -> Option<Uuid> {
    Some(id).filter(|id| !id.is_nil())
}

/// Lists the conferences that are not over, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/conferences",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "conferences"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.conferences(page)).await?))
}

/// Makes a conference. Phones join it by dialling `conference-<id>`, or its short number.
#[utoipa::path(
    post,
    path = "/v1.0/conferences",
    request_body = ConferenceCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "CONFERENCE_ALREADY_EXISTS, EXTENSION_ALREADY_EXISTS"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "conferences"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<ConferenceCreate>,
) -> Result<axum::Json<Record>, Failure> {
    let ConferenceCreate { kind, id, name, detail, timeout, data, pre_flow_id, post_flow_id } = new;
    if kind.is_some_and(|kind| kind != ConferenceType::Conference) {
        let details = serde_json::json!([{ "field": "type", "reason": "must be conference" }]);
        let message = "type: must be conference; the exchange makes the others itself";
        return Err(Failure::new(Status::InvalidArgument, "INVALID_ARGUMENT", message).with_details(details));
    }
    let (data, timeout) = (data.map(Into::into).unwrap_or_default(), Duration::from_secs(timeout.into()));
    let (pre_flow_id, post_flow_id) = (pre_flow_id.and_then(unless_nil), post_flow_id.and_then(unless_nil));
    let new = NewConference { id, name, detail, data, timeout, pre_flow_id, post_flow_id };
    order(&state, Command::CreateConference(new)).await
}

/// Shows a conference.
#[utoipa::path(
    get,
    path = "/v1.0/conferences/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "CONFERENCE_NOT_FOUND")),
    tag = "conferences"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.conference(id)).await?;
    found.map(axum::Json).ok_or_else(|| Failure::not_found("conference"))
}

/// Changes a conference.
#[utoipa::path(
    put,
    path = "/v1.0/conferences/{id}",
    params(("id" = Uuid, Path)),
    request_body = ConferenceUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CONFERENCE_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CONFERENCE_ALREADY_EXISTS, EXTENSION_ALREADY_EXISTS"),
    ),
    tag = "conferences"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<ConferenceUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let ConferenceUpdate { name, detail, timeout, data, pre_flow_id, post_flow_id } = change;
    let timeout = timeout.map(|timeout| Duration::from_secs(timeout.into()));
    let (pre_flow_id, post_flow_id) = (pre_flow_id.map(unless_nil), post_flow_id.map(unless_nil));
    let change = ConferenceChange { name, detail, data: data.map(Into::into), timeout, pre_flow_id, post_flow_id };
    order(&state, Command::UpdateConference(id, change)).await
}

/// Ends a conference: the calls of everybody in it end.
#[utoipa::path(
    delete,
    path = "/v1.0/conferences/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CONFERENCE_NOT_FOUND"),
    ),
    tag = "conferences"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::DeleteConference(id)).await
}

/// Asks the exchange for a change, and shows the conference as it is after it.
async fn order(state: &State, command: Command) -> Result<axum::Json<Record>, Failure> {
    let Reply::Conference(conference) = ask(state, command).await? else { return Err(Failure::internal()) };
    let direct_hash = direct_hash::of(state, Direct::Conference(conference.id)).await?;
    Ok(axum::Json(Record { direct_hash, ..Record::new(&conference, state.store().identity()) }))
}
