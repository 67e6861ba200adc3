//! The user agent of a page, between a page that says anything and an exchange that sends anything.
//!
//! A script is text, as for [`crate::endpoint`]. A line that begins with `@` is a step; what follows up to the next such line belongs to it:
//!
//! ```text
//! @say                  what the page says: the lines that follow.
//! @sip                  a message from the exchange: the lines that follow.
//! @reply 180            the exchange answers the last request that asks for it, with the lines that follow as body.
//! @invite 1001          the exchange calls the page, with the lines that follow as body.
//! @within INVITE        the exchange asks something within the last call that came in, with the lines that follow as body.
//! @wait 500             500 ms pass; timers run.
//! ```
//!
//! What is sent must be readable SIP, what is told must be JSON; when the page is gone, none of its calls is left.

use std::time::Duration;

use api::limits;
use api::sip_socket::Opening;
use api::webrtc::user_agent::{Identity, UserAgent};
use bytes::Bytes;
use sip::message::HeaderName;
use sip::{Message, Method, Request};

use crate::script::steps;

/// As many steps as one script may have.
const STEPS: usize = 200;
/// So many messages one step may bring about.
const MESSAGES_PER_STEP: usize = 64;

/// What happened in a script.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Paged {
    /// What the page was told, by type.
    pub told: Vec<String>,
    /// What the exchange was asked.
    pub asked: Vec<String>,
}

/// Plays a script.
pub fn page(data: &[u8]) {
    play_page(data);
}

/// Plays a script and tells what happened.
pub fn play_page(data: &[u8]) -> Paged {
    let address = |last: u8| ([192, 0, 2, last], 8_443).into();
    let opening = Opening { local: address(1), remote: address(2), encrypted: true };
    let extensions = vec!["1001".to_owned(), "1002".to_owned()];
    let identity = Identity { opening, realm: "tandem".into(), extensions, seed: [3; 32] };
    let now = Duration::from_secs(1);
    let mut stage = Stage {
        agent: UserAgent::new(now, &identity),
        now,
        request: None,
        answered: None,
        number: 0,
        paged: Paged::default(),
    };
    stage.drain();
    for (head, body) in steps(data, STEPS) {
        stage.step(&head, &body);
        assert!(stage.agent.calls() <= limits::WEBRTC_CALLS);
    }
    stage.agent.close(stage.now);
    stage.drain();
    assert_eq!(stage.agent.calls(), 0);
    stage.paged
}

struct Stage {
    agent: UserAgent,
    now: Duration,
    /// The last request of the page.
    request: Option<Request>,
    /// The headers of the page's last answer: its dialog.
    answered: Option<sip::Headers>,
    number: usize,
    paged: Paged,
}

impl Stage {
    fn step(&mut self, head: &str, rest: &[u8]) {
        let mut words = head.trim_start_matches('@').split_ascii_whitespace();
        let word = words.next().unwrap_or_default();
        let argument = words.next().unwrap_or_default();
        match word {
            "say" => self.agent.handle_said(self.now, rest.trim_ascii()),
            "sip" => self.agent.handle_sip(self.now, &Bytes::copy_from_slice(rest)),
            "reply" => self.reply(argument.parse().unwrap_or(200), rest),
            "invite" => self.invite(argument, rest),
            "within" => self.within(argument, rest),
            _ => self.pass(Duration::from_millis(argument.parse().unwrap_or(1_000).min(1_000_000))),
        }
        self.drain();
    }

    fn reply(&mut self, status: u16, body: &[u8]) {
        let Some(request) = &self.request else { return };
        let mut text = format!("SIP/2.0 {} So\r\n", status.clamp(100, 699)).into_bytes();
        for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            line(&mut text, &name, request.headers.get(&name));
        }
        let to = request.headers.get(&HeaderName::To).map_or(&b""[..], |to| to);
        let has_tag = status == 100 || to.windows(5).any(|window| window == b";tag=");
        let tag = if has_tag { &b""[..] } else { b";tag=b" };
        text.extend([b"To: ", to, tag, b"\r\n"].concat());
        text.extend_from_slice(b"Contact: <sip:192.0.2.1:8443;transport=ws>\r\n");
        self.give(text, body);
    }

    fn invite(&mut self, user: &str, body: &[u8]) {
        self.number += 1;
        let number = self.number;
        let text = format!(
            "INVITE sip:{user}@page.invalid SIP/2.0\r\nVia: SIP/2.0/WSS 192.0.2.1:8443;branch=z9hG4bKi{number}\r\nMax-Forwards: 70\r\n\
             From: \"Ada\" <sip:1009@tandem>;tag=e\r\nTo: <sip:{user}@tandem>\r\nCall-ID: i{number}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:192.0.2.1:8443;transport=ws>\r\n"
        );
        self.give(text.into_bytes(), body);
    }

    fn within(&mut self, method: &str, body: &[u8]) {
        let Some(headers) = &self.answered else { return };
        self.number += 1;
        let via = format!("Via: SIP/2.0/WSS 192.0.2.1:8443;branch=z9hG4bKw{}\r\n", self.number);
        let mut text = format!("{method} sip:1001@page.invalid SIP/2.0\r\n{via}").into_bytes();
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
            line(&mut text, &name, headers.get(&name));
        }
        text.extend(format!("CSeq: {} {method}\r\nMax-Forwards: 70\r\n", self.number + 1).into_bytes());
        self.give(text, body);
    }

    fn give(&mut self, mut text: Vec<u8>, body: &[u8]) {
        if !body.is_empty() {
            text.extend_from_slice(b"Content-Type: application/sdp\r\n");
        }
        text.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
        text.extend_from_slice(body);
        self.agent.handle_sip(self.now, &text.into());
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.agent.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.agent.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        let mut sent = 0;
        while let Some(bytes) = self.agent.poll_sip() {
            sent += 1;
            let message = Message::parse(&bytes);
            match message.unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&bytes))) {
                Message::Request(request) => {
                    self.paged.asked.push(request.method.as_str().to_owned());
                    if request.method != Method::Ack {
                        self.request = Some(request);
                    }
                }
                Message::Response(response) => self.answered = Some(response.headers),
            }
        }
        assert!(sent <= MESSAGES_PER_STEP, "{sent} messages in one step");
        while let Some(told) = self.agent.poll_told() {
            let json = told.json();
            let kind = json.strip_prefix("{\"type\":\"").and_then(|rest| rest.split('"').next());
            self.paged.told.push(kind.expect("it begins with its type").to_owned());
        }
    }
}

fn line(text: &mut Vec<u8>, name: &HeaderName, value: Option<&Bytes>) {
    let value = value.map_or(&b""[..], |value| value);
    text.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
}
