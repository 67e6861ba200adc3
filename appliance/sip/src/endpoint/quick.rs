//! Short ways to the two things the endpoint needs of every message: the tags, and the topmost Via with where the request came from.
//!
//! From and To are read here only as far as the tag: whether their URIs are well formed is left to who uses them. That, and
//! splicing the Via instead of writing it anew, is a third of the cost of a request.

use std::net::IpAddr;

use bytes::Bytes;

use crate::header::list::elements;
use crate::header::{HeaderError, Shape, TypedHeader, Via};
use crate::message::token::{trim, write_number};
use crate::message::{HeaderName, Text};
use crate::{Flow, Headers};

/// The tag of From or To; `None` where there is none.
pub(super) fn tag(headers: &Headers, name: HeaderName) -> Result<Option<Text>, HeaderError> {
    let Some(value) = headers.get(&name) else { return Err(HeaderError::Missing(name)) };
    let Some(start) = params_start(value) else {
        let reason = "quotes or angle brackets not closed, or no address";
        return Err(HeaderError::Malformed { name, offset: 0, reason });
    };
    for (at, param) in Pieces::of(value, start) {
        let Some(equals) = param.iter().position(|&b| b == b'=') else { continue };
        if trim(&param[..equals]).eq_ignore_ascii_case(b"tag") {
            let tag = trim(&param[equals + 1..]);
            if tag.is_empty() || tag.iter().any(|&b| matches!(b, b' ' | b'"' | b',' | b'<' | b'>')) {
                return Err(HeaderError::Malformed { name, offset: at, reason: "bad tag" });
            }
            return Ok(Some(value.slice_ref(tag).into()));
        }
    }
    Ok(None)
}

/// Where the parameters of the header begin: behind the address.
fn params_start(value: &[u8]) -> Option<usize> {
    let name_end = match value.first()? {
        b'"' => closing_quote(value, 0)? + 1,
        _ => 0,
    };
    match value[name_end..].iter().position(|&b| b == b'<') {
        Some(open) => value[name_end + open..].iter().position(|&b| b == b'>').map(|close| name_end + open + close + 1),
        None if name_end > 0 => None,
        None => Some(value.iter().position(|&b| b == b';').unwrap_or(value.len())).filter(|&end| end > 0),
    }
}

fn closing_quote(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'"' => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// What stands between semicolons, quoted strings whole.
struct Pieces<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a [u8], start: usize) -> Pieces<'a> {
        Pieces { text, at: start }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let start = self.at;
        if start >= self.text.len() {
            return None;
        }
        let mut end = start;
        while end < self.text.len() && self.text[end] != b';' {
            end =
                if self.text[end] == b'"' { closing_quote(self.text, end).unwrap_or(self.text.len() - 1) } else { end }
                    + 1;
        }
        self.at = end + 1;
        Some((start, &self.text[start..end]))
    }
}

/// A line of Via, as it is to stand there.
struct ViaLine(Vec<u8>);

impl TypedHeader for ViaLine {
    const NAME: HeaderName = HeaderName::Via;
    const SHAPE: Shape = Shape::Single;

