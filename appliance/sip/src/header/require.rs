//! Require: extensions the other side must understand (RFC 3261 §20.32).

use bytes::Bytes;

use super::{HeaderError, Shape, TypedHeader, tokens};
use crate::message::{HeaderName, Text};

/// Option tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Require(pub Vec<Text>);

impl Require {
    /// Just these.
    pub fn new(tags: &[&'static str]) -> Require {
        Require(tags.iter().map(|tag| Text::from_static(tag)).collect())
    }

    /// Whether this one is named, whatever its case.
    pub fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|one| one.eq_ignore_ascii_case(tag.as_bytes()))
    }
}

impl TypedHeader for Require {
    const NAME: HeaderName = HeaderName::Require;
    const SHAPE: Shape = Shape::Merged;

    fn parse(value: &Bytes) -> Result<Require, HeaderError> {
        tokens::parse(value).map(Require).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        tokens::write(&self.0, out);
    }
}
