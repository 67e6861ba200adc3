//! Writes the messages the endpoint makes: one pass into one buffer that is used again for every message.

use std::net::SocketAddr;

use bytes::Bytes;

use super::client::write_branch;
use super::quick::write_ip;
use super::random::write_hex;
use super::{Body, Config};
use crate::header::NameAddr;
use crate::message::token::write_number;
use crate::message::{HeaderName, Text};
use crate::{Flow, Headers, Message, Method, Reached, Request, Response, StatusCode, Transport, Uri};

/// The buffer, and the lines that are always the same.
pub(super) struct Writer {
    out: Vec<u8>,
    user_agent: Bytes,
    server: Bytes,
    abilities: Bytes,
    reached: Reached,
    /// The last Contact made of a flow: most flows end in the same socket of ours.
    contact: Option<(Transport, SocketAddr, Uri)>,
}

/// One side of a dialog in From or To: the address, and its tag if it has one yet.
pub(super) type Party<'a> = (&'a NameAddr, Option<&'a Text>);

/// Everything in a request of ours.
pub(super) struct RequestParts<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) flow: &'a Flow,
    pub(super) branch: u64,
    pub(super) max_forwards: u8,
    pub(super) route: &'a [NameAddr],
    pub(super) from: Party<'a>,
    pub(super) to: Party<'a>,
    pub(super) call_id: &'a [u8],
    pub(super) cseq: u32,
    pub(super) contact: Option<&'a Uri>,
    pub(super) headers: &'a Headers,
    pub(super) body: Option<&'a Body>,
}

/// What a reply copies from its request (RFC 3261 §8.2.6.2), written once when the request comes.
#[derive(Debug, Clone, Default)]
pub(super) struct ReplyHead {
    lines: Bytes,
    to_end: usize,
    /// The To tag to add; `None` where the request had one.
    tag: Option<u64>,
}

/// The rest of a reply.
#[derive(Default)]
pub(super) struct ReplyParts<'a> {
    pub(super) status: u16,
    pub(super) reason: Option<&'a str>,
    pub(super) contact: Option<&'a Uri>,
    /// Header lines written before: Record-Route.
    pub(super) lines: &'a [u8],
    /// The number of a reliable provisional reply (RFC 3262).
    pub(super) rseq: Option<u32>,
    /// Whether to say what we understand (Allow, Supported).
    pub(super) abilities: bool,
    pub(super) headers: Option<&'a Headers>,
    pub(super) body: Option<&'a Body>,
}

impl Writer {
    pub(super) fn new(config: &Config) -> Writer {
        let line = |name: &[u8], value: &[u8]| -> Bytes {
            if value.is_empty() {
                return Bytes::new();
            }
            let clean = value.iter().map(|&b| if matches!(b, b'\r' | b'\n') { b' ' } else { b }).collect::<Vec<_>>();
            [name, b": ", &clean, b"\r\n"].concat().into()
        };
        let allow = config.allow.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let allow = line(b"Allow", allow.as_bytes());
        let supported = line(b"Supported", config.supported.join(", ").as_bytes());
        Writer {
            out: Vec::with_capacity(2048),
            user_agent: line(b"User-Agent", &config.user_agent),
            server: line(b"Server", &config.user_agent),
            abilities: [allow, supported].concat().into(),
            reached: Reached::everywhere(config.advertise),
            contact: None,
        }
    }

    /// The Contact of a user who gave none: where the peer of the flow reaches us.
    pub(super) fn own_contact(&mut self, flow: &Flow) -> Uri {
        let reached = self.reached.at(flow);
        match &self.contact {
            Some((transport, known, uri)) if (*transport, *known) == (flow.transport, reached) => uri.clone(),
            _ => {
                let uri = contact_of(flow.transport, reached);
                self.contact = Some((flow.transport, reached, uri.clone()));
                uri
            }
        }
    }

    pub(super) fn reached(&self) -> &Reached {
        &self.reached
    }

    pub(super) fn set_reached(&mut self, reached: Reached) -> Reached {
        std::mem::replace(&mut self.reached, reached)
    }

    /// A request of ours.
    pub(super) fn request(&mut self, parts: &RequestParts<'_>) -> Bytes {
        self.begin_request(parts.method, parts.uri);
        self.via(parts.flow, parts.branch);
        self.number(b"Max-Forwards: ", u64::from(parts.max_forwards));
        for hop in parts.route {
            self.with(b"Route: ", |out| hop.write(out));
        }
        self.with(b"From: ", |out| write_party(parts.from, out));
        self.with(b"To: ", |out| write_party(parts.to, out));
        self.with(b"Call-ID: ", |out| out.extend_from_slice(parts.call_id));
        self.cseq(parts.cseq, parts.method);
        if let Some(contact) = parts.contact.filter(|_| !parts.headers.contains(&HeaderName::Contact)) {
            self.contact(contact);
        }
        self.line(Line::UserAgent);
        if parts.method == &Method::Invite {
            self.abilities(Some(parts.headers));
        }
        self.extras(parts.headers);
        self.finish(parts.body)
    }

