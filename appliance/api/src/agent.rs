//! `/v1.0/agents` and `/v1.0/me`. Who may change whom is decided by [`pbx::directory::Agents`].

pub mod parts;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use pbx::directory::{AgentChange, Author, Direct, NewAgent, PasswordHash};
use pbx::{Command, Rejection, Reply};
use serde::Deserialize;
use store::Page;
use store::address::Address;
use store::agent::{AgentPermission, AgentRingMethod, AgentStatus, Filter, Record};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::Caller;
use crate::body;
use crate::direct_hash;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters, invalid};
use crate::state::State;

/// A new agent.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AgentCreate {
    /// What it logs in with; no other agent has it.
    username: String,
    /// Its password: 8 to 128 bytes.
    password: String,
    /// The name shown.
    #[serde(default)]
    name: String,
    /// A remark.
    #[serde(default)]
    detail: String,
    /// How its addresses are rung: `ring_all`, the default, or `linear`.
    ring_method: Option<AgentRingMethod>,
    /// What it may do: `agent`, the default, `manager` or `admin`.
    permission: Option<GivenPermission>,
    /// What it is good at: ids of tags.
    #[serde(default)]
    tag_ids: Vec<String>,
    /// Where it is reached: extensions, telephone numbers and SIP URIs.
    #[serde(default)]
    addresses: Vec<Address>,
}

/// What changes of an agent; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AgentUpdate {
    /// A new name.
    name: Option<String>,
    /// A new remark.
    detail: Option<String>,
    /// How its addresses are rung.
    ring_method: Option<AgentRingMethod>,
}

/// What an agent may do: a word, or VoIPBIN's bits (16 agent, 64 manager, 32 admin).
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(untagged, expecting = "the permission must be agent, manager or admin, or the bits 16, 64 or 32")]
pub enum GivenPermission {
    /// One of our words.
    Word(AgentPermission),
    /// Several bits mean the one that may most.
    Bits(u64),
}

/// Which agents are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AgentFilter {
    /// Those that have all of these tags: their ids, with commas between them.
    tag_ids: Option<String>,
    /// Those with this status.
    status: Option<AgentStatus>,
}

/// Lists the agents, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/agents",
    params(PageParameters, AgentFilter),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "agents"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
    Parameters(filter): Parameters<AgentFilter>,
) -> Result<Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    let texts = filter.tag_ids.iter().flat_map(|ids| ids.split(',')).map(str::trim).filter(|id| !id.is_empty());
    let tag_ids: Result<Vec<Uuid>, _> = texts.map(Uuid::try_parse).collect();
    let tag_ids = tag_ids.map_err(|_| invalid("tag_ids must be UUIDs with commas between them".to_owned()))?;
    let filter = Filter { tag_ids, status: filter.status };
    Ok(Json(state.readers().read(move |reader| reader.agents(&filter, page)).await?))
}

/// Makes an agent. A manager makes those with the permission `agent`, an administrator any.
#[utoipa::path(
    post,
    path = "/v1.0/agents",
    request_body = AgentCreate,
    responses(
        (status = 201, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "AGENT_ALREADY_EXISTS"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "agents"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    caller: Caller,
    body::Json(new): body::Json<AgentCreate>,
) -> Result<(StatusCode, Json<Record>), Failure> {
    let AgentCreate { username, password, name, detail, ring_method, permission, tag_ids, addresses } = new;
    let tag_ids = read_tags(&tag_ids)?;
    let permission = permission.map(GivenPermission::read).transpose()?.unwrap_or(AgentPermission::Agent).into();
    let addresses = read_addresses(addresses)?;
    let ring_method = ring_method.map(Into::into).unwrap_or_default();
    if password == username {
        return Err(Rejection::Invalid { field: "password", reason: "must not be the user name" }.into());
    }
    let password_hash = hash(&state, password).await?;
    let new = NewAgent { username, password_hash, name, detail, ring_method, permission, tag_ids, addresses };
    let made = order(&state, Command::CreateAgent(Box::new(new), author(&caller))).await?;
    Ok((StatusCode::CREATED, made))
}

/// Shows an agent.
#[utoipa::path(
    get,
    path = "/v1.0/agents/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND")),
    tag = "agents"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.agent(id)).await?;
    found.map(|account| Json(account.record)).ok_or_else(|| Failure::not_found("agent"))
}

