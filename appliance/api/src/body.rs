//! Reading a request's body as JSON.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, Status};

/// A request's body, read as JSON where there is one.
pub struct JsonOrNothing<T>(pub T);

/// A request's body, read as JSON whatever its content type says.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Json<T>, Failure> {
        parse(&body(request, state).await?).map(Json)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for JsonOrNothing<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<JsonOrNothing<T>, Failure> {
        let body = body(request, state).await?;
        if body.is_empty() { Ok(JsonOrNothing(T::default())) } else { parse(&body).map(JsonOrNothing) }
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|rejection| Failure::of_http(rejection.into_response().status().as_u16()))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let details = serde_json::json!({ "line": error.line(), "column": error.column() });
        Failure::new(Status::InvalidArgument, "INVALID_JSON_BODY", error.to_string()).with_details(details)
    })
}
