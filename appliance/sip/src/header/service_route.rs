//! Service-Route: the proxies a registered phone is to use (RFC 3608).

use bytes::Bytes;

use super::{HeaderError, NameAddr, Shape, TypedHeader};
use crate::{Uri, message::HeaderName};

/// One proxy for the requests of the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRoute(pub NameAddr);

impl ServiceRoute {
    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }
}

impl TypedHeader for ServiceRoute {
    const NAME: HeaderName = HeaderName::ServiceRoute;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<ServiceRoute, HeaderError> {
        NameAddr::parse(value).map(ServiceRoute).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
