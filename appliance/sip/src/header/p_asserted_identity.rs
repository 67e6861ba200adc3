//! P-Asserted-Identity: who calls, as a trusted network vouches (RFC 3325).

use bytes::Bytes;

use super::{HeaderError, NameAddr, Shape, TypedHeader};
use crate::{Uri, message::HeaderName};

/// One vouched-for identity: a `sip:` and a `tel:` one may come together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PAssertedIdentity(pub NameAddr);

impl PAssertedIdentity {
    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }
}

impl TypedHeader for PAssertedIdentity {
    const NAME: HeaderName = HeaderName::PAssertedIdentity;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<PAssertedIdentity, HeaderError> {
        NameAddr::parse(value).map(PAssertedIdentity).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
