//! Addresses: `sip:`, `sips:` (RFC 3261 §19.1), `tel:` (RFC 3966), and any other scheme kept as it came.
//!
//! A [`Uri`] is its text and the places of its parts in it. It is written exactly as it was read, and cloning it copies nothing.

mod equivalence;
mod host;
mod parse;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, str::FromStr};

use bytes::Bytes;

use crate::{
    limits,
    message::{Text, token::write_number},
};
pub use host::Host;

/// What kind of address it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`, over TLS all the way.
    Sips,
    /// `tel:`, a telephone number.
    Tel,
    /// Anything else, in the case it came with.
    Other(Text),
}

/// From where to where in the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Range {
    start: u16,
    end: u16,
}

/// A URI. Equality of two is that of their texts; RFC 3261 §19.1.4 is [`Uri::equivalent`].
#[derive(Clone)]
pub struct Uri {
    text: Text,
    scheme: Scheme,
    user: Option<Range>,
    password: Option<Range>,
    host: Option<Host>,
    port: Option<u16>,
    params: Range,
    headers: Option<Range>,
}

/// A URI that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset} of the URI")]
pub struct UriError {
    /// Where in the text.
    pub offset: usize,
    /// What is wrong.
    pub reason: &'static str,
}

impl Uri {
    /// Reads a URI, copying it.
    pub fn parse(text: &[u8]) -> Result<Uri, UriError> {
        Uri::from_bytes(Bytes::copy_from_slice(text))
    }

    /// Reads a URI; its parts are slices of `text`.
    pub fn from_bytes(text: Bytes) -> Result<Uri, UriError> {
        parse::parse(text)
    }

    /// `sip:user@host:port`, with the characters of `user` escaped that need it. A host that is none becomes `invalid`
    /// (RFC 2606 §2), and a user part beyond all bounds is left out.
    pub fn sip(user: Option<&str>, host: impl Into<Host>, port: Option<u16>) -> Uri {
        let mut text = Vec::with_capacity(64);
        text.extend_from_slice(b"sip:");
        if let Some(user) = user {
            escape(user.as_bytes(), &mut text);
            text.push(b'@');
        }
        let host_start = text.len();
        host.into().write(&mut text);
        if let Some(port) = port {
            text.push(b':');
            write_number(&mut text, u64::from(port));
        }
        let text = Bytes::from(text);
        Uri::from_bytes(text.clone()).unwrap_or_else(|_| {
            let user = if host_start <= limits::HEADER_BYTES { &text[..host_start] } else { b"sip:" };
            let text = [user, b"invalid"].concat();
            Uri::from_bytes(text.into()).expect("a short escaped user and a plain name are a readable URI")
        })
    }

    /// `tel:number`; an error when there is no number.
    pub fn tel(number: &str) -> Result<Uri, UriError> {
        let mut text = b"tel:".to_vec();
        escape(number.as_bytes(), &mut text);
        Uri::from_bytes(text.into())
    }

    /// A text that is no URI, kept only to be shown.
    pub(crate) fn unreadable(text: Bytes) -> Uri {
        Uri {
            text: text.into(),
            scheme: Scheme::Other(Text::default()),
            user: None,
            password: None,
            host: None,
            port: None,
            params: Range::default(),
            headers: None,
        }
    }

    /// What kind of address it is.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Whether it is `sip:` or `sips:`.
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The user part as it came, escapes and all; of `tel:` the number.
    pub fn user(&self) -> Option<&str> {
        self.user.map(|range| self.piece(range))
    }

