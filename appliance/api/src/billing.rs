//! `/v1.0/billings`: the ledger.

use axum::extract::State as Shared;
use store::Page;
use store::billing::Record;

use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::{Id, PageParameters, Parameters};
use crate::state::State;

/// Lists the entries of the ledger, newest first.
#[utoipa::path(
    get,
    path = "/v1.0/billings",
    params(PageParameters),
    responses(
        (status = 200, body = Page<Record>),
        (status = 400, body = ErrorEnvelope),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "billing"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let page = parameters.request()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.billings(page)).await?))
}

/// Shows an entry of the ledger: by the id of a call its charge, by an idempotency key what was done with it.
#[utoipa::path(
    get,
    path = "/v1.0/billings/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "BILLING_NOT_FOUND"),
    ),
    tag = "billing"
)]
pub(crate) async fn get(Shared(state): Shared<State>, Id(id): Id) -> Result<axum::Json<Record>, Failure> {
    let found = state.readers().read(move |reader| reader.billing(id)).await?;
    found.map(axum::Json).ok_or_else(|| Failure::not_found("billing"))
}
