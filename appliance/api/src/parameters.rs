//! Reading a request's path and query.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use pbx::Rejection;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::{PageRequest, limits};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::failure::{Failure, Status};

/// The `{id}` of a path.
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, Failure> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = text.and_then(|Path(text)| Uuid::try_parse(&text).ok());
        id.map(Id).ok_or_else(|| Failure::new(Status::InvalidArgument, "INVALID_ID", "the id is not a UUID"))
    }
}

/// An id in a body; `None` where it is empty or nil.
pub fn optional_id(field: &'static str, text: &str) -> Result<Option<Uuid>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let id = Uuid::try_parse(text).map_err(|_| Rejection::Invalid { field, reason: "is not a UUID" })?;
    Ok((!id.is_nil()).then_some(id))
}

/// A request's query.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Parameters<T>, Failure> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Parameters(parameters)),
            Err(error) => Err(invalid(error.to_string())),
        }
    }
}

/// Which page of a list is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// Rows of the page: 1 to 100, 100 by default.
    #[param(minimum = 1, maximum = 100)]
    pub page_size: Option<u32>,
    /// `next_page_token` of the page before.
    pub page_token: Option<String>,
}

impl PageParameters {
    /// The page, if there can be such a page.
    pub fn request(&self) -> Result<PageRequest, Failure> {
        let size = self.page_size.unwrap_or(limits::PAGE);
        if size == 0 {
            return Err(invalid("page_size must be 1 to 100".to_owned()));
        }
        let token = self.page_token.as_deref().unwrap_or_default();
        PageRequest::new(size, token).ok_or_else(|| invalid("page_token is none that this exchange gave".to_owned()))
    }
}

/// A part of the query that cannot be.
pub fn invalid(message: String) -> Failure {
    Failure::new(Status::InvalidArgument, "INVALID_REQUEST_PARAMETER", message)
}
