//! Errors as the API tells them.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The kinds of errors; each has its HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = ErrorStatus)]
#[allow(missing_docs)]
pub enum Status {
    InvalidArgument,
    Unauthenticated,
    PaymentRequired,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    ResourceExhausted,
    Unavailable,
    Internal,
}

/// A request that was not fulfilled. [`crate::envelope`] writes it out, with the request's id.
#[derive(Debug, Clone)]
pub struct Failure {
    status: Status,
    http: u16,
    reason: Cow<'static, str>,
    message: Cow<'static, str>,
    details: Option<serde_json::Value>,
    retry_after: Option<u64>,
}

/// The error envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorEnvelope<'a> {
    /// What went wrong.
    pub error: ErrorBody<'a>,
}

/// What the error envelope holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    /// The kind of error.
    pub status: Status,
    /// Which error it is, for programs.
    pub reason: &'a str,
    /// Which error it is, for people.
    pub message: &'a str,
    /// The request's number; the log has it too.
    pub request_id: &'a str,
    /// More about it, e.g. which field is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<&'a serde_json::Value>,
}

impl Status {
    fn http(self) -> u16 {
        match self {
            Status::InvalidArgument => 400,
            Status::Unauthenticated => 401,
            Status::PaymentRequired => 402,
            Status::PermissionDenied => 403,
            Status::NotFound => 404,
            Status::AlreadyExists | Status::FailedPrecondition => 409,
            Status::ResourceExhausted => 429,
            Status::Unavailable => 503,
            Status::Internal => 500,
        }
    }
}

impl Failure {
    /// An error of this kind.
    pub fn new(status: Status, reason: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Failure {
        let http = status.http();
        Failure { status, http, reason: reason.into(), message: message.into(), details: None, retry_after: None }
    }

    /// There is no such resource.
    pub fn not_found(what: &'static str) -> Failure {
        let reason = format!("{}_NOT_FOUND", what.to_ascii_uppercase());
        Failure::new(Status::NotFound, reason, format!("{what} not found"))
    }

    /// There is no such route.
    pub fn no_route(method: &axum::http::Method, path: &str) -> Failure {
        Failure::new(Status::NotFound, "ROUTE_NOT_FOUND", format!("there is no {method} {path}"))
    }

    /// Something that is needed does not work at the moment.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(Status::Unavailable, "SERVICE_UNAVAILABLE", message).with_retry_after(5)
    }

    /// A bug, or a broken database; the log says which.
    pub fn internal() -> Failure {
        Failure::new(Status::Internal, "INTERNAL", "something went wrong in the exchange; its log says what")
    }

    /// The meaning of a status that axum gave by itself.
    pub fn of_http(http: u16) -> Failure {
        let (status, reason, message) = match http {
            404 => (Status::NotFound, "ROUTE_NOT_FOUND", "there is no such route"),
            405 => (Status::InvalidArgument, "METHOD_NOT_ALLOWED", "the route has no such method"),
            413 => (Status::InvalidArgument, "REQUEST_TOO_LARGE", "the request is larger than 1 MiB"),
            426 => (Status::InvalidArgument, "UPGRADE_REQUIRED", "the route is a WebSocket"),
            400..500 => (Status::InvalidArgument, "INVALID_ARGUMENT", "the request cannot be understood"),
            503 => (Status::Unavailable, "SERVICE_UNAVAILABLE", "the exchange is not ready"),
            _ => return Failure::internal(),
        };
        Failure { http, ..Failure::new(status, reason, message) }
    }

    /// With more about it.
    pub fn with_details(self, details: serde_json::Value) -> Failure {
        Failure { details: Some(details), ..self }
    }

    /// With the seconds after which it may succeed.
    pub fn with_retry_after(self, seconds: u64) -> Failure {
        Failure { retry_after: Some(seconds), ..self }
    }

    /// With a status of its own, where its kind has several.
    pub fn with_http(self, http: u16) -> Failure {
        Failure { http, ..self }
    }

    /// Which error it is, for programs.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Which error it is, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status.
    pub fn http(&self) -> u16 {
        self.http
    }

    /// Seconds after which it may succeed.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The error envelope's JSON.
    pub fn to_json(&self, request_id: &str) -> String {
        let error = ErrorBody {
            status: self.status,
            reason: &self.reason,
            message: &self.message,
            request_id,
            details: self.details.as_ref(),
        };
        serde_json::to_string(&ErrorEnvelope { error }).expect("strings and JSON values can be written as JSON")
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = axum::http::StatusCode::from_u16(self.http).expect("every status in this file is one of HTTP's");
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        tracing::error!(%error, "the database could not be read");
        if error.is_transient() {
            Failure::unavailable("the database cannot be read at the moment")
        } else {
            Failure::internal()
        }
    }
}
