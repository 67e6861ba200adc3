//! Referred-By: who transferred (RFC 3892).

use bytes::Bytes;

use super::{HeaderError, NameAddr, Shape, TypedHeader};
use crate::{Uri, message::HeaderName};

/// The author of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferredBy(pub NameAddr);

impl ReferredBy {
    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }
}

impl TypedHeader for ReferredBy {
    const NAME: HeaderName = HeaderName::ReferredBy;
    const SHAPE: Shape = Shape::Single;

    fn parse(value: &Bytes) -> Result<ReferredBy, HeaderError> {
        NameAddr::parse(value).map(ReferredBy).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
