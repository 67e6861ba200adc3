//! What the user hands to the endpoint: requests outside a dialog, and replies.

use bytes::Bytes;

use crate::header::NameAddr;
use crate::message::Text;
use crate::{Flow, Headers, Method, StatusCode, Uri};

/// The body of a message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The value of Content-Type.
    pub content_type: Bytes,
    /// The content.
    pub content: Bytes,
}

impl Body {
    /// A session description (RFC 4566).
    pub fn sdp(content: impl Into<Bytes>) -> Body {
        Body { content_type: Bytes::from_static(b"application/sdp"), content: content.into() }
    }
}

/// A request that starts something: Via, tags, Call-ID, CSeq, Max-Forwards, Contact and User-Agent are added where they are not given.
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingRequest {
    /// What is asked.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// The way to send it along.
    pub flow: Flow,
    /// Who asks, without tag.
    pub from: NameAddr,
    /// The tag of From; `None`: a new random one. A request that is tried again keeps its tag.
    pub from_tag: Option<Text>,
    /// Of whom.
    pub to: NameAddr,
    /// The Call-ID; `None`: a new random one.
    pub call_id: Option<Text>,
    /// The sequence number; `None`: 1.
    pub cseq: Option<u32>,
    /// Hops left (RFC 3261 §8.1.1.6).
    pub max_forwards: u8,
    /// The preloaded route set (RFC 3261 §8.1.2).
    pub route: Vec<NameAddr>,
    /// Our Contact; `None`: the local address of the flow.
    pub contact: Option<Uri>,
    /// Further headers. Those the endpoint writes itself are ignored here.
    pub headers: Headers,
    /// The body, if any.
    pub body: Option<Body>,
}

impl OutgoingRequest {
    /// A request with 70 hops to go, no route and no body.
    pub fn new(method: Method, uri: Uri, flow: Flow, parties: (NameAddr, NameAddr)) -> OutgoingRequest {
        let (from, to) = parties;
        let headers = Headers::new();
        OutgoingRequest {
            method,
            uri,
            flow,
            from,
            from_tag: None,
            to,
            call_id: None,
            cseq: None,
            max_forwards: 70,
            route: Vec::new(),
            contact: None,
            headers,
            body: None,
        }
    }
}

/// An answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The number.
    pub status: StatusCode,
    /// The words; `None`: those the RFC suggests.
    pub reason: Option<&'static str>,
    /// Our Contact in answers that make or refresh a dialog; `None`: the local address of the flow. For several contacts (3xx, REGISTER) use `headers`.
    pub contact: Option<Uri>,
    /// Further headers. Those the endpoint writes itself are ignored here.
    pub headers: Headers,
    /// The body, if any.
    pub body: Option<Body>,
    /// A wish that a provisional answer be repeated until PRACK comes (RFC 3262). It is granted if the caller supports `100rel`, and always if he requires it.
    pub reliable: bool,
}

impl Reply {
    /// A bare answer.
    pub fn new(status: u16) -> Reply {
        let headers = Headers::new();
        Reply { status: StatusCode(status), reason: None, contact: None, headers, body: None, reliable: false }
    }

    /// The same with a body.
    pub fn with_body(mut self, body: Body) -> Reply {
        self.body = Some(body);
        self
    }

    /// The same with our Contact.
    pub fn with_contact(mut self, contact: Uri) -> Reply {
        self.contact = Some(contact);
        self
    }

    /// The same with further headers.
    pub fn with_headers(mut self, headers: Headers) -> Reply {
        self.headers = headers;
        self
    }

    /// The same, sent reliably where the caller can (RFC 3262).
    pub fn reliably(mut self) -> Reply {
        self.reliable = true;
        self
    }
}
