//! `/v1.0/conferencecalls`: the places that calls have in conferences.

use axum::extract::State as Shared;
use pbx::{Command, Reply};
use store::Page;
use store::conferencecall::Record;

use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// Lists who is in a conference, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/conferencecalls",
    params(PageParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "conferences"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.conferencecalls(page)).await?))
}

/// Shows a place in a conference, also one that its call has left.
#[utoipa::path(
    get,
    path = "/v1.0/conferencecalls/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "CONFERENCECALL_NOT_FOUND")),
    tag = "conferences"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.conferencecall(id)).await?;
    found.map(axum::Json).ok_or_else(|| Failure::not_found("conferencecall"))
}

/// Sends a call out of its conference, and ends it.
#[utoipa::path(
    delete,
    path = "/v1.0/conferencecalls/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CONFERENCECALL_NOT_FOUND: there is none, or it has left"),
    ),
    tag = "conferences"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    match ask(&state, Command::DeleteConferencecall(id)).await? {
        Reply::Conferencecall(conferencecall) => Ok(axum::Json(Record::new(&conferencecall, state.store().identity()))),
        _ => Err(Failure::internal()),
    }
}
