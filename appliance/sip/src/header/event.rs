//! Event: the package of a SUBSCRIBE or NOTIFY (RFC 6665 §8.2.1).

use bytes::Bytes;

use super::{Fault, HeaderError, Params, TypedHeader};
use crate::message::{
    HeaderName, Text,
    token::{is_token, trim},
};

/// An event package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `message-summary`, `dialog`, `refer`, …
    pub package: Text,
    /// Tells several subscriptions of one dialog apart.
    pub id: Option<Text>,
    /// All other parameters.
    pub params: Params,
}

impl TypedHeader for Event {
    const NAME: HeaderName = HeaderName::Event;

    fn parse(value: &Bytes) -> Result<Event, HeaderError> {
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let package = trim(&value[..end]);
        if !is_token(package) {
            return Err(Fault { offset: 0, reason: "package is no token" }.of(Self::NAME));
        }
        let mut params = Params::parse(value.slice(end..)).map_err(|fault| fault.behind(end).of(Self::NAME))?;
        let id = params.take("id");
        Ok(Event { package: value.slice_ref(package).into(), id, params })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.package);
        if let Some(id) = &self.id {
            out.extend_from_slice(b";id=");
            out.extend_from_slice(id);
        }
        self.params.write(out);
    }
}
