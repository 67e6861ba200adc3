//! Reading a message from one datagram or one framed piece of a stream.
//!
//! Tolerated: line ends before the start line, a bare LF as line end, folded headers, spaces before the colon, white space at line ends,
//! several spaces in the start line, any case of the version, unknown methods, names and schemes, any bytes in values and bodies.
//! A body longer than Content-Length is cut, one that is shorter is an error (RFC 3261 §18.3); without Content-Length it is the rest.

use bytes::Bytes;
use memchr::memchr;

use super::{
    Message, Method, Request, Response, StatusCode,
    headers::{Header, HeaderName, Headers, Irregular, Span},
    token::{is_token, number, trim},
};
use crate::{Uri, limits};

/// Why a datagram is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParseErrorKind {
    /// Nothing but line ends, or nothing at all.
    #[error("empty")]
    Empty,
    /// Longer than [`limits::MESSAGE_BYTES`].
    #[error("message too long")]
    TooLong,
    /// The first line is neither a request line nor a status line.
    #[error("bad start line")]
    StartLine,
    /// The version is not SIP/2.0: to be answered with 505.
    #[error("version is not SIP/2.0")]
    Version,
    /// The method is no token.
    #[error("bad method")]
    Method,
    /// The Request-URI cannot be read.
    #[error("bad Request-URI")]
    Uri,
    /// The status code is not between 100 and 699.
    #[error("bad status code")]
    Status,
    /// A header line has no colon, or its name is no token.
    #[error("bad header line")]
    Header,
    /// More than [`limits::HEADERS`].
    #[error("too many headers")]
    TooManyHeaders,
    /// Longer than [`limits::HEADER_BYTES`].
    #[error("header too long")]
    HeaderTooLong,
    /// The message ends before the empty line that closes the headers.
    #[error("headers do not end")]
    Truncated,
    /// Content-Length is not a number, or said twice differently.
    #[error("bad Content-Length")]
    ContentLength,
    /// Content-Length is larger than what came.
    #[error("body shorter than Content-Length")]
    BodyTooShort,
}

/// A datagram that is not a message: why, where, and what of a request could be read, so that it can be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct ParseError {
    /// Why.
    pub kind: ParseErrorKind,
    /// Where, in bytes from the start of the datagram.
    pub offset: usize,
    /// The request with the headers that could be read, when the first line looked like one. Its URI may be no valid one.
    pub partial: Option<Box<Request>>,
}

impl Message {
    /// Reads one whole message. All parts are slices of `datagram`; only folded header values are copied.
    pub fn parse(datagram: &Bytes) -> Result<Message, ParseError> {
        parse(datagram)
    }
}

enum StartLine {
    Request(Method, Uri),
    Response(StatusCode, Bytes),
}

struct Fault {
    kind: ParseErrorKind,
    offset: usize,
}

fn fault<T>(kind: ParseErrorKind, offset: usize) -> Result<T, Fault> {
    Err(Fault { kind, offset })
}

