//! Refer-To: whom a transfer leads to (RFC 3515).

use bytes::Bytes;

use super::{HeaderError, NameAddr, Shape, TypedHeader};
use crate::{Uri, message::HeaderName};

/// The target of a transfer; a `Replaces` may stand in the headers of its URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferTo(pub NameAddr);

impl ReferTo {
    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }
}

impl TypedHeader for ReferTo {
    const NAME: HeaderName = HeaderName::ReferTo;
    const SHAPE: Shape = Shape::Single;

    fn parse(value: &Bytes) -> Result<ReferTo, HeaderError> {
        NameAddr::parse(value).map(ReferTo).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
