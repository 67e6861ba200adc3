//! RSeq: the number of a provisional response that wants a PRACK (RFC 3262 §7.1).

use bytes::Bytes;

use super::{Fault, HeaderError, TypedHeader};
use crate::message::{
    HeaderName,
    token::{number, write_number},
};

/// The number, counting up by one within a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RSeq(pub u32);

impl TypedHeader for RSeq {
    const NAME: HeaderName = HeaderName::RSeq;

    fn parse(value: &Bytes) -> Result<RSeq, HeaderError> {
        number(value).map(RSeq).ok_or_else(|| Fault { offset: 0, reason: "not a number below 2^32" }.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.0));
    }
}
