//! Record-Route: the proxies that want to stay on the way (RFC 3261 §20.30).

use bytes::Bytes;

use super::{HeaderError, NameAddr, Shape, TypedHeader};
use crate::{Uri, message::HeaderName};

/// One proxy that wants to see the later requests of the dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRoute(pub NameAddr);

impl RecordRoute {
    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }
}

impl TypedHeader for RecordRoute {
    const NAME: HeaderName = HeaderName::RecordRoute;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<RecordRoute, HeaderError> {
        NameAddr::parse(value).map(RecordRoute).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
