//! `/v1.0/customer`: who the box belongs to, and where its events go.

pub mod webhook_uri;

use axum::extract::State as Shared;
use pbx::Rejection;
use pbx::directory::extension::validate_text;
use serde::Deserialize;
use store::Item;
use store::customer::{Change, Metadata, Record, WebhookMethod};
use store::event_log::EventDialect;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::exchange::remember;
use crate::failure::{ErrorEnvelope, Failure};
use crate::limits;
use crate::state::State;

/// What changes of the customer; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CustomerUpdate {
    /// A new name.
    name: Option<String>,
    /// A new remark.
    detail: Option<String>,
    /// Where it is written to.
    email: Option<String>,
    /// Where it is called.
    phone_number: Option<String>,
    /// Where it lives.
    address: Option<String>,
    /// By which method its events are told; empty: they are not.
    webhook_method: Option<WebhookMethod>,
    /// Where its events are told: http or https, and neither this box itself nor a link-local address. Empty: nowhere.
    webhook_uri: Option<String>,
}

/// The billing account that a customer is to have.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CustomerBillingAccount {
    /// Its id.
    billing_account_id: Uuid,
}

/// What changes of that which the exchange knows of the customer; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CustomerMetadataUpdate {
    /// Whether RTP is to be looked at closely.
    rtp_debug: Option<bool>,
    /// What events are called where they are told: `2026` for VoIPBIN's later names.
    event_dialect: Option<EventDialect>,
    /// What they are signed with from now on; it is never shown. Empty: with nothing.
    webhook_secret: Option<String>,
}

/// Shows the customer.
#[utoipa::path(
    get,
    path = "/v1.0/customer",
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope)),
    tag = "customer"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<axum::Json<Record>, Failure> {
    Ok(axum::Json(state.readers().read(|reader| reader.customer()).await?))
}

/// Changes the customer.
#[utoipa::path(
    put,
    path = "/v1.0/customer",
    request_body = CustomerUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "customer"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Json(change): Json<CustomerUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let CustomerUpdate { name, detail, email, phone_number, address, webhook_method, webhook_uri } = change;
    let texts = [("name", &name), ("detail", &detail), ("phone_number", &phone_number), ("address", &address)];
    for (field, text) in texts {
        text.as_deref().map_or(Ok(()), |text| validate_text(field, text))?;
    }
    email.as_deref().map_or(Ok(()), validate_email)?;
    let own = &state.webhooks().own_servers;
    webhook_uri.as_deref().map_or(Ok(()), |uri| webhook_uri::validate(uri, own))?;
    let (metadata, webhook_secret) = (None, None);
    let change =
        Change { name, detail, email, phone_number, address, webhook_method, webhook_uri, metadata, webhook_secret };
    save(&state, change).await
}

/// Changes what the exchange knows of the customer beyond VoIPBIN's fields.
#[utoipa::path(
    put,
    path = "/v1.0/customer/metadata",
    request_body = CustomerMetadataUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "customer"
)]
pub(crate) async fn update_metadata(
    Shared(state): Shared<State>,
    Json(change): Json<CustomerMetadataUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let CustomerMetadataUpdate { rtp_debug, event_dialect, webhook_secret } = change;
    let before = state.readers().read(|reader| reader.customer()).await?.metadata;
    let metadata = Metadata {
        rtp_debug: rtp_debug.unwrap_or(before.rtp_debug),
        event_dialect: event_dialect.unwrap_or(before.event_dialect),
        ..before
    };
    let webhook_secret = webhook_secret.map(|secret| seal(&state, &secret)).transpose()?;
    save(&state, Change { metadata: Some(metadata), webhook_secret, ..Change::default() }).await
}

/// Sets the customer's billing account: on a box there is one, and any other is not found.
#[utoipa::path(
    put,
    path = "/v1.0/customer/billing_account_id",
    request_body = CustomerBillingAccount,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "BILLING_ACCOUNT_NOT_FOUND"),
    ),
    tag = "customer"
)]
pub(crate) async fn update_billing_account(
    Shared(state): Shared<State>,
    Json(wanted): Json<CustomerBillingAccount>,
) -> Result<axum::Json<Record>, Failure> {
    let record = state.readers().read(|reader| reader.customer()).await?;
    match wanted.billing_account_id == record.billing_account_id {
        true => Ok(axum::Json(record)),
        false => Err(Failure::not_found("billing_account")),
    }
}

/// The secret as it is kept; an empty one is none.
fn seal(state: &State, secret: &str) -> Result<Vec<u8>, Failure> {
    if secret.len() > limits::CREDENTIAL {
        let invalid = Rejection::Invalid { field: "webhook_secret", reason: "must be at most 1024 bytes long" };
        return Err(invalid.into());
    }
    if secret.is_empty() {
        return Ok(Vec::new());
    }
    (state.webhooks().seal)(secret).map_err(|error| {
        tracing::error!(%error, "the secret of webhooks cannot be encrypted");
        Failure::internal()
    })
}

async fn save(state: &State, change: Change) -> Result<axum::Json<Record>, Failure> {
    remember(state, Item::CustomerUpdated(Box::new(change), state.now())).await?;
    Ok(axum::Json(state.readers().read(|reader| reader.customer()).await?))
}

fn validate_email(email: &str) -> Result<(), Rejection> {
    validate_text("email", email)?;
    let whole = email.split_once('@').is_some_and(|(person, host)| !person.is_empty() && host.contains('.'));
    if !email.is_empty() && (!whole || email.contains(char::is_whitespace)) {
        return Err(Rejection::Invalid { field: "email", reason: "must be like somebody@example.org" });
    }
    Ok(())
}
