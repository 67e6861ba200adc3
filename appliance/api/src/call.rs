//! `/v1.0/calls`.

pub(crate) mod controls;
pub(crate) mod create;
pub(crate) mod digits;
pub(crate) mod talk;

use axum::extract::State as Shared;
use pbx::{Command, Reply};
use serde::Deserialize;
use store::call::{CallStatus, Record, Shown};
use store::{Item, Page, sequence};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::exchange::{ask, remember};
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// Which calls are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only calls that are not over yet.
    #[serde(default)]
    live: bool,
}

/// Lists the calls, one for each leg, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/calls",
    params(PageParameters, Filter),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope)),
    tag = "calls"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(filter): Parameters<Filter>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    let shown = if filter.live { Shown::Live } else { Shown::All };
    Ok(axum::Json(state.readers().read(move |reader| reader.calls(shown, page)).await?))
}

/// Shows a call.
#[utoipa::path(
    get,
    path = "/v1.0/calls/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND")),
    tag = "calls"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    find(&state, id).await.map(axum::Json)
}

/// Deletes the record of a call that is over.
#[utoipa::path(
    delete,
    path = "/v1.0/calls/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_STATE_INVALID: hang it up first"),
    ),
    tag = "calls"
)]
pub(crate) async fn delete(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let record = find(&state, id).await?;
    if record.status != CallStatus::Hangup {
        let message = "the call is not over; hang it up first";
        return Err(Failure::new(Status::FailedPrecondition, "CALL_STATE_INVALID", message));
    }
    let now = state.now();
    remember(&state, Item::CallDeleted(id, now)).await?;
    Ok(axum::Json(Record { tm_update: now, tm_delete: Some(now), ..record }))
}

/// Ends a call: the leg, and with it what it is bridged to.
#[utoipa::path(
    post,
    path = "/v1.0/calls/{id}/hangup",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "CALL_ALREADY_HANGUP"),
    ),
    tag = "calls"
)]
pub(crate) async fn hangup(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    order(&state, id, Command::HangupCall(id)).await
}

/// Shows what really happened in a call, as a ladder: every message of every leg and every inner step. All legs of a
/// call have the same one.
#[utoipa::path(
    get,
    path = "/v1.0/calls/{id}/sequence",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = sequence::Record),
        (status = 401, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "CALL_NOT_FOUND, or SEQUENCE_NOT_FOUND: it is too old"),
    ),
    tag = "calls"
)]
pub(crate) async fn sequence(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<sequence::Record>, Failure> {
    match ask(&state, Command::ReadSequence(id)).await {
        Ok(Reply::Sequence(live)) => return Ok(axum::Json((&live).into())),
        Ok(_) => return Err(Failure::internal()),
        Err(failure) if failure.http() == 404 => {}
        Err(failure) => return Err(failure),
    }
    // A call that was made for another one is drawn there, unless it began with us: then it has a sequence of its own.
    let master = find(&state, id).await?.master_call_id;
    let kept = state.readers().read(move |reader| match reader.sequence(id)? {
        None if !master.is_nil() => reader.sequence(master),
        own => Ok(own),
    });
    let kept = kept.await?;
    kept.map(axum::Json).ok_or_else(|| Failure::not_found("sequence"))
}

/// Asks the exchange for something about a call, and shows the call as it is after it.
async fn order(state: &State, id: Uuid, command: Command) -> Result<axum::Json<Record>, Failure> {
    match ask(state, command).await {
        Ok(Reply::Call(call)) => Ok(axum::Json(Record::new(&call, state.store().identity()))),
        Ok(_) => Err(Failure::internal()),
        // The exchange forgets a call that is over; the store does not.
        Err(failure) if failure.http() == 404 => {
            find(state, id).await?;
            Err(pbx::Rejection::AlreadyHungUp.into())
        }
        Err(failure) => Err(failure),
    }
}

async fn find(state: &State, id: Uuid) -> Result<Record, Failure> {
    let found = state.readers().read(move |reader| reader.call(id)).await?;
    found.ok_or_else(|| Failure::not_found("call"))
}