    fn parse(value: &Bytes) -> Result<Self, HeaderError> {
        Ok(ViaLine(value.to_vec()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

/// Notes in the topmost Via where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4), in place of what it may claim itself. The
/// reply goes back along the flow in any case.
pub(super) fn complete_via(headers: &mut Headers, via: &Via, flow: &Flow) {
    let seen = flow.remote.ip();
    if via.rport.is_none() && via.received.is_none() && via.host.ip() == Some(seen) {
        return;
    }
    let Some(line) = headers.get(&HeaderName::Via) else { return };
    let Some(first) = elements(line).next() else { return };
    let mut out = Vec::with_capacity(line.len() + 64);
    for (at, piece) in Pieces::of(&first, 0) {
        let name = piece.split(|&b| b == b'=').next().map(trim).unwrap_or_default();
        if at > 0 && (name.eq_ignore_ascii_case(b"rport") || name.eq_ignore_ascii_case(b"received")) {
            continue;
        }
        if at > 0 {
            out.push(b';');
        }
        out.extend_from_slice(piece);
    }
    if via.rport.is_some() || via.host.ip() != Some(seen) {
        out.extend_from_slice(b";received=");
        write_ip(seen, &mut out);
    }
    if via.rport.is_some() {
        out.extend_from_slice(b";rport=");
        write_number(&mut out, u64::from(flow.remote.port()));
    }
    let end = first.as_ptr() as usize - line.as_ptr() as usize + first.len();
    out.extend_from_slice(&line[end..]);
    headers.replace_first(&ViaLine(out));
}

/// An address without going through a formatter where it is IPv4. IPv6 has no brackets.
pub(super) fn write_ip(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => {
            for (place, octet) in ip.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                write_number(out, u64::from(octet));
            }
        }
        IpAddr::V6(ip) => {
            use std::io::Write;
            write!(out, "{ip}").expect("writing to a vector does not fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{From, Rport};
    use crate::transport::Transport;

    fn headers(name: HeaderName, value: &'static str) -> Headers {
        let mut headers = Headers::new();
        headers.push(name, Bytes::from_static(value.as_bytes()));
        headers
    }

    #[test]
    fn the_tag_is_the_one_the_typed_header_has() {
        for value in [
            "<sip:a@b>;tag=1",
            "sip:a@b;tag=1",
            "sip:a@b",
            "<sip:a@b;tag=no>",
            "\"a;tag=no <x>\" <sip:a@b> ; x=\";tag=no\" ; TAG = 1 ;y",
            "A B <sip:a@b;x?y>;user=phone;tag=4-5.6~",
            "\"\\\"\" <sip:a@b>;tag=z",
            "<tel:+1>;tag=a;tag=b",
        ] {
            let headers = headers(HeaderName::From, value);
            let typed: From = headers.typed().expect("the value is well formed");
            assert_eq!(tag(&headers, HeaderName::From).expect("the value is well formed"), typed.tag, "{value}");
        }
    }

    #[test]
    fn a_broken_address_or_tag_is_an_error() {
        for value in
            ["", "\"a <sip:a@b>", "<sip:a@b", "\"a\" sip:a@b", "<sip:a@b>;tag=", "<sip:a@b>;tag=\"x\"", ";tag=1"]
        {
            assert!(tag(&headers(HeaderName::To, value), HeaderName::To).is_err(), "{value}");
        }
        assert!(matches!(tag(&Headers::new(), HeaderName::To), Err(HeaderError::Missing(_))));
    }

    fn completed(value: &'static str) -> Headers {
        let mut headers = headers(HeaderName::Via, value);
        headers.push(HeaderName::Via, "SIP/2.0/UDP below;rport");
        let via: Via = headers.typed().expect("the Via is well formed");
        let address = |text: &str| text.parse().expect("the address is well formed");
        let (local, remote) = (address("192.0.2.1:5060"), address("198.51.100.7:5070"));
        complete_via(&mut headers, &via, &Flow { transport: Transport::Udp, local, remote, connection: None });
        assert_eq!(headers.len(), 2);
        headers
    }

    #[test]
    fn via_gets_what_is_asked_and_loses_what_is_forged() {
        for (value, wanted) in [
            ("SIP/2.0/UDP 198.51.100.7;branch=z", "SIP/2.0/UDP 198.51.100.7;branch=z"),
            ("SIP/2.0/UDP a.example;branch=z", "SIP/2.0/UDP a.example;branch=z;received=198.51.100.7"),
            (
                "SIP/2.0/UDP 198.51.100.7;rport;branch=z",
                "SIP/2.0/UDP 198.51.100.7;branch=z;received=198.51.100.7;rport=5070",
            ),
            (
                "SIP/2.0/UDP 198.51.100.7;RPORT=1;branch=z;received=::1",
                "SIP/2.0/UDP 198.51.100.7;branch=z;received=198.51.100.7;rport=5070",
            ),
            ("SIP/2.0/UDP 198.51.100.7;received=1.2.3.4", "SIP/2.0/UDP 198.51.100.7"),
            (
                "SIP/2.0/UDP a;x=\";rport, y\";rport , SIP/2.0/UDP b;rport",
                "SIP/2.0/UDP a;x=\";rport, y\";received=198.51.100.7;rport=5070 , SIP/2.0/UDP b;rport",
            ),
        ] {
            assert_eq!(completed(value).get_str(&HeaderName::Via), Some(wanted));
        }
        let via: Via =
            completed("SIP/2.0/UDP [2001:db8::9]:5061;branch=z9hG4bKa;rport").typed().expect("still well formed");
        assert_eq!(via.rport, Some(Rport::Port(5070)));
        assert_eq!(via.received.map(|ip| ip.to_string()).as_deref(), Some("198.51.100.7"));
    }
}