/// Changes an agent. A manager changes those with the permission `agent` and itself, an administrator all.
#[utoipa::path(
    put,
    path = "/v1.0/agents/{id}",
    params(("id" = Uuid, Path)),
    request_body = AgentUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
    ),
    tag = "agents"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
    body::Json(change): body::Json<AgentUpdate>,
) -> Result<Json<Record>, Failure> {
    let AgentUpdate { name, detail, ring_method } = change;
    let ring_method = ring_method.map(Into::into);
    let change = AgentChange { name, detail, ring_method, ..AgentChange::default() };
    alter(&state, &caller, (id, change)).await
}

/// Deletes an agent, but never the last administrator. Its logins and access keys end.
#[utoipa::path(
    delete,
    path = "/v1.0/agents/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "AGENT_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "LAST_ADMIN"),
    ),
    tag = "agents"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, caller: Caller, Id(id): Id) -> Result<Json<Record>, Failure> {
    order(&state, Command::DeleteAgent(id, author(&caller))).await
}

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

/// Asks the exchange to change an agent.
async fn alter(state: &State, caller: &Caller, (id, change): (Uuid, AgentChange)) -> Result<Json<Record>, Failure> {
    order(state, Command::UpdateAgent(id, Box::new(change), author(caller))).await
}

/// Asks the exchange for a change, and shows the agent as it is after it.
async fn order(state: &State, command: Command) -> Result<Json<Record>, Failure> {
    let Reply::Agent(agent) = ask(state, command).await? else { return Err(Failure::internal()) };
    state.withdraw();
    let direct_hash = direct_hash::of(state, Direct::Agent(agent.id)).await?;
    Ok(Json(Record { direct_hash, ..Record::new(&agent, state.store().identity()) }))
}

fn author(caller: &Caller) -> Author {
    Author::Agent(caller.agent.id)
}

/// The hash of a new password.
pub(crate) async fn hash(state: &State, password: String) -> Result<PasswordHash, Failure> {
    let invalid = |reason| Err(Rejection::Invalid { field: "password", reason }.into());
    if password.len() < 8 || password.len() > 128 {
        return invalid("must be 8 to 128 bytes long");
    }
    if password.chars().any(char::is_control) {
        return invalid("must not contain control characters");
    }
    let entropy = state.entropy()?;
    let salt = entropy.first_chunk::<16>().expect("64 bytes hold 16");
    state.passwords().hash(password, *salt).await.map(PasswordHash)
}

fn read_tags(texts: &[String]) -> Result<Vec<Uuid>, Failure> {
    let invalid = || Rejection::Invalid { field: "tag_ids", reason: "are not UUIDs" }.into();
    texts.iter().map(|text| Uuid::try_parse(text).map_err(|_| invalid())).collect()
}

fn read_addresses(addresses: Vec<Address>) -> Result<Vec<pbx::directory::AgentAddress>, Failure> {
    let invalid = Rejection::Invalid { field: "addresses", reason: "must be of type extension, tel or sip" };
    addresses.into_iter().map(|address| address.of_agent().ok_or_else(|| invalid.clone().into())).collect()
}

impl GivenPermission {
    fn read(self) -> Result<AgentPermission, Failure> {
        let reason = "must have one of the bits 16 (agent), 64 (manager) and 32 (admin)";
        match self {
            GivenPermission::Word(permission) => Ok(permission),
            GivenPermission::Bits(bits) if bits & 0x20 != 0 => Ok(AgentPermission::Admin),
            GivenPermission::Bits(bits) if bits & 0x40 != 0 => Ok(AgentPermission::Manager),
            GivenPermission::Bits(bits) if bits & 0x10 != 0 => Ok(AgentPermission::Agent),
            GivenPermission::Bits(_) => Err(Rejection::Invalid { field: "permission", reason }.into()),
        }
    }
}
