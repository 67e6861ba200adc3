//! Authorization: credentials for the server (RFC 3261 §20.7).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader};
use crate::{auth::Credentials, message::HeaderName};

/// Credentials for the realm of a user agent server or registrar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization(pub Credentials);

impl TypedHeader for Authorization {
    const NAME: HeaderName = HeaderName::Authorization;
    const SHAPE: Shape = Shape::Repeated;

    fn parse(value: &Bytes) -> Result<Authorization, HeaderError> {
        Credentials::parse(value).map(Authorization).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}
