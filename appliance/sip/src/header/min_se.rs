//! Min-SE: the shortest session life somebody accepts (RFC 4028 §5).

use bytes::Bytes;

use super::{HeaderError, TypedHeader, session_expires::seconds_and_params};
use crate::message::{HeaderName, token::write_number};

/// Seconds, not below 90.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinSe(pub u32);

impl TypedHeader for MinSe {
    const NAME: HeaderName = HeaderName::MinSe;

    fn parse(value: &Bytes) -> Result<MinSe, HeaderError> {
        seconds_and_params(value).map(|(seconds, _)| MinSe(seconds)).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.0));
    }
}
