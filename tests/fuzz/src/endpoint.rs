//! The whole endpoint, driven by a script of messages, waits and commands of its user.
//!
//! A script is text. A line that begins with `@` is a step; what follows up to the next such line belongs to it:
//!
//! ```text
//! @udp 1                a datagram from phone 1: the lines that follow (`@tcp 1`: the same on its connection).
//! @wait 500             500 ms pass; timers run.
//! @reply 180 reliable   answers the oldest request that has no final answer.
//! @send OPTIONS 2       a request of ours to phone 2 (INVITE, OPTIONS, …).
//! @in BYE               a request of ours within the newest dialog.
//! @ack  @cancel  @drop  acknowledges, gives up the last INVITE, forgets the newest dialog.
//! @close 1              the connection of phone 1 is gone.
//! ```
//!
//! In a message, `{via}`, `{from}`, `{to}`, `{call-id}`, `{cseq}` stand for the headers of the last request we sent, `{invite-via}` for the
//! Via of the last INVITE we sent, `{totag}` and `{rseq}` for the tag and the RSeq in the last response we sent that had one. At the end everything is answered, dropped and waited for: then the endpoint must be idle.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Body, ClientId, Config, Event, OutgoingRequest, Reply, ServerId, Statistics};
use sip::header::{CSeq, CallId, From, NameAddr, RSeq, To, TypedHeader, Via};
use sip::transport::ConnectionId;
use sip::{Endpoint, Flow, Headers, Message, Method, Request, Response, Transport, Uri, dialog::DialogId};

use crate::script::steps;

/// As many steps as one script may have.
const STEPS: usize = 200;
/// So many messages one step may bring about; a peer must not make us flood another.
const MESSAGES_PER_STEP: usize = 400;

/// Plays a script. What the endpoint sends must be readable, and in the end nothing may be left of it.
pub fn endpoint(data: &[u8]) {
    play(data);
}

/// Plays a script and tells what happened.
pub fn play(data: &[u8]) -> Played {
    let mut stage = Stage::new();
    for (head, body) in steps(data, STEPS) {
        stage.step(&head, &body);
    }
    stage.end()
}

/// What happened in a script.
#[derive(Debug, Default, Clone, Copy)]
pub struct Played {
    /// The counters of the endpoint.
    pub statistics: Statistics,
    /// The most dialogs there were at once.
    pub dialogs: usize,
    /// Answers to requests of ours that were told to the user.
    pub responses: usize,
    /// Our 2xx and reliable provisional answers that were acknowledged.
    pub acknowledged: usize,
    /// Requests to us that were cancelled.
    pub cancelled: usize,
}

struct Stage {
    endpoint: Endpoint,
    now: Duration,
    unanswered: VecDeque<ServerId>,
    inviting: Option<ClientId>,
    dialogs: Vec<DialogId>,
    last_request: Option<Request>,
    last_invite_via: Bytes,
    last_to_tag: Bytes,
    last_rseq: Bytes,
    played: Played,
}

impl Stage {
    fn new() -> Stage {
        Stage {
            endpoint: Endpoint::new(Config::default(), [9; 32]),
            now: Duration::from_secs(1),
            unanswered: VecDeque::new(),
            inviting: None,
            dialogs: Vec::new(),
            last_request: None,
            last_invite_via: Bytes::new(),
            last_to_tag: Bytes::new(),
            last_rseq: Bytes::new(),
            played: Played::default(),
        }
    }

    fn step(&mut self, head: &str, rest: &[u8]) {
        let mut words = head.trim_start_matches('@').split_ascii_whitespace();
        let word = words.next().unwrap_or_default();
        let argument = words.next().unwrap_or_default();
        let number: u64 = argument.parse().unwrap_or(1);
        match word {
            "wait" => self.pass(Duration::from_millis(number.min(100_000))),
            "reply" => self.reply(number as u16, words.next() == Some("reliable")),
            "send" => self.send(argument, words.next().and_then(|phone| phone.parse().ok()).unwrap_or(1)),
            "in" => self.send_within(argument),
            "ack" => self.with_dialog(|stage, dialog| stage.endpoint.ack(stage.now, dialog, None)),
            "drop" => self.with_dialog(|stage, dialog| stage.endpoint.drop_dialog(dialog)),
            "cancel" => {
                if let Some(client) = self.inviting {
                    self.endpoint.cancel(self.now, client, None);
                }
            }
            "close" => self.endpoint.handle_closed(self.now, &flow("tcp", number)),
            transport => {
                let message = self.filled(rest);
                self.endpoint.handle_message(self.now, flow(transport, number), &message);
            }
        }
        self.drain();
    }

    /// The message with what stands for something replaced.
    fn filled(&self, text: &[u8]) -> Bytes {
        let mut text = text.to_vec();
        let headers = self.last_request.as_ref().map(|request| &request.headers);
        let value = |name: &sip::message::HeaderName| {
            headers.and_then(|headers| headers.get(name)).cloned().unwrap_or_default()
        };
        for (sign, value) in [
            ("{via}", value(&Via::NAME)),
            ("{from}", value(&From::NAME)),
            ("{to}", value(&To::NAME)),
            ("{call-id}", value(&CallId::NAME)),
            ("{cseq}", value(&CSeq::NAME)),
            ("{invite-via}", self.last_invite_via.clone()),
            ("{totag}", self.last_to_tag.clone()),
            ("{rseq}", self.last_rseq.clone()),
        ] {
            for _ in 0..4 {
                let Some(at) = text.windows(sign.len()).position(|window| window == sign.as_bytes()) else { break };
                text.splice(at..at + sign.len(), value.iter().copied());
            }
        }
        text.into()
    }

