//! `/v1.0/accesskeys`. A key counts in the name of the agent that made it, with what that agent may at the moment.

use axum::extract::State as Shared;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pbx::Rejection;
use pbx::directory::extension::validate_text;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::accesskey::{Account, Change, Record};
use store::{Item, Page, Timestamp};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::body::Json;
use crate::exchange::remember;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::limits;
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// How every access key begins.
pub const PREFIX: &str = "vb_";
/// Letters of a key that are shown later: too few to guess the rest from.
const SHOWN: usize = 8;

/// A new access key.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AccesskeyCreate {
    /// Its name.
    #[serde(default)]
    name: String,
    /// A remark.
    #[serde(default)]
    detail: String,
    /// For how many seconds it counts; 0 or left out: until it is deleted.
    #[serde(default)]
    expire: i64,
}

/// What changes of an access key; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AccesskeyUpdate {
    /// A new name.
    name: Option<String>,
    /// A new remark.
    detail: Option<String>,
}

/// What is kept of a key.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Lists the access keys, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/accesskeys",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope)),
    tag = "accesskeys"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.accesskeys(page)).await?))
}

/// Makes an access key, which counts in the name of the agent that asks for it. The key itself is in this answer only.
#[utoipa::path(
    post,
    path = "/v1.0/accesskeys",
    request_body = AccesskeyCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "accesskeys"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    caller: Caller,
    Json(new): Json<AccesskeyCreate>,
) -> Result<axum::Json<Record>, Failure> {
    let AccesskeyCreate { name, detail, expire } = new;
    validate(Some(&name), Some(&detail))?;
    if !(0..=limits::ACCESSKEY_SECONDS).contains(&expire) {
        return Err(Rejection::Invalid { field: "expire", reason: "must be 0 to 3153600000 seconds" }.into());
    }
    if state.readers().read(|reader| reader.count_accesskeys()).await? >= limits::ACCESSKEYS {
        let message = "there are as many access keys as the exchange can hold";
        return Err(Failure::new(Status::ResourceExhausted, "LIMIT_REACHED", message).with_retry_after(60));
    }
    let entropy = state.entropy()?;
    let (secret, rest) = entropy.split_at(32);
    let id = rest.first_chunk::<16>().expect("32 bytes hold 16");
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let now = state.now();
    let record = Record {
        id: uuid::Builder::from_random_bytes(*id).into_uuid(),
        customer_id: caller.agent.customer_id,
        name,
        detail,
        token: None,
        token_prefix: token[..SHOWN].to_owned(),
        tm_expire: (expire > 0).then(|| Timestamp(now.0.saturating_add(expire * 1_000_000))),
        tm_create: now,
        tm_update: now,
        tm_delete: None,
    };
    let account = Account { record: record.clone(), agent_id: caller.agent.id, hash: hash(&token) };
    remember(&state, Item::AccesskeyCreated(Box::new(account))).await?;
    Ok(axum::Json(Record { token: Some(token), ..record }))
}

/// Shows an access key, but never the key itself.
#[utoipa::path(
    get,
    path = "/v1.0/accesskeys/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "ACCESSKEY_NOT_FOUND")),
    tag = "accesskeys"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    find(&state, id).await.map(axum::Json)
}

/// Changes the name and the remark of an access key.
#[utoipa::path(
    put,
    path = "/v1.0/accesskeys/{id}",
    params(("id" = Uuid, Path)),
    request_body = AccesskeyUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "ACCESSKEY_NOT_FOUND"),
    ),
    tag = "accesskeys"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<AccesskeyUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let AccesskeyUpdate { name, detail } = change;
    validate(name.as_deref(), detail.as_deref())?;
    find(&state, id).await?;
    remember(&state, Item::AccesskeyUpdated(id, Change { name, detail }, state.now())).await?;
    find(&state, id).await.map(axum::Json)
}

/// Deletes an access key: from now on it counts no more, and WebSockets that were opened by it are closed.
#[utoipa::path(
    delete,
    path = "/v1.0/accesskeys/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "ACCESSKEY_NOT_FOUND"),
    ),
    tag = "accesskeys"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let record = find(&state, id).await?;
    let now = state.now();
    remember(&state, Item::AccesskeyDeleted(id, now)).await?;
    state.withdraw();
    Ok(axum::Json(Record { tm_update: now, tm_delete: Some(now), ..record }))
}

async fn find(state: &State, id: Uuid) -> Result<Record, Failure> {
    let found = state.readers().read(move |reader| reader.accesskey(id)).await?;
    found.map(|account| account.record).ok_or_else(|| Failure::not_found("accesskey"))
}

fn validate(name: Option<&str>, detail: Option<&str>) -> Result<(), Failure> {
    name.map_or(Ok(()), |name| validate_text("name", name))?;
    Ok(detail.map_or(Ok(()), |detail| validate_text("detail", detail))?)
}
