//! To: who is asked (RFC 3261 §20.39).

use bytes::Bytes;

use super::{Fault, HeaderError, NameAddr, TypedHeader};
use crate::{
    Uri,
    message::{HeaderName, Text},
};

/// The address of who is asked, and once he answered the tag of his side of the dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct To {
    /// The address, with the parameters other than the tag.
    pub address: NameAddr,
    /// The tag: absent in a request that is to make a dialog.
    pub tag: Option<Text>,
}

impl To {
    /// An address without tag.
    pub fn new(address: NameAddr) -> To {
        To { address, tag: None }
    }

    /// The same with a tag.
    #[must_use]
    pub fn with_tag(self, tag: impl Into<Text>) -> To {
        To { tag: Some(tag.into()), ..self }
    }

    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.address.uri
    }
}

impl TypedHeader for To {
    const NAME: HeaderName = HeaderName::To;

    fn parse(value: &Bytes) -> Result<To, HeaderError> {
        let mut address = NameAddr::parse(value).map_err(|fault| fault.of(Self::NAME))?;
        let tag = address.params.take("tag");
        if tag.as_ref().is_some_and(|tag| tag.is_empty()) {
            return Err(Fault { offset: value.len(), reason: "empty tag" }.of(Self::NAME));
        }
        Ok(To { address, tag })
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.address.write(out);
        if let Some(tag) = &self.tag {
            out.extend_from_slice(b";tag=");
            out.extend_from_slice(tag);
        }
    }
}