    /// The ACK to a refusal of an INVITE of ours (RFC 3261 §17.1.1.3).
    pub(super) fn refusal_ack(&mut self, invite: &Bytes, response: &Response) -> Bytes {
        let to = response.headers.get(&HeaderName::To).map_or(&b""[..], |to| to);
        match Message::parse(invite) {
            Ok(Message::Request(invite)) => self.beside_invite(&Method::Ack, &invite, (to, &Headers::new())),
            // Unreachable: what we wrote can be read.
            _ => Bytes::new(),
        }
    }

    /// The ACK to a refusal (RFC 3261 §17.1.1.3), or the CANCEL (§9.1), of an INVITE of ours: the same hop, with the `To` given.
    pub(super) fn beside_invite(&mut self, method: &Method, invite: &Request, (to, extra): (&[u8], &Headers)) -> Bytes {
        self.begin_request(method, &invite.uri);
        if let Some(via) = invite.headers.get(&HeaderName::Via) {
            self.with(b"Via: ", |out| out.extend_from_slice(via));
        }
        self.number(b"Max-Forwards: ", 70);
        for name in [HeaderName::Route, HeaderName::From, HeaderName::CallId] {
            for value in invite.headers.get_all(&name) {
                self.raw(&name, value);
            }
        }
        self.with(b"To: ", |out| out.extend_from_slice(to));
        let cseq = invite.headers.get(&HeaderName::CSeq).map_or(&b"1"[..], |cseq| cseq);
        let digits = cseq.iter().take_while(|b| b.is_ascii_digit()).count();
        self.with(b"CSeq: ", |out| {
            out.extend_from_slice(&cseq[..digits]);
            out.push(b' ');
            out.extend_from_slice(method.as_str().as_bytes());
        });
        self.line(Line::UserAgent);
        self.extras(extra);
        self.finish(None)
    }

    /// What replies to this request will begin with; a To tag made of `tag` is added unless the request has one.
    pub(super) fn reply_head(&mut self, request: &Request, tag: Option<u64>) -> ReplyHead {
        self.out.clear();
        for via in request.headers.get_all(&HeaderName::Via) {
            self.raw(&HeaderName::Via, via);
        }
        for name in [HeaderName::From, HeaderName::To] {
            if let Some(value) = request.headers.get(&name) {
                self.raw(&name, value);
            }
        }
        let to_end = self.out.len().saturating_sub(2);
        for name in [HeaderName::CallId, HeaderName::CSeq, HeaderName::Timestamp] {
            if let Some(value) = request.headers.get(&name) {
                self.raw(&name, value);
            }
        }
        let has_to = request.headers.contains(&HeaderName::To);
        ReplyHead { lines: Bytes::copy_from_slice(&self.out), to_end, tag: tag.filter(|_| has_to) }
    }

    /// The Record-Route lines of a request, for the replies that make a dialog.
    pub(super) fn record_route(&mut self, request: &Request) -> Bytes {
        self.out.clear();
        for value in request.headers.get_all(&HeaderName::RecordRoute) {
            self.raw(&HeaderName::RecordRoute, value);
        }
        Bytes::copy_from_slice(&self.out)
    }

