//! `/v1.0/certificate`: by which certificate the box is known, and `/authority.pem`: whom others have to trust for that.

use axum::extract::{Path, State as Shared};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use pbx::Rejection;
use serde::Deserialize;
use store::certificate::{AcmeChallenge, Record};
use utoipa::ToSchema;

use crate::body::Json;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::state::State;

/// What the process knows of its certificates. Its calls may take as long as a disk does.
pub trait Certificates: Send + Sync {
    /// The certificate of the box's own authority (PEM).
    fn authority(&self) -> String;
    /// The certificate that is shown.
    fn record(&self) -> Record;
    /// Shows this chain from now on, which counts by this key (both PEM); or says which of them is no use, and why.
    fn give(&self, chain: &str, key: &str) -> Result<(), Trouble>;
    /// Shows the one that it was given no more.
    fn take_back(&self) -> Result<(), Trouble>;
    /// Asks an ACME server from now on; or says which field cannot be.
    fn order(&self, order: AcmeOrder) -> Result<(), Trouble>;
    /// Asks none any more, and shows what it signed no more.
    fn cancel_order(&self) -> Result<(), Trouble>;
    /// What an ACME server has to find under a token.
    fn token(&self, token: &str) -> Option<String>;
}

/// Why a certificate was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// A field that is no use, and why.
    Field(&'static str, &'static str),
    /// The disk does not take it.
    Disk(String),
}

/// A certificate of somebody else's authority.
#[derive(Deserialize, ToSchema)]
pub struct CertificateUpdate {
    /// The certificate and those between it and its root, PEM.
    certificate: String,
    /// Its key, PEM, without a password. It is never shown.
    private_key: String,
}

/// What is asked for of which ACME server (RFC 8555).
#[derive(Debug, Deserialize, ToSchema)]
pub struct AcmeOrder {
    /// Where its directory is, as `https://acme-v02.api.letsencrypt.org/directory`.
    pub directory_url: String,
    /// An e-mail address for the server's owner; empty: none.
    #[serde(default)]
    pub contact: String,
    /// The names of the box for which it has to count, 1 to 20.
    pub names: Vec<String>,
    /// How the server finds out that they are the box's: `http-01` (port 80 of each name leads to the box's HTTP port) or `dns-01`.
    pub challenge: AcmeChallenge,
    /// For `dns-01`: who makes the records. `{"action": "present", "name": "_acme-challenge.…", "type": "TXT", "value": "…", "ttl": 60}` is
    /// posted to it, and with `cleanup` when it is over. It is never shown.
    #[serde(default)]
    pub dns_hook_url: String,
    /// Sent to it as `Authorization: Bearer …`; it is never shown.
    #[serde(default)]
    pub dns_hook_token: String,
    /// How many seconds a record takes to be known everywhere, 20 by default.
    #[serde(default = "usual_dns_wait")]
    pub dns_wait: u32,
    /// Who vouches for the server (PEM); empty: those whom browsers trust.
    #[serde(default)]
    pub roots: String,
    /// The id of an account that was made outside, where the server wants one (RFC 8555 §7.3.4).
    #[serde(default)]
    pub eab_key_id: String,
    /// Its key (base64url); it is never shown.
    #[serde(default)]
    pub eab_hmac_key: String,
    /// Whether you agree to the terms of the server, which signs for nobody else.
    #[serde(default)]
    pub terms_of_service_agreed: bool,
}

fn usual_dns_wait() -> u32 {
    20
}

/// Tells by which certificate the box is known.
#[utoipa::path(
    get,
    path = "/v1.0/certificate",
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope)),
    tag = "box"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> axum::Json<Record> {
    axum::Json(record(&state))
}

/// Has the box show a certificate of somebody else's authority.
#[utoipa::path(
    put,
    path = "/v1.0/certificate",
    request_body = CertificateUpdate,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, TLS_OFF"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "box"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Json(new): Json<CertificateUpdate>,
) -> Result<axum::Json<Record>, Failure> {
    change(&state, move |certificates| certificates.give(&new.certificate, &new.private_key)).await
}

