//! User-Agent: the program that asks (RFC 3261 §20.41).

use bytes::Bytes;

use super::{HeaderError, TypedHeader};
use crate::message::{HeaderName, Text};

/// Product names and versions, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAgent(pub Text);

impl TypedHeader for UserAgent {
    const NAME: HeaderName = HeaderName::UserAgent;

    fn parse(value: &Bytes) -> Result<UserAgent, HeaderError> {
        Ok(UserAgent(value.clone().into()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}
