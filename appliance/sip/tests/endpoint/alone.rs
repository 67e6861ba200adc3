//! One endpoint in virtual time, and a peer who is nothing but text: what he says is written out, what he hears is read.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Config, Counts, Event, Limits, OutgoingRequest, Reply, ServerId};
use sip::header::{CSeq, From, NameAddr, RSeq, To, Via};
use sip::message::HeaderName;
use sip::transport::ConnectionId;
use sip::{Endpoint, Flow, Message, Method, Request, Response, Time, Transport};

pub const OUR_ADDRESS: &str = "192.0.2.1:5060";
pub const PEER_ADDRESS: &str = "198.51.100.7:5070";

/// The endpoint, and the clock.
pub struct Alone {
    pub now: Time,
    pub endpoint: Endpoint,
    pub flow: Flow,
}

pub fn flow(transport: Transport) -> Flow {
    let address = |text: &str| text.parse::<SocketAddr>().expect("the test's address is well formed");
    let connection = transport.is_reliable().then_some(ConnectionId(1));
    Flow { transport, local: address(OUR_ADDRESS), remote: address(PEER_ADDRESS), connection }
}

pub fn uri(text: &str) -> sip::Uri {
    text.parse().expect("the test's URI is well formed")
}

pub fn party(text: &str) -> NameAddr {
    NameAddr::new(uri(text))
}

impl Alone {
    pub fn new(transport: Transport) -> Alone {
        Alone::with(transport, Config::default())
    }

    pub fn with_limits(limits: Limits) -> Alone {
        Alone::with(Transport::Udp, Config { limits, ..Config::default() })
    }

    pub fn with(transport: Transport, config: Config) -> Alone {
        Alone { now: Time::from_secs(1), endpoint: Endpoint::new(config, [42; 32]), flow: flow(transport) }
    }

    /// The peer says something, spelled with `\n` as line ends.
    pub fn hear(&mut self, text: impl AsRef<str>) {
        self.hear_bytes(text.as_ref().replace('\n', "\r\n").into_bytes());
    }

    pub fn hear_bytes(&mut self, bytes: Vec<u8>) {
        self.endpoint.handle_message(self.now, self.flow, &Bytes::from(bytes));
    }

    /// All we said since.
    pub fn said(&mut self) -> Vec<Message> {
        let mut said = Vec::new();
        while let Some(transmit) = self.endpoint.poll_transmit() {
            assert_eq!((transmit.flow.remote, transmit.flow.transport), (self.flow.remote, self.flow.transport));
            said.push(Message::parse(&transmit.bytes).expect("what the endpoint writes can be read"));
        }
        said
    }

    /// One line per message we said since: `180 INVITE`, `BYE 2`.
    pub fn said_lines(&mut self) -> Vec<String> {
        self.said().iter().map(line).collect()
    }

    /// The only thing we said since, a request.
    #[track_caller]
    pub fn asked(&mut self) -> Request {
        match self.said().as_slice() {
            [Message::Request(request)] => request.clone(),
            other => panic!("one request expected, not {other:#?}"),
        }
    }

    /// The only thing we said since, a response.
    #[track_caller]
    pub fn answered(&mut self) -> Response {
        match self.said().as_slice() {
            [Message::Response(response)] => response.clone(),
            other => panic!("one response expected, not {other:#?}"),
        }
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.endpoint.poll_event()).collect()
    }

    #[track_caller]
    pub fn event(&mut self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "one event expected, not {events:#?}");
        events.remove(0)
    }

    /// The only event since: a request, by its number.
    #[track_caller]
    pub fn request(&mut self) -> ServerId {
        match self.event() {
            Event::Request { server, .. } => server,
            other => panic!("a request expected, not {other:#?}"),
        }
    }

    /// Lets time pass, timer by timer.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.endpoint.poll_timeout().filter(|deadline| deadline.at <= end) {
            self.now = self.now.max(deadline.at);
            self.endpoint.handle_timeout(self.now);
        }
        self.now = end;
    }

    pub fn wait_ms(&mut self, milliseconds: u64) {
        self.wait(Duration::from_millis(milliseconds));
    }

    /// Lets all timers run out; then nothing may be left.
    #[track_caller]
    pub fn settle(&mut self) {
        self.wait(Duration::from_secs(3_600));
        self.said();
        self.events();
        assert_eq!(self.endpoint.counts(), Counts::default());
        assert!(self.endpoint.is_idle());
    }

    pub fn reply(&mut self, server: ServerId, status: u16) {
        self.endpoint.respond(self.now, server, Reply::new(status));
    }

    /// An INVITE of ours to `sip:bob@example.org`, without a body.
    pub fn invite(&mut self) -> OutgoingRequest {
        let parties = (party("sip:alice@example.com"), party("sip:bob@example.org"));
        OutgoingRequest::new(Method::Invite, uri("sip:bob@example.org"), self.flow, parties)
    }
}

