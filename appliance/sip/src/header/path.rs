//! Path: the proxies between the registrar and a phone (RFC 3327).

use bytes::Bytes;

use super::{HeaderError, NameAddr, Shape, TypedHeader};
use crate::{Uri, message::HeaderName};

/// One proxy on the way from the registrar to the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub NameAddr);

impl Path {
    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }
}

impl TypedHeader for Path {
    const NAME: HeaderName = HeaderName::Path;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<Path, HeaderError> {
        NameAddr::parse(value).map(Path).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
