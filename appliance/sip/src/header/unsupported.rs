//! Unsupported: the required extensions that are not understood (RFC 3261 §20.40).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader, tokens};
use crate::message::{HeaderName, Text};

/// Option tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsupported(pub Vec<Text>);

impl Unsupported {
    /// Just these.
    pub fn new(tags: &[&'static str]) -> Unsupported {
        Unsupported(tags.iter().map(|tag| Text::from_static(tag)).collect())
    }

    /// Whether this one is named, whatever its case.
    pub fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|one| one.eq_ignore_ascii_case(tag.as_bytes()))
    }
}

impl TypedHeader for Unsupported {
    const NAME: HeaderName = HeaderName::Unsupported;
    const SHAPE: Shape = Shape::Merged;

    fn parse(value: &Bytes) -> Result<Unsupported, HeaderError> {
        tokens::parse(value).map(Unsupported).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        tokens::write(&self.0, out);
    }
}