/// `180 INVITE`, `BYE 2`.
pub fn line(message: &Message) -> String {
    let cseq: CSeq = message.headers().typed().expect("every message of the endpoint has CSeq");
    match message {
        Message::Request(request) => format!("{} {}", request.method, cseq.number),
        Message::Response(response) => format!("{} {}", response.status, cseq.method),
    }
}

/// The peer's answer to a request of ours, with his tag and further header lines.
pub fn answer(request: &Request, status: u16, (tag, more): (&str, &str)) -> String {
    let value = |name: HeaderName| request.headers.get_str(&name).expect("our requests have it").to_owned();
    let to = value(HeaderName::To);
    let to = if tag.is_empty() || to.contains(";tag=") { to } else { format!("{to};tag={tag}") };
    format!(
        "SIP/2.0 {status} Whatever\nVia: {}\nFrom: {}\nTo: {to}\nCall-ID: {}\nCSeq: {}\n{more}Content-Length: 0\n\n",
        value(HeaderName::Via),
        value(HeaderName::From),
        value(HeaderName::CallId),
        value(HeaderName::CSeq),
    )
}

/// A request of the peer.
#[derive(Clone)]
pub struct Ask {
    pub method: &'static str,
    pub branch: String,
    pub cseq: u32,
    pub from_tag: String,
    pub to_tag: String,
    pub call_id: String,
    pub more: String,
    pub body: String,
}

impl Ask {
    pub fn new(method: &'static str) -> Ask {
        Ask {
            method,
            branch: "z9hG4bKone".into(),
            cseq: 1,
            from_tag: "hers".into(),
            to_tag: String::new(),
            call_id: "call-1".into(),
            more: String::new(),
            body: String::new(),
        }
    }

    /// The first INVITE of a dialog.
    pub fn invite() -> Ask {
        Ask::new("INVITE").more("Contact: <sip:alice@198.51.100.7:5070>\n")
    }

    pub fn more(mut self, lines: &str) -> Ask {
        self.more.push_str(lines);
        self
    }

    pub fn body(mut self, body: &str) -> Ask {
        self.body = body.into();
        self
    }

    pub fn branch(mut self, branch: &str) -> Ask {
        self.branch = branch.into();
        self
    }

    /// The next request within the dialog this INVITE made, by what we answered.
    pub fn then(&self, method: &'static str, (cseq, answered): (u32, &Response)) -> Ask {
        let to: To = answered.headers.typed().expect("our answers have To");
        let to_tag = to.tag.expect("our answers have a tag").to_str_lossy().into_owned();
        let branch = format!("z9hG4bK{method}{cseq}");
        Ask { method, branch, cseq, to_tag, more: String::new(), body: String::new(), ..self.clone() }
    }
}

impl std::fmt::Display for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ask { method, branch, cseq, from_tag, to_tag, call_id, more, body } = self;
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        write!(
            f,
            "{method} sip:bob@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.7:5070;branch={branch};rport\n\
             Max-Forwards: 70\nFrom: \"Alice\" <sip:alice@example.com>;tag={from_tag}\nTo: <sip:bob@example.org>{to_tag}\n\
             Call-ID: {call_id}\nCSeq: {cseq} {method}\n{more}Content-Length: {}\n\n{body}",
            body.replace('\n', "\r\n").len()
        )
    }
}

pub trait Named {
    fn tag_of_to(&self) -> String;
    fn rseq(&self) -> Option<u32>;
}

impl Named for Response {
    fn tag_of_to(&self) -> String {
        let to: To = self.headers.typed().expect("our answers have To");
        to.tag.map(|tag| tag.to_str_lossy().into_owned()).unwrap_or_default()
    }

    fn rseq(&self) -> Option<u32> {
        self.headers.typed::<RSeq>().ok().map(|rseq| rseq.0)
    }
}

pub fn from_tag(request: &Request) -> String {
    let from: From = request.headers.typed().expect("our requests have From");
    from.tag.expect("our requests have a tag").to_str_lossy().into_owned()
}

pub fn branch(message: &Message) -> String {
    let via: Via = message.headers().typed().expect("every message of the endpoint has Via");
    via.branch.expect("every Via of the endpoint has a branch").to_str_lossy().into_owned()
}
