//! Proxy-Authenticate: the challenge of a proxy, in a 407 (RFC 3261 §20.27).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader};
use crate::{auth::Challenge, message::HeaderName};

/// A challenge; several come in headers of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAuthenticate(pub Challenge);

impl TypedHeader for ProxyAuthenticate {
    const NAME: HeaderName = HeaderName::ProxyAuthenticate;
    const SHAPE: Shape = Shape::Repeated;

    fn parse(value: &Bytes) -> Result<ProxyAuthenticate, HeaderError> {
        Challenge::parse(value).map(ProxyAuthenticate).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
