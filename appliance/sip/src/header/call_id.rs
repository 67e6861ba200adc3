//! Call-ID: the name that all messages of a call or of a registration share (RFC 3261 §20.8).

use bytes::Bytes;

use super::{Fault, HeaderError, TypedHeader};
use crate::message::{HeaderName, Text, token::is_space};

/// The name of a call or of a registration; compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallId(pub Text);

impl TypedHeader for CallId {
    const NAME: HeaderName = HeaderName::CallId;

    fn parse(value: &Bytes) -> Result<CallId, HeaderError> {
        if value.is_empty() {
            return Err(Fault { offset: 0, reason: "empty" }.of(Self::NAME));
        }
        match value.iter().position(|&b| is_space(b)) {
            Some(offset) => Err(Fault { offset, reason: "white space" }.of(Self::NAME)),
            None => Ok(CallId(value.clone().into())),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}