    /// A reply. `100` gets no To tag.
    pub(super) fn reply(&mut self, head: &ReplyHead, parts: &ReplyParts<'_>) -> Bytes {
        self.out.clear();
        self.out.extend_from_slice(b"SIP/2.0 ");
        write_number(&mut self.out, u64::from(parts.status));
        self.out.push(b' ');
        let reason = parts.reason.unwrap_or_else(|| StatusCode(parts.status).default_reason());
        self.out.extend(reason.bytes().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { b }));
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(&head.lines[..head.to_end]);
        if let Some(tag) = head.tag.filter(|_| parts.status > 100) {
            self.out.extend_from_slice(b";tag=");
            write_hex(tag, &mut self.out);
        }
        self.out.extend_from_slice(&head.lines[head.to_end..]);
        self.out.extend_from_slice(parts.lines);
        if let Some(contact) = parts.contact {
            self.contact(contact);
        }
        if let Some(rseq) = parts.rseq {
            self.out.extend_from_slice(b"Require: 100rel\r\n");
            self.number(b"RSeq: ", u64::from(rseq));
        }
        self.line(Line::Server);
        if parts.abilities {
            self.abilities(parts.headers);
        }
        if let Some(headers) = parts.headers {
            self.extras(headers);
        }
        self.finish(parts.body)
    }

    fn begin_request(&mut self, method: &Method, uri: &Uri) {
        self.out.clear();
        self.out.extend_from_slice(method.as_str().as_bytes());
        self.out.push(b' ');
        uri.write(&mut self.out);
        self.out.extend_from_slice(b" SIP/2.0\r\n");
    }

    fn with(&mut self, name: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(name);
        write(&mut self.out);
        self.out.extend_from_slice(b"\r\n");
    }

    fn raw(&mut self, name: &HeaderName, value: &[u8]) {
        self.out.extend_from_slice(name.as_bytes());
        self.with(b": ", |out| out.extend_from_slice(value));
    }

    fn number(&mut self, name: &[u8], value: u64) {
        self.with(name, |out| write_number(out, value));
    }

    fn via(&mut self, flow: &Flow, branch: u64) {
        self.out.extend_from_slice(b"Via: SIP/2.0/");
        self.out.extend_from_slice(flow.transport.name().as_bytes());
        self.out.push(b' ');
        write_address(flow.local, &mut self.out);
        self.out.extend_from_slice(b";branch=");
        write_branch(branch, &mut self.out);
        self.out.extend_from_slice(b";rport\r\n");
    }

    fn cseq(&mut self, number: u32, method: &Method) {
        self.with(b"CSeq: ", |out| {
            write_number(out, u64::from(number));
            out.push(b' ');
            out.extend_from_slice(method.as_str().as_bytes());
        });
    }

    fn contact(&mut self, uri: &Uri) {
        self.with(b"Contact: <", |out| {
            uri.write(out);
            out.push(b'>');
        });
    }

    fn line(&mut self, line: Line) {
        self.out.extend_from_slice(match line {
            Line::UserAgent => &self.user_agent,
            Line::Server => &self.server,
        });
    }

    /// Allow and Supported, unless the user gives his own.
    fn abilities(&mut self, given: Option<&Headers>) {
        let has = |name| given.is_some_and(|headers| headers.contains(name));
        if !has(&HeaderName::Allow) && !has(&HeaderName::Supported) {
            self.out.extend_from_slice(&self.abilities);
        }
    }

    fn extras(&mut self, headers: &Headers) {
        for header in headers.iter().filter(|header| !is_ours(&header.name)) {
            self.raw(&header.name, &header.value);
        }
    }

    fn finish(&mut self, body: Option<&Body>) -> Bytes {
        if let Some(body) = body {
            self.raw(&HeaderName::ContentType, &body.content_type);
        }
        let content = body.map_or(&b""[..], |body| &body.content);
        self.number(b"Content-Length: ", content.len() as u64);
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(content);
        let message = Bytes::copy_from_slice(&self.out);
        if self.out.capacity() > 65_536 {
            self.out = Vec::with_capacity(2048);
        }
        message
    }
}

enum Line {
    UserAgent,
    Server,
}

/// The headers the user cannot give: the endpoint writes them itself.
fn is_ours(name: &HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Via
            | HeaderName::From
            | HeaderName::To
            | HeaderName::CallId
            | HeaderName::CSeq
            | HeaderName::MaxForwards
            | HeaderName::Route
            | HeaderName::RecordRoute
            | HeaderName::RSeq
            | HeaderName::ContentType
            | HeaderName::ContentLength
    )
}

fn write_party((address, tag): Party<'_>, out: &mut Vec<u8>) {
    address.write(out);
    if let Some(tag) = tag {
        out.extend_from_slice(b";tag=");
        out.extend_from_slice(tag);
    }
}

/// `192.0.2.1:5060`, `[2001:db8::1]:5060`.
fn write_address(address: SocketAddr, out: &mut Vec<u8>) {
    let brackets = address.is_ipv6();
    if brackets {
        out.push(b'[');
    }
    write_ip(address.ip(), out);
    if brackets {
        out.push(b']');
    }
    out.push(b':');
    write_number(out, u64::from(address.port()));
}

/// An address of ours as a URI.
pub(super) fn contact_of(transport: Transport, address: SocketAddr) -> Uri {
    let mut text = b"sip:".to_vec();
    write_address(address, &mut text);
    text.extend_from_slice(match transport {
        Transport::Udp => b"",
        Transport::Tcp => b";transport=tcp",
        Transport::Tls => b";transport=tls",
        Transport::Ws | Transport::Wss => b";transport=ws",
    });
    Uri::from_bytes(text.into()).expect("an address and a port make a readable URI")
}
