//! RAck: which reliable provisional response a PRACK acknowledges (RFC 3262 §7.2).

use bytes::Bytes;

use super::{Fault, HeaderError, TypedHeader};
use crate::message::{
    HeaderName, Method,
    token::{is_space, number, write_number},
};

/// The response, named by its RSeq and the CSeq of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RAck {
    /// The RSeq of the response.
    pub rseq: u32,
    /// The CSeq number of the response.
    pub cseq: u32,
    /// The CSeq method of the response.
    pub method: Method,
}

impl RAck {
    fn read(value: &[u8]) -> Option<RAck> {
        let mut words = value.split(|&b| is_space(b)).filter(|word| !word.is_empty());
        let rseq = number(words.next()?)?;
        let cseq = number(words.next()?)?;
        let method = Method::parse(words.next()?)?;
        words.next().is_none().then_some(RAck { rseq, cseq, method })
    }
}

impl TypedHeader for RAck {
    const NAME: HeaderName = HeaderName::RAck;

    fn parse(value: &Bytes) -> Result<RAck, HeaderError> {
        RAck::read(value).ok_or_else(|| Fault { offset: 0, reason: "not two numbers and a method" }.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.rseq));
        out.push(b' ');
        write_number(out, u64::from(self.cseq));
        out.push(b' ');
        out.extend_from_slice(self.method.as_str().as_bytes());
    }
}
