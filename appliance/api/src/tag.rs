//! `/v1.0/tags`.

use axum::extract::State as Shared;
use pbx::directory::{NewTag, TagChange};
use pbx::{Command, Reply};
use serde::Deserialize;
use store::Page;
use store::tag::Record;
use utoipa::ToSchema;

use crate::body::Json;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// A new tag.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TagCreate {
    /// Its name, which no other tag has.
    name: String,
    /// A remark.
    #[serde(default)]
    detail: String,
}

/// What changes of a tag; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TagUpdate {
    /// A new name, which no other tag has.
    name: Option<String>,
    /// A new remark.
    detail: Option<String>,
}

/// Lists the tags, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/tags",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "tags"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.tags(page)).await?))
}

/// Makes a tag.
#[utoipa::path(
    post,
    path = "/v1.0/tags",
    request_body = TagCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "TAG_ALREADY_EXISTS"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "tags"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<TagCreate>,
) -> Result<axum::Json<Record>, Failure> {
    let TagCreate { name, detail } = new;
    order(&state, Command::CreateTag(NewTag { name, detail })).await
}

/// Shows a tag.
#[utoipa::path(
    get,
    path = "/v1.0/tags/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "TAG_NOT_FOUND")),
    tag = "tags"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.tag(id)).await?;
    found.map(axum::Json).ok_or_else(|| Failure::not_found("tag"))
}

/// Changes a tag.
#[utoipa::path(
    put,
    path = "/v1.0/tags/{id}",
    params(("id" = Uuid, Path)),
    request_body = TagUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "TAG_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "TAG_ALREADY_EXISTS"),
    ),
    tag = "tags"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<TagUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let TagUpdate { name, detail } = change;
    order(&state, Command::UpdateTag(id, TagChange { name, detail })).await
}

/// Deletes a tag; agents have it no more.
#[utoipa::path(
    delete,
    path = "/v1.0/tags/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "TAG_NOT_FOUND"),
    ),
    tag = "tags"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::DeleteTag(id)).await
}

/// Asks the exchange for a change, and shows the tag as it is after it.
async fn order(state: &State, command: Command) -> Result<axum::Json<Record>, Failure> {
    let Reply::Tag(tag) = ask(state, command).await? else { return Err(Failure::internal()) };
    Ok(axum::Json(Record::new(&tag, state.store().identity())))
}
