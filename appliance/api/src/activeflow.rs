//! `/v1.0/activeflows`.

use axum::extract::State as Shared;
use pbx::{Command, Reply};
use store::Page;
use store::activeflow::Record;
use uuid::Uuid;

use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// Lists the flows that run or ran, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/activeflows",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "activeflows"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.activeflows(page)).await?))
}

/// Shows a flow that runs or ran.
#[utoipa::path(
    get,
    path = "/v1.0/activeflows/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "ACTIVEFLOW_NOT_FOUND")),
    tag = "activeflows"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    find(&state, id).await.map(axum::Json)
}

/// Ends a flow that runs, and its call with it.
#[utoipa::path(
    post,
    path = "/v1.0/activeflows/{id}/stop",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "ACTIVEFLOW_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "ACTIVEFLOW_ALREADY_STOPPED"),
    ),
    tag = "activeflows"
)]
pub(crate) async fn stop(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    match ask(&state, Command::StopActiveflow(id)).await {
        Ok(Reply::Activeflow(activeflow)) => Ok(axum::Json(Record::new(&activeflow, state.store().identity()))),
        Ok(_) => Err(Failure::internal()),
        // The exchange forgets an activeflow that is over; the store does not.
        Err(failure) if failure.http() == 404 => {
            find(&state, id).await?;
            let message = "the activeflow is stopped already";
            Err(Failure::new(Status::FailedPrecondition, "ACTIVEFLOW_ALREADY_STOPPED", message))
        }
        Err(failure) => Err(failure),
    }
}

async fn find(state: &State, id: Uuid) -> Result<Record, Failure> {
    let found = state.readers().read(move |reader| reader.activeflow(id)).await?;
    found.ok_or_else(|| Failure::not_found("activeflow"))
}
