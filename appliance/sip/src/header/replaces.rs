//! Replaces: the dialog an INVITE is to take the place of (RFC 3891).

use bytes::Bytes;

use super::{Fault, HeaderError, Params, TypedHeader};
use crate::message::{HeaderName, Text, token::trim};

/// The name of a dialog, as its other side sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaces {
    /// Call-ID of the dialog.
    pub call_id: Text,
    /// Its tag at the receiver of this request.
    pub to_tag: Text,
    /// Its tag at the other side.
    pub from_tag: Text,
    /// Only if it is not answered yet.
    pub early_only: bool,
}

impl TypedHeader for Replaces {
    const NAME: HeaderName = HeaderName::Replaces;

    fn parse(value: &Bytes) -> Result<Replaces, HeaderError> {
        let fault = |offset, reason| Fault { offset, reason }.of(Self::NAME);
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let call_id = trim(&value[..end]);
        if call_id.is_empty() {
            return Err(fault(0, "no Call-ID"));
        }
        let params = Params::parse(value.slice(end..)).map_err(|fault| fault.behind(end).of(Self::NAME))?;
        let to_tag = params.text("to-tag").ok_or_else(|| fault(value.len(), "no to-tag"))?;
        let from_tag = params.text("from-tag").ok_or_else(|| fault(value.len(), "no from-tag"))?;
        let early_only = params.has("early-only");
        Ok(Replaces { call_id: value.slice_ref(call_id).into(), to_tag, from_tag, early_only })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.call_id);
        out.extend_from_slice(b";to-tag=");
        out.extend_from_slice(&self.to_tag);
        out.extend_from_slice(b";from-tag=");
        out.extend_from_slice(&self.from_tag);
        if self.early_only {
            out.extend_from_slice(b";early-only");
        }
    }
}
