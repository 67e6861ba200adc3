//! CSeq: the number of a request within its dialog (RFC 3261 §20.16).

use bytes::Bytes;

use super::{Fault, HeaderError, TypedHeader};
use crate::message::{
    HeaderName, Method,
    token::{is_space, number, trim, write_number},
};

/// The number of a request and its method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// The number.
    pub number: u32,
    /// The method of the request; ACK and CANCEL repeat the number of theirs.
    pub method: Method,
}

impl TypedHeader for CSeq {
    const NAME: HeaderName = HeaderName::CSeq;

    fn parse(value: &Bytes) -> Result<CSeq, HeaderError> {
        let digits = value.iter().position(|&b| is_space(b)).unwrap_or(value.len());
        let Some(number) = number::<u32>(&value[..digits]) else {
            return Err(Fault { offset: 0, reason: "number missing or above 2^32-1" }.of(Self::NAME));
        };
        match Method::parse(trim(&value[digits..])) {
            Some(method) => Ok(CSeq { number, method }),
            None => Err(Fault { offset: digits, reason: "method missing or no token" }.of(Self::NAME)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.number));
        out.push(b' ');
        out.extend_from_slice(self.method.as_str().as_bytes());
    }
}
