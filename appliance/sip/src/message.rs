//! A SIP message (RFC 3261 §7): start line, headers in their order, body; read tolerantly, written as it was read.

pub mod headers;
pub mod method;
mod name;
pub mod parse;
mod status;
mod text;
pub(crate) mod token;
pub mod write;

use bytes::Bytes;

pub use headers::{Header, HeaderName, Headers};
pub use method::Method;
pub use parse::{ParseError, ParseErrorKind};
pub use status::StatusCode;
pub use text::Text;

use crate::Uri;

/// A request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Somebody asks.
    Request(Request),
    /// Somebody answers.
    Response(Response),
}

/// A request (RFC 3261 §7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Of whom.
    pub uri: Uri,
    /// Headers in their order.
    pub headers: Headers,
    /// The body, possibly empty, possibly binary.
    pub body: Bytes,
}

/// A response (RFC 3261 §7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The number.
    pub status: StatusCode,
    /// The words.
    pub reason: Bytes,
    /// Headers in their order.
    pub headers: Headers,
    /// The body, possibly empty, possibly binary.
    pub body: Bytes,
}

impl Message {
    /// Headers in their order.
    pub fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }

    /// The body, possibly empty, possibly binary.
    pub fn body(&self) -> &Bytes {
        match self {
            Message::Request(request) => &request.body,
            Message::Response(response) => &response.body,
        }
    }
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, uri: Uri) -> Request {
        Request { method, uri, headers: Headers::with_capacity(16), body: Bytes::new() }
    }
}

impl Response {
    /// A response without headers and body.
    pub fn new(status: StatusCode, reason: &str) -> Response {
        let reason = Bytes::copy_from_slice(reason.as_bytes());
        Response { status, reason, headers: Headers::with_capacity(12), body: Bytes::new() }
    }

    /// A response with what RFC 3261 §8.2.6.2 copies from the request: all Via, From, To, Call-ID, CSeq; and the usual reason phrase.
    pub fn reply_to(request: &Request, status: StatusCode) -> Response {
        let reason = Bytes::from_static(status.default_reason().as_bytes());
        let mut headers = Headers::with_capacity(12);
        for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
            headers.copy_all(&name, &request.headers);
        }
        Response { status, reason, headers, body: Bytes::new() }
    }
}
