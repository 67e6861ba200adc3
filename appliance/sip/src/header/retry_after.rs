//! Retry-After: when to try again (RFC 3261 §20.33).

use bytes::Bytes;

use super::{Fault, HeaderError, Params, TypedHeader, params::unquote};
use crate::message::{
    HeaderName,
    token::{is_space, seconds, trim, write_number},
};

/// When to try again, and for how long the answer will then be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    /// Seconds to wait.
    pub seconds: u32,
    /// Seconds for which somebody will then be there.
    pub duration: Option<u32>,
}

impl TypedHeader for RetryAfter {
    const NAME: HeaderName = HeaderName::RetryAfter;

    fn parse(value: &Bytes) -> Result<RetryAfter, HeaderError> {
        let end = value.iter().position(|&b| is_space(b) || matches!(b, b';' | b'(')).unwrap_or(value.len());
        let Some(wait) = seconds(&value[..end]) else {
            return Err(Fault { offset: 0, reason: "not a number of seconds" }.of(Self::NAME));
        };
        // A comment may stand between, with semicolons in it.
        let comment_end = value.iter().rposition(|&b| b == b')').map_or(end, |at| at + 1);
        let rest = value.slice_ref(trim(&value[comment_end.max(end)..]));
        let params = if rest.is_empty() { Params::new() } else { Params::parse(rest).unwrap_or_default() };
        let duration = params.get("duration").and_then(|text| seconds(&unquote(text)));
        Ok(RetryAfter { seconds: wait, duration })
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.seconds));
        if let Some(duration) = self.duration {
            out.extend_from_slice(b";duration=");
            write_number(out, u64::from(duration));
        }
    }
}
