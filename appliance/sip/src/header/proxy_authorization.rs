//! Proxy-Authorization: credentials for a proxy (RFC 3261 §20.28).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader};
use crate::{auth::Credentials, message::HeaderName};

/// Credentials for the realm of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAuthorization(pub Credentials);

impl TypedHeader for ProxyAuthorization {
    const NAME: HeaderName = HeaderName::ProxyAuthorization;
    const SHAPE: Shape = Shape::Repeated;

    fn parse(value: &Bytes) -> Result<ProxyAuthorization, HeaderError> {
        Credentials::parse(value).map(ProxyAuthorization).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
