//! Content-Type: what the body is (RFC 3261 §20.15).

use bytes::Bytes;

use super::{Fault, HeaderError, Params, TypedHeader};
use crate::message::{
    HeaderName, Text,
    token::{is_token, trim},
};

/// A media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType {
    /// `application`
    pub kind: Text,
    /// `sdp`
    pub subtype: Text,
    /// `boundary`, `charset`, …
    pub params: Params,
}

impl ContentType {
    /// `application/sdp`
    pub const SDP: &'static str = "application/sdp";

    /// A type of ours, such as `application/sdp`; `None` when there is no slash in it.
    pub fn new(name: &'static str) -> Option<ContentType> {
        let (kind, subtype) = name.split_once('/')?;
        Some(ContentType { kind: Text::from_static(kind), subtype: Text::from_static(subtype), params: Params::new() })
    }

    /// Whether it is this type, whatever its case and parameters.
    pub fn is(&self, name: &str) -> bool {
        name.split_once('/').is_some_and(|(kind, subtype)| {
            self.kind.eq_ignore_ascii_case(kind.as_bytes()) && self.subtype.eq_ignore_ascii_case(subtype.as_bytes())
        })
    }
}

impl TypedHeader for ContentType {
    const NAME: HeaderName = HeaderName::ContentType;

    fn parse(value: &Bytes) -> Result<ContentType, HeaderError> {
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let fault = Fault { offset: 0, reason: "not type/subtype" };
        let slash = value[..end].iter().position(|&b| b == b'/').ok_or_else(|| fault.of(Self::NAME))?;
        let (kind, subtype) = (trim(&value[..slash]), trim(&value[slash + 1..end]));
        if !is_token(kind) || !is_token(subtype) {
            return Err(fault.of(Self::NAME));
        }
        let params = Params::parse(value.slice(end..)).map_err(|fault| fault.behind(end).of(Self::NAME))?;
        Ok(ContentType { kind: value.slice_ref(kind).into(), subtype: value.slice_ref(subtype).into(), params })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.kind);
        out.push(b'/');
        out.extend_from_slice(&self.subtype);
        self.params.write(out);
    }
}
