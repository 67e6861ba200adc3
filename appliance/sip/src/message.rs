//! A SIP message (RFC 3261 §7): start line, headers in their order, body; read tolerantly, written as it was read.

pub mod headers;
pub mod method;
pub mod parse;
pub mod write;

use bytes::Bytes;

pub use headers::{Header, HeaderName, Headers};
pub use method::Method;
pub use parse::ParseError;

use crate::Uri;

/// A status code, 100 to 699.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(pub u16);

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
