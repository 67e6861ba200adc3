//! Who a request comes from, by header, cookie or query.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri, header};
use std::net::IpAddr;
use std::time::Duration;
use store::Timestamp;
use store::agent::{AgentPermission, Record};
use uuid::Uuid;

use super::login::too_often;
use super::token::Claims;
use crate::accesskey::{self, PREFIX};
use crate::failure::{Failure, Status};
use crate::state::State;

/// The agent that a request comes from; [`crate::routes`] puts it there before a handler runs.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The agent.
    pub agent: Record,
    /// Until when its token or its access key counts, by the steady clock.
    pub expires: Timestamp,
    /// The access key by which it asks, if by one.
    pub accesskey: Option<Uuid>,
}

/// How a request proves who it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer`.
    Bearer(String),
    /// `?token=`, where a client can set no header, and `?accesskey=`.
    Query(String),
    /// The cookie, which a browser sends by itself: then the request has to come from our own page.
    Cookie(String),
}

impl Caller {
    /// Whether the agent may do what this permission is needed for.
    pub fn may(&self, permission: AgentPermission) -> bool {
        self.agent.permission >= permission
    }

    /// How long what let it in counts still.
    pub fn lifetime(&self, state: &State) -> Duration {
        Duration::from_micros(self.expires.0.saturating_sub(state.steady_now().0).max(0) as u64)
    }

    /// Somebody's rights were changed: reads the agent anew. Whether what let it in counts still.
    pub async fn look_again(&mut self, state: &State) -> Result<bool, Failure> {
        let (id, key) = (self.agent.id, self.accesskey);
        let reading = state.readers().read(move |reader| {
            let counts = key.map_or(Ok(true), |key| reader.accesskey(key).map(|key| key.is_some()))?;
            Ok(reader.agent(id)?.filter(|_| counts))
        });
        let Some(found) = reading.await? else { return Ok(false) };
        self.agent = found.record;
        Ok(true)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Caller, Failure> {
        parts.extensions.get().cloned().ok_or_else(unauthenticated)
    }
}

impl Credential {
    /// What the request brings; `query` says whether `?token=` counts. What is given as an access key has to be one.
    fn find(headers: &HeaderMap, uri: &Uri, query: bool) -> Option<Credential> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some((scheme, token)) = bearer.and_then(|value| value.split_once(' ')) {
            return scheme.eq_ignore_ascii_case("bearer").then(|| Credential::Bearer(token.trim().to_owned()));
        }
        let mut pairs = uri.query().unwrap_or_default().split('&');
        if let Some(token) = pairs.find_map(|pair| pair.strip_prefix("token=")).filter(|_| query) {
            return Some(Credential::Query(token.to_owned()));
        }
        let mut pairs = uri.query().unwrap_or_default().split('&');
        if let Some(key) = pairs.find_map(|pair| pair.strip_prefix("accesskey=")).filter(|key| key.starts_with(PREFIX))
        {
            return Some(Credential::Query(key.to_owned()));
        }
        let cookie = |name: &'static str| {
            let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
            let pairs = lines.flat_map(|line| line.split(';')).map(str::trim);
            pairs.filter_map(|pair| pair.split_once('=')).filter(move |(found, _)| *found == name)
        };
        let mut keys = cookie("accesskey").map(|(_, key)| key);
        let token = cookie("token").map(|(_, token)| token).next();
        let found = token.or_else(|| keys.find(|key| key.starts_with(PREFIX)));
        found.map(|token| Credential::Cookie(token.to_owned()))
    }
}

/// What is known of a request before anybody knows who asks.
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its path and query.
    pub uri: &'a Uri,
    /// Whether it opens a WebSocket: then `?token=` counts, and a cookie counts only from our own page, as it does for
    /// everything that changes something.
    pub websocket: bool,
}

/// Finds out who a request comes from, where it says so: what it brings must count.
pub async fn identify_if_known(state: &State, source: IpAddr, asked: Asked<'_>) -> Result<Option<Caller>, Failure> {
    match Credential::find(asked.headers, asked.uri, asked.websocket) {
        Some(_) => identify(state, source, asked).await.map(Some),
        None => Ok(None),
    }
}

