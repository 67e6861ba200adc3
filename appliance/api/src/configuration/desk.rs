//! Our own routes, asked without a network.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use axum::middleware;
use serde_json::{Map, Value};
use store::Timestamp;
use store::agent::{AgentPermission, AgentRingMethod, AgentStatus, Record};
use tower::ServiceExt;
use uuid::Uuid;

use super::Refused;
use super::document::RESOURCES;
use crate::auth::Caller;
use crate::state::State;
use crate::{envelope, limits, routes};

/// The routes of what may be configured from afar.
pub(super) struct Desk {
    router: Router,
    state: State,
    caller: Caller,
}

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failed {
    /// It is not allowed.
    No(No),
    /// It may work later.
    Later(String),
}

/// What the error envelope says.
#[derive(Debug)]
pub(super) struct No {
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) field: Option<String>,
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Refused {
        match failed {
            Failed::No(No { message, .. }) | Failed::Later(message) => Refused::Later(message),
        }
    }
}

impl Desk {
    pub(super) fn new(state: &State) -> Desk {
        let is_for_us = |path: &str| {
            let collection = path.strip_prefix("/v1.0/").and_then(|rest| rest.split('/').next());
            collection.is_some_and(|collection| RESOURCES.contains(&collection))
        };
        let router = routes::unguarded(is_for_us)
            .layer(middleware::from_fn_with_state(state.clone(), envelope::wrap))
            .with_state(state.clone());
        Desk { router, state: state.clone(), caller: caller(state) }
    }

    /// The box's own id.
    pub(super) fn appliance_id(&self) -> Uuid {
        self.state.store().identity().customer_id
    }

    /// The clock, as records show it.
    pub(super) fn now(&self) -> Value {
        serde_json::to_value(self.state.now()).unwrap_or_default()
    }

    pub(super) async fn post(&self, resource: &str, data: &Map<String, Value>) -> Result<Map<String, Value>, Failed> {
        self.ask(Method::POST, format!("/v1.0/{resource}"), Some(data)).await
    }

    pub(super) async fn put(
        &self,
        resource: &str,
        id: Uuid,
        data: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Failed> {
        self.ask(Method::PUT, format!("/v1.0/{resource}/{id}"), Some(data)).await
    }

    /// What is gone already is no failure.
    pub(super) async fn delete(&self, resource: &str, id: Uuid) -> Result<(), Failed> {
        match self.ask(Method::DELETE, format!("/v1.0/{resource}/{id}"), None).await {
            Err(Failed::No(no)) if no.reason.ends_with("_NOT_FOUND") => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    /// As it is shown, unless it is deleted.
    pub(super) async fn find(&self, resource: &str, id: Uuid) -> Result<Option<Map<String, Value>>, Failed> {
        match self.ask(Method::GET, format!("/v1.0/{resource}/{id}"), None).await {
            Err(Failed::No(no)) if no.reason.ends_with("_NOT_FOUND") => Ok(None),
            found => found.map(|found| Some(found).filter(|found| found.get("tm_delete").is_none_or(Value::is_null))),
        }
    }

    /// The newest that was made since then and looks like this.
    pub(super) async fn newest_like(
        &self,
        resource: &str,
        given: &Map<String, Value>,
        since: &Value,
    ) -> Result<Option<Uuid>, Failed> {
        let page = self.ask(Method::GET, format!("/v1.0/{resource}?page_size=10"), None).await?;
        let made = page.get("result").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        let is_like = |record: &&Map<String, Value>| {
            let is_new = record.get("tm_create").and_then(Value::as_str) >= since.as_str();
            let plain = given.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
            is_new && plain.into_iter().all(|(field, value)| record.get(field).is_none_or(|shown| shown == value))
        };
        Ok(made.into_iter().find(is_like).and_then(id_of))
    }

    async fn ask(
        &self,
        method: Method,
        path: String,
        body: Option<&Map<String, Value>>,
    ) -> Result<Map<String, Value>, Failed> {
        let later = |error: String| Failed::Later(error);
        let body = match body {
            Some(body) => Body::from(serde_json::to_vec(body).map_err(|error| later(error.to_string()))?),
            None => Body::empty(),
        };
        let request = Request::builder().method(method).uri(&path).header(header::CONTENT_TYPE, "application/json");
        let request = request.extension(self.caller.clone()).body(body).map_err(|error| later(error.to_string()))?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let octets = axum::body::to_bytes(response.into_body(), limits::CONFIGURATION_ANSWER).await;
        let octets = octets.map_err(|error| later(error.to_string()))?;
        let answer: Map<String, Value> =
            serde_json::from_slice(&octets).map_err(|error| later(format!("{path}: {error}")))?;
        if status.is_success() {
            return Ok(answer);
        }
        let no = no_of(&answer);
        let is_passing = status.is_server_error() || status.as_u16() == 401 || no.reason == "REQUEST_TIMEOUT";
        Err(if is_passing { later(format!("{path}: {}", no.message)) } else { Failed::No(no) })
    }
}

/// The id of what is shown.
pub(super) fn id_of(record: &Map<String, Value>) -> Option<Uuid> {
    Uuid::try_parse(record.get("id")?.as_str()?).ok()
}

fn no_of(answer: &Map<String, Value>) -> No {
    let error = answer.get("error").unwrap_or(&Value::Null);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let details = &error["details"];
    let first = details.get(0).unwrap_or(details);
    let (reason, message) = (text(&error["reason"]), text(&error["message"]));
    // What JSON lacks is named in the words about it.
    let missing = message.split('`').nth(1).filter(|_| reason == "INVALID_JSON_BODY");
    let field = first.get("field").and_then(Value::as_str).or(missing).map(str::to_owned);
    No { reason, message, field }
}

/// Whom the routes see: nobody who could log in, and to whom no password is shown.
fn caller(state: &State) -> Caller {
    let now = state.now();
    let agent = Record {
        direct_hash: None,
        id: Uuid::nil(),
        customer_id: state.store().identity().customer_id,
        username: "cloud".into(),
        name: "Cloud".into(),
        detail: String::new(),
        ring_method: AgentRingMethod::RingAll,
        status: AgentStatus::Offline,
        permission: AgentPermission::Agent,
        tag_ids: Vec::new(),
        addresses: Vec::new(),
        tm_create: now,
        tm_update: now,
        tm_delete: None,
    };
    Caller { agent, expires: Timestamp(i64::MAX), accesskey: None }
}
