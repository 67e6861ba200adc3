//! Authentication-Info: what a server adds to an accepted request (RFC 7616 §3.5).

use bytes::Bytes;

use super::{HeaderError, TypedHeader};
pub use crate::auth::AuthenticationInfo;
use crate::message::HeaderName;

impl TypedHeader for AuthenticationInfo {
    const NAME: HeaderName = HeaderName::AuthenticationInfo;

    fn parse(value: &Bytes) -> Result<AuthenticationInfo, HeaderError> {
        AuthenticationInfo::parse(value).map_err(|fault| fault.of(HeaderName::AuthenticationInfo))
    }

    fn write(&self, out: &mut Vec<u8>) {
        AuthenticationInfo::write(self, out);
    }
}
