//! Server: the program that answers (RFC 3261 §20.35).

use bytes::Bytes;

use super::{HeaderError, TypedHeader};
use crate::message::{HeaderName, Text};

/// Product names and versions, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server(pub Text);

impl TypedHeader for Server {
    const NAME: HeaderName = HeaderName::Server;

    fn parse(value: &Bytes) -> Result<Server, HeaderError> {
        Ok(Server(value.clone().into()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}
