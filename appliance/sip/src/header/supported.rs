//! Supported: extensions somebody understands (RFC 3261 §20.37).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader, tokens};
use crate::message::{HeaderName, Text};

/// Option tags; an empty header names none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supported(pub Vec<Text>);

impl Supported {
    /// Just these.
    pub fn new(tags: &[&'static str]) -> Supported {
        Supported(tags.iter().map(|tag| Text::from_static(tag)).collect())
    }

    /// Whether this one is named, whatever its case.
    pub fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|one| one.eq_ignore_ascii_case(tag.as_bytes()))
    }
}

impl TypedHeader for Supported {
    const NAME: HeaderName = HeaderName::Supported;
    const SHAPE: Shape = Shape::Merged;

    fn parse(value: &Bytes) -> Result<Supported, HeaderError> {
        tokens::parse(value).map(Supported).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        tokens::write(&self.0, out);
    }
}
