//! `/v1.0/routes`.

use axum::extract::State as Shared;
use pbx::directory::RouteData;
use pbx::{Command, Reply};
use serde::Deserialize;
use store::Page;
use store::route::Record;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// A new route.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RouteCreate {
    /// Through whom.
    provider_id: Uuid,
    /// What the numbers begin with: `+` and a country code, or `all`.
    target: String,
    /// Of several for the same numbers, the lowest is tried first; 0 to 10000, 0 by default.
    #[serde(default)]
    priority: i32,
    /// Its name.
    #[serde(default)]
    name: String,
    /// A remark.
    #[serde(default)]
    detail: String,
}

/// What changes of a route.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RouteUpdate {
    /// Through whom.
    provider_id: Option<Uuid>,
    /// What the numbers begin with: `+` and a country code, or `all`.
    target: Option<String>,
    /// Of several for the same numbers, the lowest is tried first; 0 to 10000.
    priority: Option<i32>,
    /// Its name.
    name: Option<String>,
    /// A remark.
    detail: Option<String>,
}

/// Lists the routes, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/routes",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "routes"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.routes(page)).await?))
}

/// Makes a route: numbers that begin so go through the provider.
#[utoipa::path(
    post,
    path = "/v1.0/routes",
    request_body = RouteCreate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "ROUTE_ALREADY_EXISTS"),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "routes"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<RouteCreate>,
) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::CreateRoute(Box::new(new.data()?))).await
}

/// Shows a route.
#[utoipa::path(
    get,
    path = "/v1.0/routes/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "ROUTE_NOT_FOUND")),
    tag = "routes"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.route(id)).await?;
    found.map(axum::Json).ok_or_else(|| Failure::not_found("route"))
}

/// Changes a route; what is not there stays as it is.
#[utoipa::path(
    put,
    path = "/v1.0/routes/{id}",
    params(("id" = Uuid, Path)),
    request_body = RouteUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "ROUTE_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "ROUTE_ALREADY_EXISTS"),
    ),
    tag = "routes"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Id(id): Id,
    Json(change): Json<RouteUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let Reply::Route(known) = ask(&state, Command::ReadRoute(id)).await? else { return Err(Failure::internal()) };
    let data = change.apply(known.data)?;
    order(&state, Command::UpdateRoute(id, Box::new(data))).await
}

/// Deletes a route.
#[utoipa::path(
    delete,
    path = "/v1.0/routes/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "ROUTE_NOT_FOUND"),
    ),
    tag = "routes"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, Command::DeleteRoute(id)).await
}

/// Asks the exchange for a change, and shows the route as it is after it.
async fn order(state: &State, command: Command) -> Result<axum::Json<Record>, Failure> {
    let Reply::Route(record) = ask(state, command).await? else { return Err(Failure::internal()) };
    Ok(axum::Json(Record::new(&record, state.store().identity())))
}

impl RouteCreate {
    fn data(self) -> Result<RouteData, Failure> {
        let RouteCreate { provider_id, target, priority, name, detail } = self;
        Ok(RouteData { name, detail, provider_id, priority, target })
    }
}

impl RouteUpdate {
    fn apply(self, data: RouteData) -> Result<RouteData, Failure> {
        Ok(RouteData {
            name: self.name.unwrap_or(data.name),
            detail: self.detail.unwrap_or(data.detail),
            provider_id: self.provider_id.unwrap_or(data.provider_id),
            priority: self.priority.unwrap_or(data.priority),
            target: self.target.unwrap_or(data.target),
        })
    }
}
