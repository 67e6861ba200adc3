//! Allow: the methods somebody understands (RFC 3261 §20.5).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader, tokens};
use crate::message::{HeaderName, Method};

/// Methods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow(pub Vec<Method>);

impl Allow {
    /// Whether the method is named.
    pub fn has(&self, method: &Method) -> bool {
        self.0.contains(method)
    }
}

impl TypedHeader for Allow {
    const NAME: HeaderName = HeaderName::Allow;
    const SHAPE: Shape = Shape::Merged;

    fn parse(value: &Bytes) -> Result<Allow, HeaderError> {
        let words = tokens::parse(value).map_err(|fault| fault.of(Self::NAME))?;
        Ok(Allow(words.iter().filter_map(|word| Method::parse(word)).collect()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let words: Vec<&str> = self.0.iter().map(Method::as_str).collect();
        tokens::write(&words, out);
    }
}