/// Has the box show its own certificate again.
#[utoipa::path(
    delete,
    path = "/v1.0/certificate",
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "TLS_OFF"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "box"
)]
pub(crate) async fn delete(Shared(state): Shared<State>) -> Result<axum::Json<Record>, Failure> {
    change(&state, |certificates| certificates.take_back()).await
}

/// Has the box ask an ACME server for its certificate, at once and whenever two thirds of its life are over. What comes of it is told
/// by `acme` of the certificate, and by events.
#[utoipa::path(
    put,
    path = "/v1.0/certificate/acme",
    request_body = AcmeOrder,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT, TLS_OFF"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "box"
)]
pub(crate) async fn order(
    Shared(state): Shared<State>,
    Json(order): Json<AcmeOrder>,
) -> Result<axum::Json<Record>, Failure> {
    change(&state, move |certificates| certificates.order(order)).await
}

/// Has the box ask no ACME server any more, and show no certificate that it signed.
#[utoipa::path(
    delete,
    path = "/v1.0/certificate/acme",
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "TLS_OFF"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "box"
)]
pub(crate) async fn cancel_order(Shared(state): Shared<State>) -> Result<axum::Json<Record>, Failure> {
    change(&state, |certificates| certificates.cancel_order()).await
}

/// What an ACME server has to find at the box while it is asked for a certificate (RFC 8555 §8.3).
#[utoipa::path(
    get,
    path = "/.well-known/acme-challenge/{id}",
    params(("id" = String, Path, description = "The token")),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 404, body = ErrorEnvelope, description = "nobody asks for that now"),
    ),
    security(()),
    tag = "box"
)]
pub(crate) async fn token(Shared(state): Shared<State>, Path(token): Path<String>) -> Result<Response, Failure> {
    let answer = state.certificates().and_then(|certificates| certificates.token(&token));
    let answer = answer.ok_or_else(|| Failure::not_found("token"))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], answer).into_response())
}

/// The certificate of the box's own authority, for those who want to trust it. It says nothing that a handshake does not say.
#[utoipa::path(
    get,
    path = "/authority.pem",
    responses(
        (status = 200, content_type = "application/x-x509-ca-cert"),
        (status = 404, body = ErrorEnvelope, description = "TLS is not spoken"),
    ),
    security(()),
    tag = "box"
)]
pub(crate) async fn authority(Shared(state): Shared<State>) -> Result<Response, Failure> {
    let certificates = state.certificates().ok_or_else(|| Failure::not_found("authority"))?;
    let name = "attachment; filename=\"tandem-authority.pem\"";
    let head = [(header::CONTENT_TYPE, "application/x-x509-ca-cert"), (header::CONTENT_DISPOSITION, name)];
    Ok((head, certificates.authority()).into_response())
}

async fn change(
    state: &State,
    what: impl FnOnce(&dyn Certificates) -> Result<(), Trouble> + Send + 'static,
) -> Result<axum::Json<Record>, Failure> {
    let certificates = state.certificates().cloned().ok_or_else(|| {
        Failure::new(Status::FailedPrecondition, "TLS_OFF", "the box speaks TLS nowhere: --https and --sips say where")
    })?;
    let changed = tokio::task::spawn_blocking(move || what(&*certificates)).await;
    match changed.map_err(|_| Failure::internal())? {
        Ok(()) => Ok(axum::Json(record(state))),
        Err(Trouble::Field(field, reason)) => Err(Rejection::Invalid { field, reason }.into()),
        Err(Trouble::Disk(error)) => {
            tracing::error!(%error, "a certificate cannot be kept");
            Err(Failure::internal())
        }
    }
}

fn record(state: &State) -> Record {
    state.certificates().map(|certificates| certificates.record()).unwrap_or_default()
}
