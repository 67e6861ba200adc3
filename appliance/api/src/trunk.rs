//! `/v1.0/trunks`.

use axum::extract::State as Shared;
use pbx::directory::{Network, TrunkData};
use pbx::{Command, Rejection, Reply};
use serde::Deserialize;
use store::Page;
use store::trunk::{AuthType, Record};
use utoipa::ToSchema;

use crate::body::Json;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// A new trunk.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TrunkCreate {
    /// The name that it is known by: 1 to 63 of `0-9 a-z A-Z - .`, no other trunk's.
    domain_name: String,
    /// All else.
    #[serde(flatten)]
    rest: TrunkUpdate,
}

/// What changes of a trunk.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TrunkUpdate {
    /// Its name.
    name: Option<String>,
    /// A remark.
    detail: Option<String>,
    /// What proves it, at least one of `basic` (user name and password) and `ip` (its address); either will do.
    auth_types: Option<Vec<AuthType>>,
    /// The user name, for `basic`: no other trunk's, and no extension's number.
    username: Option<String>,
    /// The password, for `basic`: 6 to 128 bytes; it is never shown again.
    password: Option<String>,
    /// Where it may call from, for `ip`: addresses, or networks as `192.0.2.0/24`; at most 100.
    allowed_ips: Option<Vec<String>>,
}

/// Lists the trunks, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/trunks",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "trunks"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.trunks(page)).await?))
}

/// Makes a trunk: whoever it is may call the numbers of the box.
#[utoipa::path(
    post,
    path = "/v1.0/trunks",
    request_body = TrunkCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "TRUNK_ALREADY_EXISTS, EXTENSION_ALREADY_EXISTS"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "trunks"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<TrunkCreate>,
) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::CreateTrunk(Box::new(new.data()?))).await
}

/// Shows a trunk.
#[utoipa::path(
    get,
    path = "/v1.0/trunks/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "TRUNK_NOT_FOUND")),
    tag = "trunks"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.trunk(id)).await?;
    found.map(axum::Json).ok_or_else(|| Failure::not_found("trunk"))
}

/// Changes a trunk; what is not there stays as it is.
#[utoipa::path(
    put,
    path = "/v1.0/trunks/{id}",
    params(("id" = Uuid, Path)),
    request_body = TrunkUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "TRUNK_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "TRUNK_ALREADY_EXISTS, EXTENSION_ALREADY_EXISTS"),
    ),
    tag = "trunks"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<TrunkUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let Reply::Trunk(known) = ask(&state, Command::ReadTrunk(id)).await? else { return Err(Failure::internal()) };
    let data = change.apply(known.data)?;
    order(&state, Command::UpdateTrunk(id, Box::new(data))).await
}

/// Deletes a trunk. Its calls go on.
#[utoipa::path(
    delete,
    path = "/v1.0/trunks/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "TRUNK_NOT_FOUND"),
    ),
    tag = "trunks"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::DeleteTrunk(id)).await
}

/// Asks the exchange for a change, and shows the trunk as it is after it.
async fn order(state: &State, command: Command) -> Result<axum::Json<Record>, Failure> {
    let Reply::Trunk(record) = ask(state, command).await? else { return Err(Failure::internal()) };
    Ok(axum::Json(Record::new(&record, state.store().identity())))
}

impl TrunkCreate {
    fn data(self) -> Result<TrunkData, Failure> {
        self.rest.apply(TrunkData { domain_name: self.domain_name, ..TrunkData::default() })
    }
}

impl TrunkUpdate {
    fn apply(self, mut data: TrunkData) -> Result<TrunkData, Failure> {
        if let Some(types) = self.auth_types {
            (data.by_password, data.by_address) = (types.contains(&AuthType::Basic), types.contains(&AuthType::Ip));
        }
        if let Some(allowed) = self.allowed_ips {
            let networks: Option<Vec<Network>> = allowed.iter().map(|text| Network::parse(text)).collect();
            let reason = "has something that is neither an address nor a network";
            data.allowed_ips = networks.ok_or(Rejection::Invalid { field: "allowed_ips", reason })?;
        }
        data.name = self.name.unwrap_or(data.name);
        data.detail = self.detail.unwrap_or(data.detail);
        data.username = self.username.unwrap_or(data.username);
        data.password = self.password.filter(|password| !password.is_empty()).unwrap_or(data.password);
        Ok(data)
    }
}
