//! `/v1.0/outbound_config`: what counts for every call beyond the box.

use axum::extract::State as Shared;
use pbx::directory::OutboundConfigChange;
use pbx::directory::provider::read_codecs;
use pbx::{Command, Rejection, Reply};
use serde::Deserialize;
use store::outbound_config::Record;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;

/// What changes of it; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub struct OutboundConfigUpdate {
    /// A new name.
    name: Option<String>,
    /// A new remark.
    detail: Option<String>,
    /// What the numbers that may be called begin with, `+` and a country code each, or digits that are dialled without; at most
    /// 500. Empty: any number may.
    destination_whitelist: Option<Vec<String>>,
    /// The codecs that are offered where a provider does not say which, the preferred one first, as `pcma,pcmu`; empty: those
    /// of the exchange.
    codecs: Option<String>,
    /// The number that calls come from whose caller has none, where a provider does not say which; nil: none.
    default_outgoing_source_number_id: Option<Uuid>,
}

/// Shows what counts for every call beyond the box.
#[utoipa::path(
    get,
    path = "/v1.0/outbound_config",
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope)),
    tag = "outbound_config"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<axum::Json<Record>, Failure> {
    Ok(axum::Json(state.readers().read(|reader| reader.outbound_config()).await?))
}

/// Changes it. Calls that are up go on.
#[utoipa::path(
    put,
    path = "/v1.0/outbound_config",
    request_body = OutboundConfigUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "outbound_config"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Json(change): Json<OutboundConfigUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    let change = change.change()?;
    let Reply::OutboundConfig(_) = ask(&state, Command::UpdateOutboundConfig(Box::new(change))).await? else {
        return Err(Failure::internal());
    };
    get(Shared(state)).await
}

impl OutboundConfigUpdate {
    fn change(self) -> Result<OutboundConfigChange, Failure> {
        let reason = "must be some of opus, g722, pcma, pcmu, g729, separated by commas";
        let invalid = Rejection::Invalid { field: "codecs", reason };
        let codecs = self.codecs.map(|codecs| read_codecs(&codecs).ok_or(invalid)).transpose()?;
        Ok(OutboundConfigChange {
            name: self.name,
            detail: self.detail,
            destination_whitelist: self.destination_whitelist,
            codecs,
            default_outgoing_source_number_id: self
                .default_outgoing_source_number_id
                .map(|id| Some(id).filter(|id| !id.is_nil())),
        })
    }
}
