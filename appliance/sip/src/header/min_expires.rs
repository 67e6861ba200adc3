//! Min-Expires: the shortest life a registrar accepts (RFC 3261 §20.23).

use bytes::Bytes;

use super::{Fault, HeaderError, TypedHeader};
use crate::message::{
    HeaderName,
    token::{seconds, write_number},
};

/// Seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinExpires(pub u32);

impl TypedHeader for MinExpires {
    const NAME: HeaderName = HeaderName::MinExpires;

    fn parse(value: &Bytes) -> Result<MinExpires, HeaderError> {
        seconds(value)
            .map(MinExpires)
            .ok_or_else(|| Fault { offset: 0, reason: "not a number of seconds" }.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.0));
    }
}