    fn reply(&mut self, status: u16, reliable: bool) {
        let status = status.clamp(100, 699);
        let Some(&server) = self.unanswered.front() else { return };
        let mut reply = Reply::new(status);
        if (180..300).contains(&status) {
            reply = reply.with_body(Body::sdp("v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\n"));
        }
        if reliable {
            reply = reply.reliably();
        }
        if status >= 200 {
            self.unanswered.pop_front();
        }
        let dialog = self.endpoint.respond(self.now, server, reply);
        self.dialogs.extend(dialog);
    }

    fn send(&mut self, method: &str, phone: u64) {
        let Some(method) = Method::parse(method.as_bytes()) else { return };
        let transport = if phone.is_multiple_of(2) { "udp" } else { "tcp" };
        let uri = |user: &str| Uri::sip(Some(user), std::net::IpAddr::from([192, 0, 2, 10]), None);
        let parties = (NameAddr::new(uri("1001")), NameAddr::new(uri("1002")));
        let invite = method == Method::Invite;
        let client =
            self.endpoint.request(self.now, OutgoingRequest::new(method, uri("1002"), flow(transport, phone), parties));
        if invite {
            self.inviting = Some(client);
        }
    }

    fn send_within(&mut self, method: &str) {
        let Some(method) = Method::parse(method.as_bytes()) else { return };
        self.with_dialog(|stage, dialog| {
            let _ = stage.endpoint.request_in_dialog(stage.now, dialog, method, Headers::new(), None);
        });
    }

    fn with_dialog(&mut self, act: impl FnOnce(&mut Stage, DialogId)) {
        self.dialogs.retain(|&dialog| self.endpoint.dialog(dialog).is_some());
        if let Some(&dialog) = self.dialogs.last() {
            act(self, dialog);
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.endpoint.poll_timeout().filter(|deadline| deadline.at <= until) {
            self.now = self.now.max(deadline.at);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        let mut sent = 0;
        while let Some(transmit) = self.endpoint.poll_transmit() {
            sent += 1;
            self.look_at(&transmit.bytes);
        }
        assert!(sent <= MESSAGES_PER_STEP, "{sent} messages in one step");
        self.played.dialogs = self.played.dialogs.max(self.endpoint.counts().dialogs);
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request { server, dialog, .. } => {
                    self.unanswered.push_back(server);
                    self.dialogs.extend(dialog);
                }
                Event::Response { dialog, .. } => {
                    self.dialogs.extend(dialog);
                    self.played.responses += 1;
                }
                Event::Acknowledged { .. } | Event::ProvisionalAcknowledged { .. } => self.played.acknowledged += 1,
                Event::Cancelled { .. } => self.played.cancelled += 1,
                Event::Unacknowledged { dialog } => self.endpoint.drop_dialog(dialog),
                _ => {}
            }
        }
    }

    /// Everything we send must be a message with the headers every message needs.
    fn look_at(&mut self, bytes: &Bytes) {
        let message =
            Message::parse(bytes).unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(bytes)));
        match message {
            Message::Request(request) => {
                request.headers.typed::<Via>().expect("our requests have a Via");
                request.headers.typed::<From>().expect("our requests have a From");
                // The ACK to a failure repeats the To of the response as it came (RFC 3261 §17.1.1.3).
                let to = request.headers.typed::<To>();
                assert!(to.is_ok() || request.method == Method::Ack, "{to:?}");
                request.headers.typed::<CallId>().expect("our requests have a Call-ID");
                request.headers.typed::<CSeq>().expect("our requests have a CSeq");
                if request.method == Method::Invite {
                    self.last_invite_via = request.headers.get(&Via::NAME).cloned().unwrap_or_default();
                }
                if request.method != Method::Ack {
                    self.last_request = Some(request);
                }
            }
            Message::Response(Response { headers, .. }) => {
                headers.typed::<Via>().expect("our responses have a Via");
                if let Some(tag) = headers.typed::<To>().ok().and_then(|to| to.tag) {
                    self.last_to_tag = tag.into_bytes();
                }
                if let Some(rseq) = headers.get(&RSeq::NAME) {
                    self.last_rseq = rseq.clone();
                }
            }
        }
    }

    /// Answers and drops all there is, and waits until nothing is left.
    fn end(mut self) -> Played {
        for _ in 0..4 * STEPS {
            while !self.unanswered.is_empty() {
                self.reply(500, false);
                self.drain();
            }
            for dialog in std::mem::take(&mut self.dialogs) {
                self.endpoint.drop_dialog(dialog);
            }
            self.drain();
            let Some(deadline) = self.endpoint.poll_timeout() else { break };
            self.now = self.now.max(deadline.at);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        self.pass(Duration::from_secs(3600));
        for dialog in std::mem::take(&mut self.dialogs) {
            self.endpoint.drop_dialog(dialog);
        }
        assert!(self.endpoint.is_idle(), "something is left: {:?}", self.endpoint.counts());
        Played { statistics: self.endpoint.statistics(), ..self.played }
    }
}

/// The way to a phone. Phone 3 has an IPv6 address.
fn flow(transport: &str, phone: u64) -> Flow {
    let number = phone as u8;
    let (local, remote): (SocketAddr, SocketAddr) = match number {
        3 => (([0x2001, 0xdb8, 0, 0, 0, 0, 0, 10], 5060).into(), ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 3], 5060).into()),
        number => (([192, 0, 2, 10], 5060).into(), ([198, 51, 100, number], 5060).into()),
    };
    match transport {
        "tcp" => Flow { transport: Transport::Tcp, local, remote, connection: Some(ConnectionId(phone)) },
        _ => Flow { transport: Transport::Udp, local, remote, connection: None },
    }
}
