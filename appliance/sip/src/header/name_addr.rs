//! `"Display Name" <uri>;params`, the shape of From, To, Contact, Route and their like (RFC 3261 §20.10).

use std::borrow::Cow;

use bytes::Bytes;

use super::{
    Fault, Params,
    params::{quoted_end, unquote, write_quoted},
};
use crate::{
    Uri,
    message::{
        Text,
        token::{is_space, is_token_byte, trim},
    },
};

/// An address with a display name and parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name as it was spelled, quotes included; empty when there is none.
    display: Text,
    /// The address.
    pub uri: Uri,
    /// Parameters of the header, not of the URI.
    pub params: Params,
}

impl NameAddr {
    /// An address without display name and parameters.
    pub fn new(uri: Uri) -> NameAddr {
        NameAddr { display: Text::default(), uri, params: Params::new() }
    }

    /// The same with a display name, quoted where it needs it.
    #[must_use]
    pub fn with_display_name(mut self, name: &str) -> NameAddr {
        let plain = |b: u8| is_token_byte(b) || b == b' ';
        self.display = if name.is_empty() {
            Text::default()
        } else if name.bytes().all(plain) && trim(name.as_bytes()).len() == name.len() {
            name.into()
        } else {
            let mut quoted = Vec::with_capacity(name.len() + 2);
            let one_line = name.bytes().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { b }).collect::<Vec<_>>();
            write_quoted(&one_line, &mut quoted);
            quoted.into()
        };
        self
    }

    /// The display name without quotes and escapes; broken UTF-8 is replaced. `None` when there is none.
    pub fn display_name(&self) -> Option<Cow<'_, str>> {
        if self.display.is_empty() {
            return None;
        }
        Some(match unquote(&self.display) {
            Cow::Borrowed(name) => String::from_utf8_lossy(name),
            Cow::Owned(name) => Cow::Owned(String::from_utf8_lossy(&name).into_owned()),
        })
    }

    /// Reads an address. Without angle brackets everything behind the first `;` belongs to the header (RFC 3261 §20.10).
    pub(crate) fn parse(value: &Bytes) -> Result<NameAddr, Fault> {
        let start = match value.first() {
            Some(b'"') => match quoted_end(value, 0) {
                Some(end) => end,
                None => return Err(Fault { offset: 0, reason: "quotes not closed" }),
            },
            _ => 0,
        };
        let Some(open) = value[start..].iter().position(|&b| b == b'<').map(|at| start + at) else {
            return NameAddr::parse_bare(value, start);
        };
        if start > 0 && value[start..open].iter().any(|&b| !is_space(b)) {
            return Err(Fault { offset: start, reason: "text between display name and address" });
        }
        let Some(close) = value[open..].iter().position(|&b| b == b'>').map(|at| open + at) else {
            return Err(Fault { offset: open, reason: "angle bracket not closed" });
        };
        let text = value.slice_ref(trim(&value[open + 1..close]));
        let uri =
            Uri::from_bytes(text).map_err(|error| Fault { offset: open + 1 + error.offset, reason: error.reason })?;
        let params = Params::parse(value.slice(close + 1..)).map_err(|fault| fault.behind(close + 1))?;
        let display = value.slice_ref(trim(&value[..open])).into();
        Ok(NameAddr { display, uri, params })
    }

    fn parse_bare(value: &Bytes, start: usize) -> Result<NameAddr, Fault> {
        if start > 0 {
            return Err(Fault { offset: start, reason: "a display name without an address" });
        }
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        if let Some(offset) = value[..end].iter().position(|&b| b == b'?') {
            return Err(Fault { offset, reason: "an address with headers needs angle brackets" });
        }
        let text = value.slice_ref(trim(&value[..end]));
        let uri = Uri::from_bytes(text).map_err(|error| Fault { offset: error.offset, reason: error.reason })?;
        let params = Params::parse(value.slice(end..)).map_err(|fault| fault.behind(end))?;
        Ok(NameAddr { display: Text::default(), uri, params })
    }

    /// Appends the address, always in angle brackets.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        if !self.display.is_empty() {
            out.extend_from_slice(&self.display);
            out.push(b' ');
        }
        out.push(b'<');
        self.uri.write(out);
        out.push(b'>');
        self.params.write(out);
    }
}