fn parse(datagram: &Bytes) -> Result<Message, ParseError> {
    let plain = |fault: Fault| ParseError { kind: fault.kind, offset: fault.offset, partial: None };
    if datagram.len() > limits::MESSAGE_BYTES {
        return Err(plain(Fault { kind: ParseErrorKind::TooLong, offset: limits::MESSAGE_BYTES }));
    }
    let Some(start) = datagram.iter().position(|&b| b != b'\r' && b != b'\n') else {
        return Err(plain(Fault { kind: ParseErrorKind::Empty, offset: 0 }));
    };
    let (line_end, next) = line_at(datagram, start).unwrap_or((datagram.len(), datagram.len()));
    let (start_line, start_fault) = read_start_line(datagram, start, line_end).map_err(plain)?;

    let mut scan = Headerscan { datagram, at: next, list: Vec::with_capacity(16), end: b"\r\n" };
    let scanned = scan.run();
    let body_start = scan.at;
    let mut headers = Headers::parsed(std::mem::take(&mut scan.list), datagram.clone());
    let body = scanned.and_then(|()| read_body(datagram, body_start, &headers));
    let fault = start_fault.or(body.as_ref().err().map(|fault| Fault { ..*fault }));

    let raw = start..next;
    let regular = match &start_line {
        StartLine::Request(method, uri) => {
            raw.len() == method.as_str().len() + uri.as_bytes().len() + 11
                && datagram[raw.clone()].ends_with(b" SIP/2.0\r\n")
        }
        StartLine::Response(_, reason) => {
            raw.len() == reason.len() + 14
                && memchr(b'\r', reason).is_none()
                && datagram[raw.clone()].starts_with(b"SIP/2.0 ")
                && datagram[raw.clone()].ends_with(b"\r\n")
        }
    };
    if !regular || scan.end != b"\r\n" {
        let mut usual_start_line = Vec::new();
        match &start_line {
            StartLine::Request(method, uri) => super::write::request_line(method, uri, &mut usual_start_line),
            StartLine::Response(status, reason) => super::write::status_line(*status, reason, &mut usual_start_line),
        }
        let start_line = datagram.slice(raw);
        headers.irregular = Some(Box::new(Irregular { usual_start_line, start_line, end: scan.end }));
    }
    match (start_line, fault) {
        (StartLine::Request(method, uri), None) => {
            Ok(Message::Request(Request { method, uri, headers, body: body.unwrap_or_default() }))
        }
        (StartLine::Response(status, reason), None) => {
            Ok(Message::Response(Response { status, reason, headers, body: body.unwrap_or_default() }))
        }
        (StartLine::Request(method, uri), Some(Fault { kind, offset })) => {
            let request = Request { method, uri, headers, body: Bytes::new() };
            Err(ParseError { kind, offset, partial: Some(Box::new(request)) })
        }
        (StartLine::Response(..), Some(fault)) => Err(plain(fault)),
    }
}

/// The end of the line without its line end, and the start of the next one.
fn line_at(datagram: &[u8], start: usize) -> Option<(usize, usize)> {
    let newline = start + memchr(b'\n', &datagram[start..])?;
    let end = if newline > start && datagram[newline - 1] == b'\r' { newline - 1 } else { newline };
    Some((end, newline + 1))
}

/// A start line that can be answered although something is wrong with it comes with its fault.
fn read_start_line(datagram: &Bytes, start: usize, end: usize) -> Result<(StartLine, Option<Fault>), Fault> {
    let line = &datagram[start..end];
    if line.len() > limits::START_LINE_BYTES {
        return fault(ParseErrorKind::StartLine, start);
    }
    if line.len() > 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
        return read_status_line(datagram, start, end).map(|line| (line, None));
    }
    let Some(method_end) = line.iter().position(|&b| b == b' ') else {
        return fault(ParseErrorKind::StartLine, start);
    };
    let tail = trim(line);
    let Some(version_start) = tail.iter().rposition(|&b| b == b' ').map(|at| at + 1) else {
        return fault(ParseErrorKind::StartLine, start);
    };
    if version_start <= method_end {
        return fault(ParseErrorKind::StartLine, start + method_end);
    }
    let Some(method) = Method::parse(&line[..method_end]) else {
        return fault(ParseErrorKind::Method, start);
    };
    let version = &tail[version_start..];
    let uri_bytes = datagram.slice_ref(trim(&tail[method_end..version_start]));
    if version.len() < 4 || !version[..4].eq_ignore_ascii_case(b"SIP/") {
        return fault(ParseErrorKind::StartLine, start + version_start);
    }
    let wrong_version = !version.eq_ignore_ascii_case(b"SIP/2.0");
    let (uri, wrong_uri) = match Uri::from_bytes(uri_bytes.clone()) {
        Ok(uri) => (uri, None),
        Err(error) => (Uri::unreadable(uri_bytes), Some(start + method_end + 1 + error.offset)),
    };
    let fault = if wrong_version {
        Some(Fault { kind: ParseErrorKind::Version, offset: start + version_start })
    } else {
        wrong_uri.map(|offset| Fault { kind: ParseErrorKind::Uri, offset })
    };
    Ok((StartLine::Request(method, uri), fault))
}

