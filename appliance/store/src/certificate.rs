//! By which certificate the box is known, as the API shows it and events carry it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::timestamp::Timestamp;

/// Whose certificate is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CertificateOrigin {
    /// TLS is not spoken.
    #[default]
    Off,
    /// One that the box signed itself.
    Own,
    /// One that the administrator gave.
    Given,
    /// One that an ACME server signed.
    Acme,
}

/// The certificate of the box.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub struct Record {
    /// Whose it is. To who asks for none of its names, and to who comes by an address, the box shows its own in any case.
    pub origin: CertificateOrigin,
    /// The names and addresses for which it counts.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Its SHA-256 fingerprint, in hex.
    pub fingerprint: String,
    /// The SHA-256 fingerprint of the box's own authority, in hex; empty where TLS is not spoken.
    pub authority_fingerprint: String,
    /// Since when it counts.
    pub tm_begin: Option<Timestamp>,
    /// Until when.
    pub tm_end: Option<Timestamp>,
    /// The ACME server that is asked for certificates; `null`: none.
    pub acme: Option<Acme>,
}

/// How an ACME server finds out that a name is the box's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum AcmeChallenge {
    /// It asks port 80 of the name for `/.well-known/acme-challenge/…`.
    #[serde(rename = "http-01")]
    Http01,
    /// It asks the name server of the name for a record, which the box has somebody make.
    #[serde(rename = "dns-01")]
    Dns01,
}

/// How things stand with an ACME server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AcmeStatus {
    /// It is asked, or will be in a moment.
    Ordering,
    /// Its certificate counts.
    Valid,
    /// It was asked, and there is none; it is asked again.
    Failing,
}

/// An ACME server (RFC 8555), and how things stand with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Acme {
    /// Where its directory is.
    pub directory_url: String,
    /// The e-mail address that it knows; empty: none.
    pub contact: String,
    /// The names that are asked for.
    pub names: Vec<String>,
    /// How it finds out that they are the box's.
    pub challenge: AcmeChallenge,
    /// How things stand.
    pub status: AcmeStatus,
    /// Why there is no certificate, in the words of whoever said so.
    pub failure: Option<String>,
    /// Until when the one that it signed counts.
    pub tm_end: Option<Timestamp>,
    /// When it is asked again.
    pub tm_next: Option<Timestamp>,
}
