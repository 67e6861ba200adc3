//! Proxy-Require: extensions the proxies must understand (RFC 3261 §20.29).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader, tokens};
use crate::message::{HeaderName, Text};

/// Option tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyRequire(pub Vec<Text>);

impl ProxyRequire {
    /// Just these.
    pub fn new(tags: &[&'static str]) -> ProxyRequire {
        ProxyRequire(tags.iter().map(|tag| Text::from_static(tag)).collect())
    }

    /// Whether this one is named, whatever its case.
    pub fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|one| one.eq_ignore_ascii_case(tag.as_bytes()))
    }
}

impl TypedHeader for ProxyRequire {
    const NAME: HeaderName = HeaderName::ProxyRequire;
    const SHAPE: Shape = Shape::Merged;

    fn parse(value: &Bytes) -> Result<ProxyRequire, HeaderError> {
        tokens::parse(value).map(ProxyRequire).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        tokens::write(&self.0, out);
    }
}
