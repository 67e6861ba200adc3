//! Warning: what was wrong in detail, mostly with the session description (RFC 3261 §20.43).

use bytes::Bytes;

use super::{Fault, HeaderError, Shape, TypedHeader, params::unquote, params::write_quoted};
use crate::message::{
    HeaderName, Text,
    token::{is_space, number, trim, write_number},
};

/// One warning: `304 tandem "Media type not available"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// 300 to 399.
    pub code: u16,
    /// Who warns.
    pub agent: Text,
    /// The words, without quotes.
    pub text: Text,
}

impl TypedHeader for Warning {
    const NAME: HeaderName = HeaderName::Warning;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<Warning, HeaderError> {
        let fault = |offset| Fault { offset, reason: "not code, agent and text" }.of(Self::NAME);
        let code_end = value.iter().position(|&b| is_space(b)).ok_or_else(|| fault(0))?;
        let code = number(&value[..code_end]).ok_or_else(|| fault(0))?;
        let rest = trim(&value[code_end..]);
        let agent_end = rest.iter().position(|&b| is_space(b) || b == b'"').ok_or_else(|| fault(code_end))?;
        let text = unquote(trim(&rest[agent_end..]));
        Ok(Warning { code, agent: rest[..agent_end].into(), text: text.as_ref().into() })
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.code));
        out.push(b' ');
        out.extend_from_slice(&self.agent);
        out.push(b' ');
        write_quoted(&self.text, out);
    }
}
