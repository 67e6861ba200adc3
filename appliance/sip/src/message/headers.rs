//! The headers of a message in their order, each a slice of the datagram it came in, written again as it was spelled.

use std::fmt;

use bytes::Bytes;

use crate::header::{HeaderError, Shape, TypedHeader, list::elements};

pub use super::name::HeaderName;

/// Where in its message a header stood, line ends and folds included. Empty for a header that was made here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// One header: its name and its value, unfolded and without white space at the ends.
#[derive(Clone)]
pub struct Header {
    /// What it is.
    pub name: HeaderName,
    /// What it says. Nearly always text.
    pub value: Bytes,
    pub(crate) span: Span,
}

impl PartialEq for Header {
    fn eq(&self, other: &Header) -> bool {
        self.name == other.name && self.value == other.value
    }
}

impl Eq for Header {}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, String::from_utf8_lossy(&self.value))
    }
}

/// What a start line or the end of the headers looked like when it was not the usual form.
#[derive(Debug, Clone)]
pub(crate) struct Irregular {
    /// What we would have written.
    pub(crate) usual_start_line: Vec<u8>,
    /// What came instead, line end included.
    pub(crate) start_line: Bytes,
    /// The line end that closes the headers.
    pub(crate) end: &'static [u8],
}

/// Headers in their order. Equal when names and values are, however they were spelled.
#[derive(Clone, Default)]
pub struct Headers {
    list: Vec<Header>,
    buffer: Bytes,
    pub(crate) irregular: Option<Box<Irregular>>,
}

impl Headers {
    /// No headers.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// No headers, with room for `capacity`.
    pub fn with_capacity(capacity: usize) -> Headers {
        Headers { list: Vec::with_capacity(capacity), ..Headers::default() }
    }

    pub(crate) fn parsed(list: Vec<Header>, buffer: Bytes) -> Headers {
        Headers { list, buffer, irregular: None }
    }

    /// Whether the headers were read from the network and `body` is the very one that came with them.
    pub(crate) fn came_with(&self, body: &[u8]) -> bool {
        !self.buffer.is_empty() && (body.is_empty() || self.buffer.as_ptr_range().contains(&body.as_ptr()))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.list.iter()
    }

    /// Whether there is one of this name.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// The first raw value of this name.
    pub fn get(&self, name: &HeaderName) -> Option<&Bytes> {
        self.list.iter().find(|header| header.name == *name).map(|header| &header.value)
    }

    /// The first value of this name as text; `None` when it is missing or not UTF-8.
    pub fn get_str(&self, name: &HeaderName) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// All raw values of this name, in their order.
    pub fn get_all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a Bytes> {
        self.list.iter().filter(move |header| header.name == *name).map(|header| &header.value)
    }

    /// Appends a header. Line breaks in the value become spaces: nobody smuggles in a header of his own.
    pub fn push(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        self.list.push(Header { name, value: one_line(value.into()), span: Span::default() });
    }

    /// Puts a header before all others.
    pub fn insert_first(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        self.list.insert(0, Header { name, value: one_line(value.into()), span: Span::default() });
    }

    /// Appends copies of all headers of `other`.
    pub fn extend(&mut self, other: &Headers) {
        self.list.extend(other.list.iter().map(|header| Header { span: Span::default(), ..header.clone() }));
    }

    /// Appends copies of all headers of this name.
    pub fn copy_all(&mut self, name: &HeaderName, other: &Headers) {
        for header in other.list.iter().filter(|header| header.name == *name) {
            self.list.push(Header { span: Span::default(), ..header.clone() });
        }
    }

    /// Removes all of this name and says how many there were.
    pub fn remove(&mut self, name: &HeaderName) -> usize {
        let before = self.list.len();
        self.list.retain(|header| header.name != *name);
        before - self.list.len()
    }

    /// Replaces all of this name by one value, at the place of the first; appends when there is none.
    pub fn set_raw(&mut self, name: HeaderName, value: impl Into<Bytes>) {
        let Some(place) = self.list.iter().position(|header| header.name == name) else {
            return self.push(name, value);
        };
        let mut index = 0;
        self.list.retain(|header| {
            index += 1;
            index - 1 <= place || header.name != name
        });
        self.list[place] = Header { name, value: one_line(value.into()), span: Span::default() };
    }

