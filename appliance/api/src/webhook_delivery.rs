//! `/v1.0/webhook_deliveries`: what web servers are told of events, and what came of it.

use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::webhook_delivery::{DeliveryStatus, Record};
use store::{Item, Page};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::exchange::remember;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::parameters::{Id, PageParameters, Parameters, invalid};
use crate::state::State;

/// Which deliveries are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// `waiting`, `delivered` or `failed`; all where nothing is said.
    status: Option<String>,
    /// Rows of the page: 1 to 100, 100 by default.
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// `next_page_token` of the page before.
    page_token: Option<String>,
}

/// A delivery with what it tells.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDeliveryDetail {
    #[serde(flatten)]
    delivery: Record,
    /// The resource as it is told; `null` where the log has the event no more.
    #[schema(value_type = Object, nullable)]
    data: Option<Box<RawValue>>,
}

/// Lists the deliveries, newest first. What the customer's web server was not told of yet is in the event log, and not here.
#[utoipa::path(
    get,
    path = "/v1.0/webhook_deliveries",
    params(ListParameters),
    responses((status = 200, body = Page<Record>), (status = 400, body = ErrorEnvelope), (status = 401, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope)),
    tag = "webhook_deliveries"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<axum::Json<Page<Record>>, Failure> {
    let ListParameters { status, page_size, page_token } = parameters;
    let page = PageParameters { page_size, page_token }.request()?;
    let unknown = || invalid("status must be waiting, delivered or failed".to_owned());
    let status = status.filter(|word| !word.is_empty());
    let status = status.map(|word| DeliveryStatus::from_word(&word).ok_or_else(unknown)).transpose()?;
    Ok(axum::Json(state.readers().read(move |reader| reader.webhook_deliveries(status, page)).await?))
}

/// Shows a delivery, with what it tells.
#[utoipa::path(
    get,
    path = "/v1.0/webhook_deliveries/{id}",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = WebhookDeliveryDetail),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "WEBHOOK_DELIVERY_NOT_FOUND"),
    ),
    tag = "webhook_deliveries"
)]
pub(crate) async fn get(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<WebhookDeliveryDetail>, Failure> {
    find(&state, id).await.map(axum::Json)
}

/// Has a delivery that came to an end tried anew, three times at most.
#[utoipa::path(
    post,
    path = "/v1.0/webhook_deliveries/{id}/retry",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = WebhookDeliveryDetail),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "WEBHOOK_DELIVERY_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "STATE_INVALID: it waits already; EVENT_EXPIRED: the log has its event no more"),
    ),
    tag = "webhook_deliveries"
)]
pub(crate) async fn retry(
    Shared(state): Shared<State>,
    Id(id): Id,
) -> Result<axum::Json<WebhookDeliveryDetail>, Failure> {
    let found = find(&state, id).await?;
    let refused = |reason, message| Err(Failure::new(Status::FailedPrecondition, reason, message));
    if found.delivery.status == DeliveryStatus::Waiting {
        return refused("STATE_INVALID", "the delivery waits to be tried already");
    }
    if found.data.is_none() {
        return refused("EVENT_EXPIRED", "the event is no longer in the log");
    }
    remember(&state, Item::WebhookRetried(id, state.now())).await?;
    (state.webhooks().ring)();
    find(&state, id).await.map(axum::Json)
}

async fn find(state: &State, id: Uuid) -> Result<WebhookDeliveryDetail, Failure> {
    let reading = state.readers().read(move |reader| {
        let Some(delivery) = reader.webhook_delivery(id)? else { return Ok(None) };
        let data = reader.delivery_content(&delivery)?.map(|event| event.data);
        Ok(Some(WebhookDeliveryDetail { delivery, data }))
    });
    reading.await?.ok_or_else(|| Failure::not_found("webhook_delivery"))
}
