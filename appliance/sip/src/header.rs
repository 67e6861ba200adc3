//! Headers with a type, one file each. Reading is tolerant, writing is by the book.
//!
//! [`Headers::typed`](crate::Headers::typed) and [`Headers::list`](crate::Headers::list) read them out of a message,
//! [`Headers::set`](crate::Headers::set) and [`Headers::add`](crate::Headers::add) put them in. What a type takes out of a value are slices
//! of the datagram; nothing is copied.

mod allow;
mod authentication_info;
mod authorization;
mod call_id;
mod contact;
mod content_length;
mod content_type;
mod cseq;
mod event;
mod expires;
mod from;
pub(crate) mod list;
mod max_forwards;
mod min_expires;
mod min_se;
mod name_addr;
mod p_asserted_identity;
pub(crate) mod params;
mod path;
mod proxy_authenticate;
mod proxy_authorization;
mod proxy_require;
mod rack;
mod reason;
mod record_route;
mod refer_to;
mod referred_by;
mod replaces;
mod require;
mod retry_after;
mod route;
mod rseq;
mod server;
mod service_route;
mod session_expires;
mod supported;
#[cfg(test)]
mod tests;
mod to;
mod tokens;
mod unsupported;
mod user_agent;
mod via;
mod warning;
mod www_authenticate;

use bytes::Bytes;

pub use allow::Allow;
pub use authentication_info::AuthenticationInfo;
pub use authorization::Authorization;
pub use call_id::CallId;
pub use contact::{Contact, ContactAddress};
pub use content_length::ContentLength;
pub use content_type::ContentType;
pub use cseq::CSeq;
pub use event::Event;
pub use expires::Expires;
pub use from::From;
pub use max_forwards::MaxForwards;
pub use min_expires::MinExpires;
pub use min_se::MinSe;
pub use name_addr::NameAddr;
pub use p_asserted_identity::PAssertedIdentity;
pub use params::{Param, Params};
pub use path::Path;
pub use proxy_authenticate::ProxyAuthenticate;
pub use proxy_authorization::ProxyAuthorization;
pub use proxy_require::ProxyRequire;
pub use rack::RAck;
pub use reason::Reason;
pub use record_route::RecordRoute;
pub use refer_to::ReferTo;
pub use referred_by::ReferredBy;
pub use replaces::Replaces;
pub use require::Require;
pub use retry_after::RetryAfter;
pub use route::Route;
pub use rseq::RSeq;
pub use server::Server;
pub use service_route::ServiceRoute;
pub use session_expires::{Refresher, SessionExpires};
pub use supported::Supported;
pub use to::To;
pub use unsupported::Unsupported;
pub use user_agent::UserAgent;
pub use via::{Rport, Via};
pub use warning::Warning;
pub use www_authenticate::WwwAuthenticate;

use crate::message::HeaderName;

/// How the values of a header name belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// There is one value. A second header line with another one makes the message ambiguous and is an error.
    Single,
    /// Each header line is a value of its own; commas mean something else.
    Repeated,
    /// A line holds one or more values, separated by commas; several lines are one longer list.
    List,
    /// A set of words: all lines together are one value.
    Merged,
}

/// A header that can be read from its value and written as one.
pub trait TypedHeader: Sized {
    /// Its name.
    const NAME: HeaderName;
    /// How several values belong together.
    const SHAPE: Shape = Shape::Single;

    /// Reads one value (of a list: one element), unfolded.
    fn parse(value: &Bytes) -> Result<Self, HeaderError>;

    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);

    /// The value.
    fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(64);
        self.write(&mut out);
        out.into()
    }
}

/// A header that is not there or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It is not there.
    #[error("{0} is missing")]
    Missing(HeaderName),
    /// It cannot be read.
    #[error("{name}: {reason} at byte {offset}")]
    Malformed {
        /// Which header.
        name: HeaderName,
        /// Where in the value.
        offset: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl HeaderError {
    pub(crate) fn malformed(name: HeaderName, offset: usize, reason: &'static str) -> HeaderError {
        HeaderError::Malformed { name, offset, reason }
    }

    /// Which header.
    pub fn name(&self) -> &HeaderName {
        match self {
            HeaderError::Missing(name) | HeaderError::Malformed { name, .. } => name,
        }
    }
}

/// What is wrong in a piece of a header, before it is known which header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) reason: &'static str,
}

impl Fault {
    pub(crate) fn of(self, name: HeaderName) -> HeaderError {
        HeaderError::malformed(name, self.offset, self.reason)
    }

    pub(crate) fn behind(self, bytes: usize) -> Fault {
        Fault { offset: self.offset + bytes, ..self }
    }
}