fn read_status_line(datagram: &Bytes, start: usize, end: usize) -> Result<StartLine, Fault> {
    let line = &datagram[start..end];
    let version_end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
    if !line[..version_end].eq_ignore_ascii_case(b"SIP/2.0") {
        return fault(ParseErrorKind::Version, start);
    }
    let spaces = line[version_end..].iter().take_while(|&&b| b == b' ').count();
    let code_start = version_end + spaces;
    let code_end = line[code_start..].iter().position(|&b| b == b' ').map_or(line.len(), |at| code_start + at);
    let status = number::<u16>(&line[code_start..code_end]).filter(|code| (100..=699).contains(code));
    let Some(status) = status.filter(|_| code_end - code_start == 3) else {
        return fault(ParseErrorKind::Status, start + code_start);
    };
    let reason = datagram.slice(start + (code_end + 1).min(line.len())..end);
    Ok(StartLine::Response(StatusCode(status), reason))
}

struct Headerscan<'a> {
    datagram: &'a Bytes,
    at: usize,
    list: Vec<Header>,
    end: &'static [u8],
}

impl Headerscan<'_> {
    /// Reads headers up to and with the empty line. What was read before a fault stays in the list.
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            let Some((end, next)) = line_at(self.datagram, self.at) else {
                return fault(ParseErrorKind::Truncated, self.datagram.len());
            };
            if end == self.at {
                self.end = if next - end == 2 { b"\r\n" } else { b"\n" };
                self.at = next;
                return Ok(());
            }
            if self.list.len() == limits::HEADERS {
                return fault(ParseErrorKind::TooManyHeaders, self.at);
            }
            let folded = matches!(self.datagram.get(next), Some(b' ' | b'\t'));
            let (end, next) = if folded { self.fold_end(end, next) } else { (end, next) };
            self.read_header(end, next, folded)?;
            self.at = next;
        }
    }

    /// The end of the last line that continues the one ending at `end`.
    fn fold_end(&self, mut end: usize, mut next: usize) -> (usize, usize) {
        while matches!(self.datagram.get(next), Some(b' ' | b'\t')) {
            match line_at(self.datagram, next) {
                Some(line) => (end, next) = line,
                None => return (self.datagram.len(), self.datagram.len()),
            }
        }
        (end, next)
    }

    fn read_header(&mut self, end: usize, next: usize, folded: bool) -> Result<(), Fault> {
        let start = self.at;
        let line = &self.datagram[start..end];
        if line.len() > limits::HEADER_BYTES {
            return fault(ParseErrorKind::HeaderTooLong, start);
        }
        let Some(colon) = memchr(b':', line) else {
            return fault(ParseErrorKind::Header, start);
        };
        let spelled = &line[..colon];
        let name = match HeaderName::known(spelled) {
            Some(name) => name,
            None => {
                let spelled = spelled.trim_ascii_end();
                if !is_token(spelled) {
                    return fault(ParseErrorKind::Header, start);
                }
                HeaderName::from_bytes(&self.datagram.slice_ref(spelled))
            }
        };
        let value = trim(&line[colon + 1..]);
        let value = if folded { unfold(value) } else { self.datagram.slice_ref(value) };
        self.list.push(Header { name, value, span: Span { start: start as u32, end: next as u32 } });
        Ok(())
    }
}

/// A fold, its line end and the white space around it, is one space (RFC 3261 §7.3.1).
fn unfold(value: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(value.len());
    for line in value.split(|&b| b == b'\n') {
        let line = trim(line);
        if !out.is_empty() && !line.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(line);
    }
    out.into()
}

fn read_body(datagram: &Bytes, start: usize, headers: &Headers) -> Result<Bytes, Fault> {
    let available = datagram.len() - start;
    let mut length = None;
    for value in headers.get_all(&HeaderName::ContentLength) {
        let Some(said) = number::<usize>(value) else {
            return fault(ParseErrorKind::ContentLength, start);
        };
        if length.is_some_and(|length| length != said) {
            return fault(ParseErrorKind::ContentLength, start);
        }
        length = Some(said);
    }
    let length = length.unwrap_or(available);
    if length > available {
        return fault(ParseErrorKind::BodyTooShort, datagram.len());
    }
    Ok(datagram.slice(start..start + length))
}
