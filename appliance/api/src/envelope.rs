//! What every response has in common: the request's id, the error envelope, the headers that protect a browser.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;

use crate::failure::{Failure, Status};
use crate::limits;
use crate::state::State;
use crate::system::update;

/// The header with the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs the request; whatever comes of it leaves as a response that the API's description knows.
pub async fn wrap(axum::extract::State(state): axum::extract::State<State>, request: Request, next: Next) -> Response {
    let id = state.next_request_id();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let running = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(patience(&method, &path), running).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(id, %method, path, "a handler panicked");
            respond(Failure::internal())
        }
        Err(_) => respond(Failure::new(Status::Unavailable, "REQUEST_TIMEOUT", "the request took too long")),
    };
    let http = response.status();
    if http.is_client_error() || http.is_server_error() {
        let failure = response.extensions_mut().remove().unwrap_or_else(|| Failure::of_http(http.as_u16()));
        response = explain(&failure, &id, response);
    }
    state.count_request(response.status());
    tracing::debug!(id, %method, path, status = response.status().as_u16(), "answered");
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, HeaderValue::from_str(&id).expect("an id is hexadecimal"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // What is asked of the API may change with the next event; the page's files say otherwise of themselves.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// How long a request may take. What brings a whole file may take longer, and is watched by who reads it.
fn patience(method: &Method, path: &str) -> Duration {
    match path {
        "/v1.0/system/restore" => limits::UPLOAD,
        update::PATH if *method == Method::POST => limits::UPDATE,
        _ => limits::REQUEST,
    }
}

fn respond(failure: Failure) -> Response {
    axum::response::IntoResponse::into_response(failure)
}

/// The response with the error envelope as its body; headers such as `Allow` stay.
fn explain(failure: &Failure, id: &str, response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    if let Some(seconds) = failure.retry_after() {
        parts.headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if failure.http() == 401 {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(failure.to_json(id)))
}
