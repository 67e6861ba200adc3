//! How the one who asks has reached the box: by which name, and whether encrypted. Links lead back the same way.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

/// The mark of a request that came through TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted;

/// The ends of the connection that a request came by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    /// Our address.
    pub local: SocketAddr,
    /// The other one.
    pub remote: SocketAddr,
}

/// The way by which a request came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Whether that was HTTPS.
    pub encrypted: bool,
    host: Option<String>,
}

impl Origin {
    /// A link to a path of the box; where the request did not say whom it is for, the path alone.
    pub fn link(&self, path: &str) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        self.host.as_ref().map_or_else(|| path.to_string(), |host| format!("{scheme}://{host}{path}"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Origin, Infallible> {
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_string);
        Ok(Origin { encrypted: parts.extensions.get::<Encrypted>().is_some(), host })
    }
}
