//! SIP as the test phones read and write it: by `rsip`, so that our own parser is never its own judge.

use rsip::headers::header::Tokenizer;
use rsip::message::{HasHeaders, HeadersExt};
use rsip::prelude::{ToTypedHeader, UntypedHeader};

/// A message as a phone sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The first line.
    pub start: Start,
    /// Headers in their order, with the names as they were spelled.
    pub headers: Vec<(String, String)>,
    /// The body as text: phones carry nothing else.
    pub body: String,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Method and Request-URI.
    Request(String, String),
    /// Status and reason phrase.
    Response(u16, String),
}

impl Message {
    /// A request with no headers yet.
    pub fn request(method: &str, uri: &str) -> Message {
        Message { start: Start::Request(method.into(), uri.into()), headers: Vec::new(), body: String::new() }
    }

    /// A response with what it has to copy (RFC 3261 §8.2.6.2).
    pub fn response(request: &Message, status: u16) -> Message {
        let reason = reason_phrase(status).to_string();
        let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
        let is_copied = |name: &str| copied.iter().any(|other| other.eq_ignore_ascii_case(name));
        let headers = request.headers.iter().filter(|(name, _)| is_copied(name)).cloned().collect();
        Message { start: Start::Response(status, reason), headers, body: String::new() }
    }

    /// Appends a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Message {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Puts a header in the place of all of its name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value.into(),
            None => self.headers.push((name.into(), value.into())),
        }
    }

    /// Adds a session description.
    pub fn with_sdp(mut self, sdp: Option<String>) -> Message {
        if let Some(sdp) = sdp {
            self.set("Content-Type", "application/sdp");
            self.body = sdp;
        }
        self
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Every header of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A header that must be there.
    pub fn need(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&str> {
        match &self.start {
            Start::Request(method, _) => Some(method),
            Start::Response(..) => None,
        }
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        match &self.start {
            Start::Request(..) => None,
            Start::Response(status, _) => Some(*status),
        }
    }

    /// Sequence number and method of CSeq.
    pub fn cseq(&self) -> (u32, String) {
        let (number, method) = self.need("CSeq").split_once(' ').expect("rsip has read CSeq already");
        (number.parse().expect("rsip has read CSeq already"), method.trim().into())
    }

    /// The branch of the topmost Via.
    pub fn branch(&self) -> &str {
        parameter(self.need("Via"), "branch").unwrap_or_default()
    }

    /// The tag in From or To.
    pub fn tag(&self, name: &str) -> Option<&str> {
        let value = self.need(name);
        parameter(value.rsplit_once('>').map_or(value, |(_, after)| after), "tag")
    }

    /// Reads a message that the exchange sent, and judges every header that rsip has a type for.
    pub fn read(bytes: &[u8]) -> Result<Message, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_string())?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no empty line after the headers")?;
        let named = format!("{}\r\n\r\n{body}", ipv6_to_names(head));
        let message = rsip::SipMessage::try_from(named.as_bytes()).map_err(|error| format!("rsip: {error}\n{text}"))?;
        judge(&message).map_err(|error| format!("{error}\n{text}"))?;
        let headers = message.headers().iter().map(|header| split(&names_to_ipv6(&header.to_string()))).collect();
        let start = match &message {
            rsip::SipMessage::Request(request) => {
                Start::Request(request.method.to_string(), names_to_ipv6(&request.uri.to_string()))
            }
            rsip::SipMessage::Response(response) => {
                let phrase = head.lines().next().and_then(|line| line.splitn(3, ' ').nth(2)).unwrap_or_default();
                Start::Response(response.status_code.code(), phrase.into())
            }
        };
        Ok(Message { start, headers, body: body.into() })
    }

    /// The message as it goes out.
    pub fn write(&self) -> Vec<u8> {
        let mut headers: Vec<rsip::Header> = Vec::new();
        for (name, value) in &self.headers {
            headers.push(rsip_header(name, &ipv6_to_names(value)));
        }
        headers.push(rsip_header("Content-Length", &self.body.len().to_string()));
        let body = self.body.clone().into_bytes();
        let text = match &self.start {
            Start::Request(method, uri) => {
                let method = method.parse().unwrap_or_else(|error| panic!("{method}: {error}"));
                let uri = ipv6_to_names(uri);
                let uri = rsip::Uri::try_from(uri.as_str()).unwrap_or_else(|error| panic!("{uri}: {error}"));
                let version = rsip::Version::V2;
                rsip::Request { method, uri, version, headers: headers.into(), body }.to_string()
            }
            Start::Response(status, _) => {
                let (status_code, version) = (rsip::StatusCode::from(*status), rsip::Version::V2);
                rsip::Response { status_code, version, headers: headers.into(), body }.to_string()
            }
        };
        names_to_ipv6(&text).into_bytes()
    }
}

