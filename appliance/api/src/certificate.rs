//! `/v1.0/certificate`: by which certificate the box is known, and `/authority.pem`: whom others have to trust for that.

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use pbx::Rejection;
use serde::{Deserialize, Serialize};
use store::Timestamp;
use utoipa::ToSchema;

use crate::body::Json;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::state::State;

/// What the process knows of its certificates. Its calls may take as long as a disk does.
pub trait Certificates: Send + Sync {
    /// The certificate of the box's own authority (PEM).
    fn authority(&self) -> String;
    /// The certificate that is shown.
    fn shown(&self) -> Shown;
    /// Shows this chain from now on, which counts by this key (both PEM); or says which of them is no use, and why.
    fn give(&self, chain: &str, key: &str) -> Result<(), Trouble>;
    /// Shows the box's own certificate again.
    fn take_back(&self) -> Result<(), Trouble>;
}

/// Why a certificate was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// A field that is no use, and why.
    Field(&'static str, &'static str),
    /// The disk does not take it.
    Disk(String),
}

/// A certificate that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Whether the administrator gave it.
    pub is_given: bool,
    /// For whom it counts.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Since when it counts.
    pub begins: Option<Timestamp>,
    /// Until when.
    pub ends: Option<Timestamp>,
    /// Its SHA-256 fingerprint, in hex.
    pub fingerprint: String,
}

/// Whose certificate is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CertificateOrigin {
    /// TLS is not spoken.
    Off,
    /// One that the box signed itself.
    Own,
    /// One that the administrator gave.
    Given,
}

/// The certificate of the box.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub struct Record {
    /// Whose it is.
    pub origin: CertificateOrigin,
    /// The names and addresses for which it counts.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Its SHA-256 fingerprint, in hex.
    pub fingerprint: String,
    /// Since when it counts.
    pub tm_begin: Option<Timestamp>,
    /// Until when.
    pub tm_end: Option<Timestamp>,
}

/// A certificate of somebody else's authority.
#[derive(Deserialize, ToSchema)]
pub struct CertificateUpdate {
    /// The certificate and those between it and its root, PEM.
    certificate: String,
    /// Its key, PEM, without a password. It is never shown.
    private_key: String,
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
    let Some(certificates) = state.certificates() else {
        let (origin, nothing) = (CertificateOrigin::Off, String::new());
        return Record {
            origin,
            names: Vec::new(),
            issuer: nothing.clone(),
            fingerprint: nothing,
            tm_begin: None,
            tm_end: None,
        };
    };
    let Shown { is_given, names, issuer, begins, ends, fingerprint } = certificates.shown();
    let origin = if is_given { CertificateOrigin::Given } else { CertificateOrigin::Own };
    Record { origin, names, issuer, fingerprint, tm_begin: begins, tm_end: ends }
}
