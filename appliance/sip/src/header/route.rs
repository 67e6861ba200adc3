//! Route: the proxies a request still has to pass (RFC 3261 §20.34).

use bytes::Bytes;

use super::{HeaderError, NameAddr, Shape, TypedHeader};
use crate::{Uri, message::HeaderName};

/// One proxy on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route(pub NameAddr);

impl Route {
    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }
}

impl TypedHeader for Route {
    const NAME: HeaderName = HeaderName::Route;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<Route, HeaderError> {
        NameAddr::parse(value).map(Route).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
