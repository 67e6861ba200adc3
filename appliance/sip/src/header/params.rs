//! `;name=value` parameters of a header, in their order, as they were spelled.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;
use smallvec::SmallVec;

use super::Fault;
use crate::message::{
    Text,
    token::{is_space, is_token_byte, trim},
};

/// Parameters of a header: their text, read when asked. Names are compared without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Text);

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name as it was spelled.
    pub name: &'a [u8],
    /// What stands behind the `=`, with its quotes if it has them; `None` without `=`.
    pub value: Option<&'a [u8]>,
}

impl<'a> Param<'a> {
    /// Whether it has this name.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value without its quotes and their escapes; empty when there is none.
    pub fn unquoted(&self) -> Cow<'a, [u8]> {
        unquote(self.value.unwrap_or_default())
    }
}

impl Params {
    /// No parameters.
    pub fn new() -> Params {
        Params::default()
    }

    /// Reads `;name=value;flag…` to the end of the text.
    pub(crate) fn parse(text: Bytes) -> Result<Params, Fault> {
        let mut at = 0;
        while at < text.len() {
            at = skip_param(&text, at)?;
        }
        let kept = trim(&text);
        Ok(Params(text.slice_ref(kept).into()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All in their order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        let text: &[u8] = &self.0;
        let mut at = 0;
        std::iter::from_fn(move || {
            while at < text.len() {
                let start = at;
                at = skip_param(text, at).unwrap_or(text.len());
                let param = split(&text[start..at]);
                if !param.name.is_empty() {
                    return Some(param);
                }
            }
            None
        })
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|param| param.is(name))
    }

    /// The value of a parameter as it was spelled; empty for one without value; `None` when it is not there.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|param| param.is(name)).map(|param| param.value.unwrap_or_default())
    }

    /// The value of a parameter as text; `None` when it is not there or not UTF-8.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// The value of a parameter without its quotes.
    pub fn get_unquoted(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.iter().find(|param| param.is(name)).map(|param| param.unquoted())
    }

    /// Appends a parameter. A value that is no token, host or quoted string already is quoted.
    pub fn push(&mut self, name: &str, value: Option<&[u8]>) {
        let mut text = Vec::with_capacity(self.0.len() + name.len() + value.map_or(0, <[u8]>::len) + 4);
        text.extend_from_slice(&self.0);
        text.push(b';');
        text.extend_from_slice(name.as_bytes());
        if let Some(value) = value {
            text.push(b'=');
            write_value(value, &mut text);
        }
        self.0 = text.into();
    }

    /// Replaces or appends a parameter.
    pub fn set(&mut self, name: &str, value: Option<&[u8]>) {
        self.remove(name);
        self.push(name, value);
    }

    /// Removes a parameter and says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        if !self.has(name) {
            return false;
        }
        self.retain(|param| !param.is(name));
        true
    }

    /// The value of a parameter as a slice of the datagram, as it was spelled; empty for one without value.
    pub fn text(&self, name: &str) -> Option<Text> {
        let bytes = self.0.clone().into_bytes();
        self.get(name).map(|value| if value.is_empty() { Text::default() } else { bytes.slice_ref(value).into() })
    }

    /// Removes a parameter and gives its value as it was spelled.
    pub(crate) fn take(&mut self, name: &str) -> Option<Text> {
        if self.0.is_empty() {
            return None;
        }
        let value = self.text(name)?;
        self.retain(|param| !param.is(name));
        Some(value)
    }

    /// Keeps only the parameters that `keep` wants. Nothing is copied when they stand together.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Param<'_>) -> bool) {
        let text = self.0.clone().into_bytes();
        let mut runs: SmallVec<[Range<usize>; 4]> = SmallVec::new();
        let mut at = 0;
        while at < text.len() {
            let start = at;
            at = skip_param(&text, at).unwrap_or(text.len());
            if !keep(&split(&text[start..at])) {
                continue;
            }
            match runs.last_mut() {
                Some(run) if run.end == start => run.end = at,
                _ => runs.push(start..at),
            }
        }
        self.0 = match runs.as_slice() {
            [] => Text::default(),
            [run] => text.slice_ref(trim(&text[run.clone()])).into(),
            runs => trim(&runs.iter().map(|run| &text[run.clone()]).collect::<Vec<_>>().concat()).into(),
        };
    }

    /// Appends them as they are.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

/// From one `;` to the next, or to the end.
fn skip_param(text: &[u8], start: usize) -> Result<usize, Fault> {
    let mut at = skip_spaces(text, start);
    if at == text.len() {
        return Ok(at);
    }
    if text[at] != b';' {
        return Err(Fault { offset: at, reason: "a parameter begins with a semicolon" });
    }
    at = skip_spaces(text, at + 1);
    let name = at;
    while at < text.len()
        && (is_token_byte(text[at]) || text[at] >= 0x80 || matches!(text[at], b'[' | b']' | b'/' | b':'))
    {
        at += 1;
    }
    let named = at > name;
    at = skip_spaces(text, at);
    if text.get(at) == Some(&b'=') {
        if !named {
            return Err(Fault { offset: at, reason: "a parameter without name" });
        }
        at = skip_value(text, skip_spaces(text, at + 1))?;
    }
    at = skip_spaces(text, at);
    match text.get(at) {
        None | Some(b';') => Ok(at),
        Some(_) => Err(Fault { offset: at, reason: "unexpected character in a parameter" }),
    }
}

fn skip_value(text: &[u8], start: usize) -> Result<usize, Fault> {
    let mut at = start;
    if text.get(at) == Some(&b'"') {
        return match quoted_end(text, at) {
            Some(end) => Ok(end),
            None => Err(Fault { offset: at, reason: "quotes not closed" }),
        };
    }
    while at < text.len() && !is_space(text[at]) && !matches!(text[at], b';' | b',' | b'"') {
        at += 1;
    }
    Ok(at)
}

fn skip_spaces(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && is_space(text[at]) {
        at += 1;
    }
    at
}

/// The place behind the closing quote of the string that begins at `start`.
pub(super) fn quoted_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'"' => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

fn split(piece: &[u8]) -> Param<'_> {
    let piece = trim(piece);
    let piece = trim(piece.strip_prefix(b";").unwrap_or(piece));
    match piece.iter().position(|&b| b == b'=') {
        Some(at) => Param { name: trim(&piece[..at]), value: Some(trim(&piece[at + 1..])) },
        None => Param { name: piece, value: None },
    }
}

/// A quoted string without its quotes and escapes; anything else as it is.
pub(crate) fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")) else {
        return Cow::Borrowed(value);
    };
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        out.push(if byte == b'\\' { bytes.next().copied().unwrap_or(b'\\') } else { byte });
    }
    Cow::Owned(out)
}

/// Appends a text in quotes, escaped.
pub(crate) fn write_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn write_value(value: &[u8], out: &mut Vec<u8>) {
    let plain = |b: &u8| is_token_byte(*b) || matches!(b, b'[' | b']' | b':');
    let quoted = value.len() >= 2 && value[0] == b'"' && quoted_end(value, 0) == Some(value.len());
    if quoted || (!value.is_empty() && value.iter().all(plain)) {
        out.extend_from_slice(value);
    } else {
        write_quoted(value, out);
    }
}
