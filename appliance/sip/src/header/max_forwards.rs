//! Max-Forwards: how many more hops a request may take (RFC 3261 §20.22).

use bytes::Bytes;

use super::{Fault, HeaderError, TypedHeader};
use crate::message::{
    HeaderName,
    token::{number, write_number},
};

/// Hops left, 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxForwards(pub u8);

impl TypedHeader for MaxForwards {
    const NAME: HeaderName = HeaderName::MaxForwards;

    fn parse(value: &Bytes) -> Result<MaxForwards, HeaderError> {
        let fault = Fault { offset: 0, reason: "not a number from 0 to 255" };
        number(value).map(MaxForwards).ok_or_else(|| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.0));
    }
}
