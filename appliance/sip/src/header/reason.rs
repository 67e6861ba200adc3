//! Reason: why a request was sent, in the words of another protocol (RFC 3326).

use bytes::Bytes;

use super::{Fault, HeaderError, Params, Shape, TypedHeader, params};
use crate::message::{
    HeaderName, Text,
    token::{is_token, number, trim, write_number},
};

/// One reason: `SIP;cause=200;text="Call completed elsewhere"`, `Q.850;cause=16`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// `SIP` or `Q.850`.
    pub protocol: Text,
    /// The status code or the Q.850 cause value.
    pub cause: Option<u16>,
    /// The words, without quotes.
    pub text: Option<Text>,
    /// All other parameters.
    pub params: Params,
}

impl Reason {
    /// A SIP status code as a reason.
    pub fn sip(cause: u16, text: &str) -> Reason {
        Reason {
            protocol: Text::from_static("SIP"),
            cause: Some(cause),
            text: Some(text.into()),
            params: Params::new(),
        }
    }

    /// A Q.850 cause value as a reason: 16 is normal clearing, 17 busy, 19 no answer.
    pub fn q850(cause: u16, text: &str) -> Reason {
        Reason { protocol: Text::from_static("Q.850"), ..Reason::sip(cause, text) }
    }
}

impl TypedHeader for Reason {
    const NAME: HeaderName = HeaderName::Reason;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<Reason, HeaderError> {
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let protocol = trim(&value[..end]);
        if !is_token(protocol) {
            return Err(Fault { offset: 0, reason: "protocol is no token" }.of(Self::NAME));
        }
        let mut others = Params::parse(value.slice(end..)).map_err(|fault| fault.behind(end).of(Self::NAME))?;
        let text = others.get_unquoted("text").map(|text| Text::from(text.as_ref()));
        let cause = others.take("cause").and_then(|cause| number(&cause));
        others.take("text");
        Ok(Reason { protocol: value.slice_ref(protocol).into(), cause, text, params: others })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.protocol);
        if let Some(cause) = self.cause {
            out.extend_from_slice(b";cause=");
            write_number(out, u64::from(cause));
        }
        if let Some(text) = &self.text {
            out.extend_from_slice(b";text=");
            params::write_quoted(text, out);
        }
        self.params.write(out);
    }
}