/// Finds out who a request comes from.
pub async fn identify(state: &State, source: IpAddr, asked: Asked<'_>) -> Result<Caller, Failure> {
    let Asked { method, headers, uri, websocket } = asked;
    let credential = Credential::find(headers, uri, websocket).ok_or_else(unauthenticated)?;
    if matches!(credential, Credential::Cookie(_)) && (websocket || !method.is_safe()) {
        check_origin(headers)?;
    }
    let (Credential::Bearer(token) | Credential::Query(token) | Credential::Cookie(token)) = credential;
    if token.starts_with(PREFIX) {
        return by_accesskey(state, source, &token).await;
    }
    let key = &state.store().identity().token_key;
    let claims = Claims::verify(&token, key, state.steady_now()).ok_or_else(unauthenticated)?;
    let id = claims.sub;
    let account = state.readers().read(move |reader| reader.agent(id)).await?.ok_or_else(unauthenticated)?;
    Ok(Caller { agent: account.record, expires: Timestamp(claims.exp.saturating_mul(1_000_000)), accesskey: None })
}

/// Finds out whose access key it is. Who guesses is held up as those who guess passwords are.
async fn by_accesskey(state: &State, source: IpAddr, token: &str) -> Result<Caller, Failure> {
    state.attempts().check(source, state.steady_now()).map_err(too_often)?;
    let hash = accesskey::hash(token);
    let found = state.readers().read(move |reader| reader.accesskey_by_hash(&hash)).await?;
    let now = state.now();
    let Some((key, agent)) = found.filter(|(key, _)| key.tm_expire.is_none_or(|expires| now < expires)) else {
        tracing::warn!(%source, "an access key is wrong, or has expired");
        // Whoever asked many times at once is past the limit already.
        let _ = state.attempts().begin(source, state.steady_now());
        return Err(unauthenticated());
    };
    // It expires by the wall clock; from here on the steady one counts what is left.
    let left = |expires: Timestamp| Timestamp(state.steady_now().0.saturating_add(expires.0.saturating_sub(now.0)));
    Ok(Caller { agent, expires: key.tm_expire.map_or(Timestamp(i64::MAX), left), accesskey: Some(key.id) })
}

/// Whether a browser says that our own page sent the request.
pub fn check_origin(headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let ours = match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        _ => text(header::HeaderName::from_static("sec-fetch-site")) == Some("same-origin"),
    };
    let message = "a cookie counts only for requests of the exchange's own page; send the token as a header";
    if ours { Ok(()) } else { Err(Failure::new(Status::PermissionDenied, "CROSS_ORIGIN", message)) }
}

fn unauthenticated() -> Failure {
    Failure::new(Status::Unauthenticated, "AUTHENTICATION_REQUIRED", "log in first, or again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_header_comes_before_the_query_and_the_query_before_the_cookie() {
        let all = headers(&[("authorization", "bearer one"), ("cookie", "a=b; token=three")]);
        let uri = Uri::from_static("/v1.0/ws?after=3&token=two");
        assert_eq!(Credential::find(&all, &uri, true), Some(Credential::Bearer("one".into())));
        let cookie = headers(&[("cookie", "a=b; token=three")]);
        assert_eq!(Credential::find(&cookie, &uri, true), Some(Credential::Query("two".into())));
        assert_eq!(Credential::find(&cookie, &uri, false), Some(Credential::Cookie("three".into())));
        assert_eq!(Credential::find(&headers(&[("authorization", "Basic eA==")]), &uri, true), None);
        assert_eq!(Credential::find(&HeaderMap::new(), &uri, false), None);
        let key = Uri::from_static("/v1.0/calls?accesskey=vb_four");
        assert_eq!(Credential::find(&cookie, &key, false), Some(Credential::Query("vb_four".into())));
        let cookies = headers(&[("cookie", "accesskey=vb_five; a=b")]);
        assert_eq!(Credential::find(&cookies, &uri, false), Some(Credential::Cookie("vb_five".into())));
        let login = Uri::from_static("/v1.0/calls?accesskey=eyJ");
        let cookies = headers(&[("cookie", "accesskey=eyJ")]);
        assert_eq!(Credential::find(&cookies, &login, false), None, "a login's token is no access key");
    }

    #[test]
    fn only_our_own_page_counts_as_the_same_origin() {
        let host = ("host", "192.0.2.1:8080");
        for ours in [("origin", "http://192.0.2.1:8080"), ("sec-fetch-site", "same-origin")] {
            assert!(check_origin(&headers(&[host, ours])).is_ok(), "{ours:?}");
        }
        for other in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", "http://192.0.2.1"),
            ("sec-fetch-site", "same-site"),
            ("accept", "*/*"),
        ] {
            assert!(check_origin(&headers(&[host, other])).is_err(), "{other:?}");
        }
    }
}
