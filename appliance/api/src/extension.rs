//! `/v1.0/extensions`.

use axum::extract::State as Shared;
use pbx::directory::{Direct, ExtensionChange, NewExtension};
use pbx::{Command, Reply};
use serde::Deserialize;
use store::Page;
use store::agent::AgentPermission;
use store::encryption::Encryption;
use store::extension::Record;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::Json;
use crate::direct_hash;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// A new extension.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ExtensionCreate {
    /// The number one dials, and the SIP user name: 1 to 32 of `0-9 a-z A-Z - _ . + * #`.
    extension: String,
    /// The SIP password.
    password: String,
    /// The name shown to those who are called.
    #[serde(default)]
    name: String,
    /// A remark.
    #[serde(default)]
    detail: String,
    /// Whether its audio is encrypted: `off`, `optional`, `required`; empty or not there: as the box is set.
    #[serde(default = "Encryption::of_the_box")]
    encryption: Encryption,
}

/// What changes of an extension; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ExtensionUpdate {
    /// A new name.
    name: Option<String>,
    /// A new remark.
    detail: Option<String>,
    /// A new SIP password.
    password: Option<String>,
    /// Whether its audio is encrypted: `off`, `optional`, `required`; empty: as the box is set.
    encryption: Option<Encryption>,
}

/// Lists the extensions, with the phones that are registered, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/extensions",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "extensions"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    caller: Caller,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let (page, now) = (parameters.request()?, state.now());
    let mut page = state.readers().read(move |reader| reader.extensions(page, now)).await?;
    page.result = page.result.into_iter().map(|record| visible(record, &caller)).collect();
    Ok(axum::Json(page))
}

/// Makes an extension.
#[utoipa::path(
    post,
    path = "/v1.0/extensions",
    request_body = ExtensionCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "EXTENSION_ALREADY_EXISTS, CONFERENCE_ALREADY_EXISTS, NUMBER_ALREADY_EXISTS: what has the number"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "extensions"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<ExtensionCreate>,
) -> Result<axum::Json<Record>, Failure> {
    let ExtensionCreate { extension, password, name, detail, encryption } = new;
    let new = NewExtension { extension, password, name, detail, encryption: encryption.into() };
    order(&state, Command::CreateExtension(new)).await
}

/// Shows an extension, with the phones that are registered.
#[utoipa::path(
    get,
    path = "/v1.0/extensions/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)),
    tag = "extensions"
)]
pub(crate) async fn get(
    Shared(state): Shared<State>,
    caller: Caller,
    Id(id): Id,
) -> Result<axum::Json<Record>, Failure> {
    let now = state.now();
    let found = state.readers().read(move |reader| reader.extension(id, now)).await?;
    found.map(|record| axum::Json(visible(record, &caller))).ok_or_else(|| Failure::not_found("extension"))
}

/// Changes an extension.
#[utoipa::path(
    put,
    path = "/v1.0/extensions/{id}",
    params(("id" = Uuid, Path)),
    request_body = ExtensionUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "EXTENSION_NOT_FOUND"),
    ),
    tag = "extensions"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<ExtensionUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let ExtensionUpdate { name, detail, password, encryption } = change;
    let change = ExtensionChange { password, name, detail, encryption: encryption.map(Into::into) };
    order(&state, Command::UpdateExtension(id, change)).await
}

/// Deletes an extension; its registrations and its calls end.
#[utoipa::path(
    delete,
    path = "/v1.0/extensions/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "EXTENSION_NOT_FOUND"),
    ),
    tag = "extensions"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::DeleteExtension(id)).await
}

/// Asks the exchange for a change, and shows the extension as it is after it.
async fn order(state: &State, command: Command) -> Result<axum::Json<Record>, Failure> {
    let Reply::Extension(extension) = ask(state, command).await? else { return Err(Failure::internal()) };
    let (id, now) = (extension.id, state.now());
    let registrations = state.readers().read(move |reader| reader.registrations(id, now)).await?;
    let direct_hash = direct_hash::of(state, Direct::Extension(id)).await?;
    let record = Record::new(&extension, state.store().identity());
    Ok(axum::Json(Record { registrations: Some(registrations), direct_hash, ..record }))
}

/// The record without what the caller may not see.
fn visible(record: Record, caller: &Caller) -> Record {
    if caller.may(AgentPermission::Manager) { record } else { record.without_password() }
}
