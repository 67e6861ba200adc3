//! Content-Length: how long the body is (RFC 3261 §20.14).

use bytes::Bytes;

use super::{Fault, HeaderError, TypedHeader};
use crate::message::{
    HeaderName,
    token::{number, write_number},
};

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentLength(pub u32);

impl TypedHeader for ContentLength {
    const NAME: HeaderName = HeaderName::ContentLength;

    fn parse(value: &Bytes) -> Result<ContentLength, HeaderError> {
        number(value)
            .map(ContentLength)
            .ok_or_else(|| Fault { offset: 0, reason: "not a number of bytes" }.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.0));
    }
}
