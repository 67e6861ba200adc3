//! WWW-Authenticate: the challenge of a server, in a 401 (RFC 3261 §20.44).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader};
use crate::{auth::Challenge, message::HeaderName};

/// A challenge; several come in headers of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WwwAuthenticate(pub Challenge);

impl TypedHeader for WwwAuthenticate {
    const NAME: HeaderName = HeaderName::WwwAuthenticate;
    const SHAPE: Shape = Shape::Repeated;

    fn parse(value: &Bytes) -> Result<WwwAuthenticate, HeaderError> {
        Challenge::parse(value).map(WwwAuthenticate).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
