//! The `name=value, name="value"` fields behind the word `Digest`.

use bytes::Bytes;

use crate::{
    header::{
        Fault,
        list::elements,
        params::{unquote, write_quoted},
    },
    message::{
        Text,
        token::{is_space, is_token, trim},
    },
};

/// A field: its name, and its value without quotes.
pub(super) struct Field {
    name: Bytes,
    pub(super) value: Text,
}

impl Field {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// All fields behind the scheme `Digest`. Any field may come quoted or not, whatever the grammar says of it.
pub(super) fn digest(value: &Bytes) -> Result<Vec<Field>, Fault> {
    let scheme_end = value.iter().position(|&b| is_space(b)).unwrap_or(value.len());
    if !value[..scheme_end].eq_ignore_ascii_case(b"Digest") {
        return Err(Fault { offset: 0, reason: "scheme is not Digest" });
    }
    list(&value.slice(scheme_end..)).map_err(|fault| fault.behind(scheme_end))
}

/// All fields of a value without scheme.
pub(super) fn list(value: &Bytes) -> Result<Vec<Field>, Fault> {
    let mut fields: Vec<Field> = Vec::with_capacity(12);
    for element in elements(value) {
        let offset = element.as_ptr() as usize - value.as_ptr() as usize;
        let Some(equals) = element.iter().position(|&b| b == b'=') else {
            return Err(Fault { offset, reason: "a field without value" });
        };
        let name = trim(&element[..equals]);
        if !is_token(name) {
            return Err(Fault { offset, reason: "the name of a field is no token" });
        }
        if fields.len() == crate::limits::LIST_ELEMENTS {
            return Err(Fault { offset, reason: "too many fields" });
        }
        let field = Field { name: element.slice_ref(name), value: text(&element, trim(&element[equals + 1..])) };
        if fields.iter().any(|other| other.name.eq_ignore_ascii_case(&field.name)) {
            return Err(Fault { offset, reason: "a field said twice" });
        }
        fields.push(field);
    }
    Ok(fields)
}

fn text(element: &Bytes, raw: &[u8]) -> Text {
    match unquote(raw) {
        std::borrow::Cow::Borrowed([]) => Text::default(),
        std::borrow::Cow::Borrowed(inner) => element.slice_ref(inner).into(),
        std::borrow::Cow::Owned(inner) => inner.into(),
    }
}

/// Appends fields with commas between them.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn digest(out: &'a mut Vec<u8>) -> Writer<'a> {
        out.extend_from_slice(b"Digest ");
        Writer { out, first: true }
    }

    pub(super) fn list(out: &'a mut Vec<u8>) -> Writer<'a> {
        Writer { out, first: true }
    }

    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.extend_from_slice(b", ");
        }
        self.first = false;
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'=');
    }

    pub(super) fn quoted(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        write_quoted(value, self.out);
    }

    pub(super) fn bare(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.out.extend_from_slice(value);
    }

    pub(super) fn quoted_if(&mut self, name: &str, value: Option<&Text>) {
        if let Some(value) = value {
            self.quoted(name, value);
        }
    }

    pub(super) fn bare_if(&mut self, name: &str, value: Option<&Text>) {
        if let Some(value) = value {
            self.bare(name, value);
        }
    }
}
