//! Expires: how long something is to last (RFC 3261 §20.19).

use bytes::Bytes;

use super::{Fault, HeaderError, TypedHeader};
use crate::message::{
    HeaderName,
    token::{seconds, write_number},
};

/// Seconds; more than fits counts as the most that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expires(pub u32);

impl TypedHeader for Expires {
    const NAME: HeaderName = HeaderName::Expires;

    fn parse(value: &Bytes) -> Result<Expires, HeaderError> {
        seconds(value).map(Expires).ok_or_else(|| Fault { offset: 0, reason: "not a number of seconds" }.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.0));
    }
}
