//! Digest access authentication (RFC 7616, RFC 8760, RFC 3261 §22): challenges, credentials, the server that checks and the client that responds.
//!
//! [`Verifier`] is the server's side. Its nonces prove themselves, so that a flood of requests without credentials leaves nothing behind;
//! only accepted nonces are remembered, in a bounded table, to count their uses. [`respond`] is the client's side.
//!
//! Deliberate deviations: credentials without `qop` (RFC 2069, old phones) are accepted, each nonce once; the `uri` of the credentials is
//! hashed as it came and not compared with the Request-URI, which proxies and phones change; `auth-int` and `-sess` are not offered.

mod algorithm;
mod challenge;
mod client;
mod credentials;
mod fields;
mod nonce;
#[cfg(test)]
mod tests;
mod verifier;

pub use algorithm::{Algorithm, Ha1, Hashed};
pub use challenge::{AuthenticationInfo, Challenge};
pub use client::{Login, respond};
pub use credentials::Credentials;
pub use verifier::{Secret, Verdict, Verifier};