    /// The header as its type: of several the first, of a comma list its first element, of token sets (Supported, Allow, …) all lines together.
    /// A header there may be only one of (From, CSeq, …) is an error when there are several with different values.
    pub fn typed<H: TypedHeader>(&self) -> Result<H, HeaderError> {
        self.typed_opt()?.ok_or(HeaderError::Missing(H::NAME))
    }

    /// Like [`Headers::typed`], with `None` for a header that is not there.
    pub fn typed_opt<H: TypedHeader>(&self) -> Result<Option<H>, HeaderError> {
        let name = H::NAME;
        let Some(first) = self.get(&name) else { return Ok(None) };
        match H::SHAPE {
            Shape::Single if self.get_all(&name).any(|other| other != first) => {
                Err(HeaderError::malformed(H::NAME, 0, "said twice, differently"))
            }
            Shape::Single | Shape::Repeated => H::parse(first).map(Some),
            Shape::List => self.get_all(&name).flat_map(elements).next().map(|element| H::parse(&element)).transpose(),
            Shape::Merged => {
                let lines = self.get_all(&name).count();
                if lines == 1 {
                    return H::parse(first).map(Some);
                }
                let merged = self.get_all(&name).fold(Vec::new(), |mut merged, line| {
                    if !merged.is_empty() {
                        merged.extend_from_slice(b", ");
                    }
                    merged.extend_from_slice(line);
                    merged
                });
                H::parse(&merged.into()).map(Some)
            }
        }
    }

    /// All elements of all headers of the name, in their order, comma lists taken apart.
    pub fn list<H: TypedHeader>(&self) -> Result<Vec<H>, HeaderError> {
        let name = H::NAME;
        let mut list = Vec::new();
        for value in self.get_all(&name) {
            if H::SHAPE != Shape::List {
                list.push(H::parse(value)?);
                continue;
            }
            for element in elements(value) {
                if list.len() == crate::limits::LIST_ELEMENTS {
                    return Err(HeaderError::malformed(H::NAME, 0, "too many elements"));
                }
                list.push(H::parse(&element)?);
            }
        }
        Ok(list)
    }

    /// Replaces all headers of the name by this one, at the place of the first.
    pub fn set<H: TypedHeader>(&mut self, header: &H) {
        self.set_raw(H::NAME, written(header));
    }

    /// Appends the header.
    pub fn add<H: TypedHeader>(&mut self, header: &H) {
        self.push(H::NAME, written(header));
    }

    /// Puts the header before all others.
    pub fn add_first<H: TypedHeader>(&mut self, header: &H) {
        self.insert_first(H::NAME, written(header));
    }

    /// Replaces the first element of a list header (the topmost Via) and keeps what follows it.
    pub fn replace_first<H: TypedHeader>(&mut self, header: &H) {
        let name = H::NAME;
        let Some(place) = self.list.iter().position(|header| header.name == name) else {
            return self.add_first(header);
        };
        let mut value = Vec::new();
        header.write(&mut value);
        if H::SHAPE == Shape::List {
            for element in elements(&self.list[place].value).skip(1) {
                value.extend_from_slice(b", ");
                value.extend_from_slice(&element);
            }
        }
        self.list[place] = Header { name, value: one_line(value.into()), span: Span::default() };
    }

    /// Appends all headers, each with its line end, as they came or in the usual form.
    pub fn write(&self, out: &mut Vec<u8>) {
        for header in &self.list {
            self.write_header(header, out);
        }
    }

    pub(crate) fn write_header(&self, header: &Header, out: &mut Vec<u8>) {
        if !header.span.is_empty()
            && let Some(raw) = self.buffer.get(header.span.start as usize..header.span.end as usize)
        {
            return out.extend_from_slice(raw);
        }
        out.extend_from_slice(header.name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(&header.value);
        out.extend_from_slice(b"\r\n");
    }
}

fn written<H: TypedHeader>(header: &H) -> Vec<u8> {
    let mut value = Vec::with_capacity(64);
    header.write(&mut value);
    value
}

fn one_line(value: Bytes) -> Bytes {
    if !value.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        return value;
    }
    value.iter().map(|&b| if matches!(b, b'\r' | b'\n') { b' ' } else { b }).collect::<Vec<_>>().into()
}

impl PartialEq for Headers {
    fn eq(&self, other: &Headers) -> bool {
        self.list == other.list
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}
