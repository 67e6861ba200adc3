//! Writing messages: what was read and not changed comes out byte for byte; what was made here in the usual form.
//!
//! Content-Length is always right afterwards: one that differs from the body is replaced where it stands, and a message that was
//! made here gets one at the end of its headers. A message that came without one (UDP) stays without, unless its body was changed.

use bytes::Bytes;

use super::{
    Message, Method, Request, Response, StatusCode,
    headers::{HeaderName, Headers},
    token::{number, write_number},
};
use crate::Uri;

impl Message {
    /// Appends the message as it goes on the wire.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Message::Request(request) => request.write(out),
            Message::Response(response) => response.write(out),
        }
    }

    /// The message as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Message::Request(request) => request.to_bytes(),
            Message::Response(response) => response.to_bytes(),
        }
    }
}

impl Request {
    /// Appends the request as it goes on the wire.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        request_line(&self.method, &self.uri, out);
        write_rest(start, &self.headers, &self.body, out);
    }

    /// The request as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(size(&self.headers, &self.body));
        self.write(&mut out);
        out.into()
    }
}

impl Response {
    /// Appends the response as it goes on the wire.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        status_line(self.status, &self.reason, out);
        write_rest(start, &self.headers, &self.body, out);
    }

    /// The response as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(size(&self.headers, &self.body));
        self.write(&mut out);
        out.into()
    }
}

pub(super) fn request_line(method: &Method, uri: &Uri, out: &mut Vec<u8>) {
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(uri.as_bytes());
    out.extend_from_slice(b" SIP/2.0\r\n");
}

pub(super) fn status_line(status: StatusCode, reason: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"SIP/2.0 ");
    write_number(out, u64::from(status.0));
    out.push(b' ');
    out.extend(reason.iter().map(|&b| if matches!(b, b'\r' | b'\n') { b' ' } else { b }));
    out.extend_from_slice(b"\r\n");
}

/// A guess at the length that is rarely too small, so that a message is one allocation.
fn size(headers: &Headers, body: &[u8]) -> usize {
    headers.iter().map(|header| header.name.as_bytes().len() + header.value.len() + 4).sum::<usize>() + body.len() + 160
}

fn write_rest(start: usize, headers: &Headers, body: &[u8], out: &mut Vec<u8>) {
    let mut end: &[u8] = b"\r\n";
    if let Some(irregular) = &headers.irregular {
        if out[start..] == irregular.usual_start_line {
            out.truncate(start);
            out.extend_from_slice(&irregular.start_line);
        }
        end = irregular.end;
    }
    let mut said = headers.came_with(body);
    for header in headers.iter() {
        if header.name == HeaderName::ContentLength {
            said = true;
            if number::<usize>(&header.value) != Some(body.len()) {
                content_length(body, out);
                continue;
            }
        }
        headers.write_header(header, out);
    }
    if !said {
        content_length(body, out);
    }
    out.extend_from_slice(end);
    out.extend_from_slice(body);
}

fn content_length(body: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"Content-Length: ");
    write_number(out, body.len() as u64);
    out.extend_from_slice(b"\r\n");
}