    /// The user part with its escapes resolved: what to compare and to look up.
    pub fn user_unescaped(&self) -> Option<Cow<'_, str>> {
        self.user().map(unescape)
    }

    /// The password as it came.
    pub fn password(&self) -> Option<&str> {
        self.password.map(|range| self.piece(range))
    }

    /// The host; `None` in `tel:` and unknown schemes.
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// The port if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// All parameters in their order: name and, after a `=`, value.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let text = self.piece(self.params);
        text.split(';').filter(|piece| !piece.is_empty()).map(|piece| match piece.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (piece, None),
        })
    }

    /// The value of a parameter; empty for one that has none; `None` when it is not there.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.unwrap_or(""))
    }

    /// The headers behind `?`, each as name and value, still escaped.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = self.headers.map_or("", |range| self.piece(range));
        text.split('&').filter(|piece| !piece.is_empty()).map(|piece| piece.split_once('=').unwrap_or((piece, "")))
    }

    /// The same with this parameter instead of one of that name, or added.
    #[must_use]
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Uri {
        let mut tail = self.params_without(name);
        tail.push(';');
        tail.push_str(name);
        if let Some(value) = value {
            tail.push('=');
            tail.push_str(value);
        }
        self.with_params(&tail)
    }

    /// The same without this parameter.
    #[must_use]
    pub fn without_param(&self, name: &str) -> Uri {
        match self.param(name) {
            Some(_) => self.with_params(&self.params_without(name)),
            None => self.clone(),
        }
    }

    /// The same without parameters and headers: who, and where.
    #[must_use]
    pub fn bare(&self) -> Uri {
        if self.params == Range::default() && self.headers.is_none() {
            return self.clone();
        }
        let end = usize::from(if self.params == Range::default() { self.params_place() } else { self.params.start });
        Uri::from_bytes(self.text.clone().into_bytes().slice(..end)).unwrap_or_else(|_| self.clone())
    }

    /// The same without the headers behind `?`, which do not belong into a Request-URI (RFC 3261 §19.1.5).
    #[must_use]
    pub fn bare_of_headers(&self) -> Uri {
        let Some(headers) = self.headers else { return self.clone() };
        let text = self.text.clone().into_bytes().slice(..usize::from(headers.start) - 1);
        Uri::from_bytes(text).unwrap_or_else(|_| self.clone())
    }

    fn params_without(&self, name: &str) -> String {
        let mut kept = String::new();
        for (key, value) in self.params().filter(|(key, _)| !key.eq_ignore_ascii_case(name)) {
            kept.push(';');
            kept.push_str(key);
            if let Some(value) = value {
                kept.push('=');
                kept.push_str(value);
            }
        }
        kept
    }

    /// Where parameters begin, or would.
    fn params_place(&self) -> u16 {
        self.headers.map_or(self.text.len() as u16, |range| range.start - 1)
    }

    fn with_params(&self, params: &str) -> Uri {
        let (start, end) = match self.params == Range::default() {
            true => (self.params_place(), self.params_place()),
            false => (self.params.start, self.params.end),
        };
        let mut text = self.text[..usize::from(start)].to_vec();
        text.extend_from_slice(params.as_bytes());
        text.extend_from_slice(&self.text[usize::from(end)..]);
        Uri::from_bytes(text.into()).unwrap_or_else(|_| self.clone())
    }

    /// Whether both mean the same by RFC 3261 §19.1.4 (and RFC 3966 §4 for `tel:`).
    pub fn equivalent(&self, other: &Uri) -> bool {
        equivalence::equivalent(self, other)
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The text; what came as a URI is always UTF-8.
    pub fn as_str(&self) -> &str {
        self.text.as_str().unwrap_or("")
    }

    /// Appends the text.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text);
    }

    /// The same URI in memory of its own, no longer holding the datagram it came in.
    #[must_use]
    pub fn detached(&self) -> Uri {
        Uri::from_bytes(self.text.detached().into_bytes()).unwrap_or_else(|_| self.clone())
    }

    fn piece(&self, range: Range) -> &str {
        std::str::from_utf8(&self.text[usize::from(range.start)..usize::from(range.end)]).unwrap_or("")
    }
}

/// Escapes what may not stand in a user part (RFC 3261 §25.1: unreserved and user-unreserved may).
fn escape(user: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in user {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,/".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}

/// Resolves `%41`. A `%` that is not followed by two hexadecimal digits stays.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| bytes.get(at + offset).and_then(|&b| char::from(b).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

impl FromStr for Uri {
    type Err = UriError;
    fn from_str(text: &str) -> Result<Uri, UriError> {
        Uri::parse(text.as_bytes())
    }
}

impl PartialEq for Uri {
    fn eq(&self, other: &Uri) -> bool {
        self.text == other.text
    }
}

impl Eq for Uri {}

impl std::hash::Hash for Uri {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.text)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.text, f)
    }
}
