//! The client's side: an answer to a challenge.

use super::{Algorithm, Challenge, Credentials, algorithm::response};
use crate::{Method, Uri, message::Text};

/// Who we are to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user name.
    pub username: Text,
    /// The password.
    pub password: Text,
}

/// The credentials for a request of this method to this URI.
///
/// `count` is how often the nonce of the challenge is used with this request, beginning with 1; `cnonce` is to be fresh randomness.
/// `None` when the challenge wants an algorithm or a protection we do not speak; try the next one then (RFC 8760 §2.4).
pub fn respond(
    challenge: &Challenge,
    login: &Login,
    method: &Method,
    uri: &Uri,
    (cnonce, count): (&str, u32),
) -> Option<Credentials> {
    let algorithm: Algorithm = challenge.algorithm?;
    if challenge.qop_other && !challenge.qop_auth {
        return None;
    }
    let ha1 = algorithm.hash(&[&login.username, &challenge.realm, &login.password]);
    let ha2 = algorithm.hash(&[method.as_str().as_bytes(), uri.as_bytes()]);
    let nc = format!("{count:08x}");
    let counted: Option<[&[u8]; 3]> = challenge.qop_auth.then_some([nc.as_bytes(), cnonce.as_bytes(), b"auth"]);
    let hashed = response(algorithm, ha1, &challenge.nonce, counted, ha2);
    Some(Credentials {
        username: login.username.clone(),
        realm: challenge.realm.clone(),
        nonce: challenge.nonce.clone(),
        uri: uri.as_bytes().into(),
        response: hex::encode(hashed.as_bytes()).into(),
        algorithm: Some(algorithm),
        opaque: challenge.opaque.clone(),
        qop: challenge.qop_auth.then(|| Text::from_static("auth")),
        cnonce: challenge.qop_auth.then(|| cnonce.into()),
        nc: challenge.qop_auth.then(|| nc.into()),
    })
}
