//! `POST /auth/login` and `POST /auth/logout`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, State as Shared};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::token::Claims;
use crate::body::Json;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::limits;
use crate::origin::Origin;
use crate::state::State;

/// Who wants to log in.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Credentials {
    /// The agent's user name.
    pub username: String,
    /// The agent's password.
    pub password: String,
}

/// A login.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// The agent's user name.
    pub username: String,
    /// The token to be sent as `Authorization: Bearer`; it lasts a day.
    pub token: String,
}

/// Where the request's connection comes from; nothing that the request itself says is believed.
pub(crate) struct Source(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Source, Self::Rejection> {
        Ok(Source(source_of(&parts.extensions)))
    }
}

/// Where a request's connection comes from.
pub(crate) fn source_of(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

/// Logs in.
#[utoipa::path(
    post,
    path = "/auth/login",
    request_body = Credentials,
    responses(
        (status = 200, body = Session, description = "The token, also as the cookie `token`"),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY"),
        (status = 401, body = ErrorEnvelope, description = "INVALID_CREDENTIALS"),
        (status = 429, body = ErrorEnvelope, description = "RATE_LIMIT_EXCEEDED, with Retry-After"),
    ),
    security(()),
    tag = "auth"
)]
pub(crate) async fn login(
    Shared(state): Shared<State>,
    origin: Origin,
    Source(source): Source,
    Json(credentials): Json<Credentials>,
) -> Result<Response, Failure> {
    let Credentials { username, password } = credentials;
    if username.len() > limits::CREDENTIAL || password.len() > limits::CREDENTIAL {
        return Err(wrong());
    }
    state.setup().is_done()?;
    state.attempts().begin(source, state.steady_now()).map_err(too_often)?;
    let account = state.readers().read(move |reader| reader.agent_by_username(&username)).await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let right = state.passwords().check(password, hash).await?;
    let Some(account) = account.filter(|_| right) else {
        tracing::warn!(%source, "a login failed");
        return Err(wrong());
    };
    state.attempts().forgive(source);
    tracing::info!(%source, username = account.record.username, "logged in");
    let (cookie, session) = open_session(&state, &origin, account.record);
    Ok(([(header::SET_COOKIE, cookie)], axum::Json(session)).into_response())
}

/// A login of this agent, and the cookie that a browser keeps of it.
pub(crate) fn open_session(state: &State, origin: &Origin, agent: store::agent::Record) -> (HeaderValue, Session) {
    let token = Claims::new(&agent, state.steady_now()).sign(&state.store().identity().token_key);
    let cookie = cookie(origin, &token, limits::TOKEN_AGE.as_secs());
    (cookie, Session { username: agent.username, token })
}

/// Takes the cookie back. The token itself lasts until it expires.
#[utoipa::path(
    post,
    path = "/auth/logout",
    responses((status = 204, description = "The cookie is gone")),
    security(()),
    tag = "auth"
)]
pub(crate) async fn logout(origin: Origin) -> Response {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&origin, "", 0))]).into_response()
}

fn cookie(origin: &Origin, token: &str, seconds: u64) -> HeaderValue {
    let secure = if origin.encrypted { "; Secure" } else { "" };
    let text = format!("token={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).expect("a token is of base64 letters and dots")
}

fn wrong() -> Failure {
    Failure::new(Status::Unauthenticated, "INVALID_CREDENTIALS", "wrong user name or password")
}

pub(crate) fn too_often(seconds: u64) -> Failure {
    let message = "too many failed logins from your address";
    Failure::new(Status::ResourceExhausted, "RATE_LIMIT_EXCEEDED", message).with_retry_after(seconds)
}