/// What every message must have, read by rsip's typed headers.
fn judge(message: &rsip::SipMessage) -> Result<(), String> {
    let wrong = |name: &'static str| move |error: rsip::Error| format!("{name}: {error}");
    message.via_header().and_then(|via| via.typed()).map_err(wrong("Via"))?;
    message.from_header().and_then(|from| from.typed()).map_err(wrong("From"))?;
    message.to_header().and_then(|to| to.typed()).map_err(wrong("To"))?;
    message.cseq_header().and_then(|cseq| cseq.typed()).map_err(wrong("CSeq"))?;
    message.call_id_header().map_err(wrong("Call-ID"))?;
    let body = match message {
        rsip::SipMessage::Request(request) => request.body.len(),
        rsip::SipMessage::Response(response) => response.body.len(),
    };
    let length = message.headers().iter().find_map(|header| match header {
        rsip::Header::ContentLength(length) => Some(length.value().trim().parse::<usize>()),
        _ => None,
    });
    match length {
        Some(Ok(length)) if length == body => Ok(()),
        Some(other) => Err(format!("Content-Length {other:?}, but the body has {body} bytes")),
        None => Err("no Content-Length".into()),
    }
}

fn rsip_header(name: &str, value: &str) -> rsip::Header {
    let line = format!("{name}: {value}\r\n");
    let (_, token) = Tokenizer::tokenize(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error:?}"));
    token.try_into().unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn split(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.trim().into(), value.trim().into())
}

/// The value of `;name=value` in a header's value.
pub fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    value.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// The URI of a Contact, Route, From or To.
pub fn uri_of(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, after)) => after.split_once('>').map_or(after, |(uri, _)| uri),
        None => value.split(';').next().unwrap_or(value).trim(),
    }
}

// rsip does not read IPv6 references: they become names before it reads, and references again after it.
fn ipv6_to_names(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((address, after)) = after.split_once(']') else { break };
        out.push_str(before);
        match address.parse::<std::net::Ipv6Addr>() {
            Ok(_) => out.push_str(&format!("ip6-{}-ip6", address.replace(':', "_"))),
            Err(_) => out.push_str(&format!("[{address}]")),
        }
        rest = after;
    }
    out + rest
}

fn names_to_ipv6(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("ip6-") {
        let Some((address, after)) = after.split_once("-ip6") else { break };
        out.push_str(&format!("{before}[{}]", address.replace('_', ":")));
        rest = after;
    }
    out + rest
}

/// The words that belong to a status.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        404 => "Not Found",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        603 => "Decline",
        _ => "Whatever",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:1002@[2001:db8::1]:5060 SIP/2.0\r\n\
        Via: SIP/2.0/UDP [2001:db8::7]:5060;branch=z9hG4bKabc;rport\r\n\
        From: \"A\" <sip:1001@tandem>;tag=1\r\nTo: <sip:1002@tandem>\r\nCall-ID: x@y\r\nCSeq: 7 INVITE\r\n\
        Contact: <sip:1001@[2001:db8::7]:5060>\r\nMax-Forwards: 70\r\nContent-Length: 3\r\n\r\nv=0";

    #[test]
    fn a_message_is_read_and_written_alike() {
        let message = Message::read(INVITE.as_bytes()).unwrap();
        assert_eq!(message.method(), Some("INVITE"));
        assert_eq!((message.branch(), message.tag("From"), message.tag("To")), ("z9hG4bKabc", Some("1"), None));
        assert_eq!(message.cseq(), (7, "INVITE".into()));
        assert_eq!(uri_of(message.need("Contact")), "sip:1001@[2001:db8::7]:5060");
        let mut again = message.clone();
        again.headers.retain(|(name, _)| name != "Content-Length");
        let again = Message::read(&again.write()).unwrap();
        assert_eq!(again.start, message.start);
        assert_eq!(again.need("Via"), message.need("Via"));
        assert_eq!(again.body, "v=0");
    }

    #[test]
    fn what_the_exchange_must_not_send_is_refused() {
        for (from, to) in [
            ("Content-Length: 3", "Content-Length: 4"),
            ("CSeq: 7 INVITE\r\n", ""),
            ("Content-Length: 3\r\n", ""),
            ("CSeq: 7", "CSeq: seven"),
            ("SIP/2.0/UDP", "SIP/2.0"),
        ] {
            assert!(Message::read(INVITE.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }
}
