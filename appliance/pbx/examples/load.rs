//! What the exchange costs without sockets: registrations and whole calls, prepared outside the measured time where that is possible.
//!
//! `cargo run --release -p pbx --example load -- 20000`, or under `perf record`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program that measures reads the clock and its arguments"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use pbx::directory::NewExtension;
use pbx::ports::{PortOrder, PortReport};
use pbx::{Command, Input, Output, Pbx, RequestId, Settings};
use sip::auth::{self, Login};
use sip::header::{TypedHeader, WwwAuthenticate};
use sip::message::HeaderName;
use sip::{Flow, Message, Method, Transport};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
                   a=rtpmap:101 telephone-event/8000\r\n";

struct Load {
    pbx: Pbx,
    now: Duration,
    spent: Duration,
    sent: Vec<Bytes>,
    outputs: u64,
}

fn phone(port: u16) -> Flow {
    let (local, remote) = (([127, 0, 0, 1], 5060).into(), ([127, 0, 0, 1], port).into());
    Flow { transport: Transport::Udp, local, remote, connection: None }
}

impl Load {
    fn give(&mut self, input: Input) {
        let start = Instant::now();
        self.now += Duration::from_micros(50);
        self.pbx.handle(self.now, input);
        if self.pbx.poll_timeout().is_some_and(|deadline| deadline.at <= self.now) {
            self.pbx.handle_timeout(self.now);
        }
        while let Some(output) = self.pbx.poll_output() {
            self.outputs += 1;
            match output {
                Output::Sip(transmit) => self.sent.push(transmit.bytes),
                Output::Media(media::Command::Close { stream }) => {
                    let statistics = Box::default();
                    self.pbx.handle(self.now, Input::Media(media::Event::Closed { stream, statistics }));
                }
                Output::Port(PortOrder::Bind(port)) => {
                    self.pbx.handle(self.now, Input::Port(PortReport::Bound(port)));
                }
                _ => {}
            }
        }
        self.spent += start.elapsed();
    }

    fn say(&mut self, port: u16, text: String) {
        self.give(Input::Sip(phone(port), Bytes::from(text)));
    }

    fn authorize(&mut self, user: &str, text: &str) -> String {
        let Ok(Message::Response(challenge)) = Message::parse(&self.sent.pop().expect("a challenge")) else { panic!() };
        let offered = challenge.headers.list::<WwwAuthenticate>().expect("a challenge");
        let offered = offered.last().expect("MD5 is offered last");
        let Ok(Message::Request(request)) = Message::parse(&Bytes::from(text.to_string())) else { panic!() };
        let login = Login { username: user.into(), password: format!("secret{user}").as_str().into() };
        let credentials = auth::respond(&offered.0, &login, &request.method, &request.uri, ("cnonce", 1));
        let mut value = Vec::new();
        sip::header::Authorization(credentials.expect("credentials")).write(&mut value);
        format!("Authorization: {}\r\n", String::from_utf8_lossy(&value))
    }
}

fn message(start: &str, ids: (u16, u64, &str), cseq: &str, to: &str, tail: (&str, &str)) -> String {
    let (port, n, branch) = ids;
    let (headers, body) = tail;
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{start} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{branch}{n};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:{port}@127.0.0.1>;tag=a{n}\r\nTo: {to}\r\nCall-ID: call{n}\r\nCSeq: {cseq}\r\n\
         Contact: <sip:phone@127.0.0.1:{port}>\r\n{headers}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn answer(request: &sip::Request, start: &str, tag: &str, body: &str) -> String {
    let copied =
        |name: HeaderName| String::from_utf8_lossy(request.headers.get(&name).expect("mandatory")).into_owned();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {start}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:phone@127.0.0.1:7002>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        copied(HeaderName::Via),
        copied(HeaderName::From),
        copied(HeaderName::To),
        copied(HeaderName::CallId),
        copied(HeaderName::CSeq),
        body.len()
    )
}

fn register(load: &mut Load, user: &str, port: u16, n: u64) {
    let to = format!("<sip:{user}@127.0.0.1>");
    let first = message("REGISTER sip:127.0.0.1", (port, n, "r"), "1 REGISTER", &to, ("", ""));
    load.say(port, first.clone());
    let authorization = load.authorize(user, &first);
    load.say(port, message("REGISTER sip:127.0.0.1", (port, n, "s"), "2 REGISTER", &to, (&authorization, "")));
    load.sent.clear();
}

fn call(load: &mut Load, n: u64) {
    let to = "<sip:1002@127.0.0.1>";
    let first = message("INVITE sip:1002@127.0.0.1", (7001, n, "i"), "1 INVITE", to, ("", SDP));
    load.say(7001, first.clone());
    let authorization = load.authorize("1001", &first);
    load.say(7001, message("ACK sip:1002@127.0.0.1", (7001, n, "i"), "1 ACK", to, ("", "")));
    load.say(7001, message("INVITE sip:1002@127.0.0.1", (7001, n, "j"), "2 INVITE", to, (&authorization, SDP)));
    let Ok(Message::Request(invite)) = Message::parse(&load.sent.pop().expect("INVITE")) else { panic!() };
    load.sent.clear();
    load.say(7002, answer(&invite, "180 Ringing", ";tag=b", ""));
    load.say(7002, answer(&invite, "200 OK", ";tag=b", SDP));
    let ok = load.sent.iter().find(|bytes| bytes.starts_with(b"SIP/2.0 200")).expect("200").clone();
    let to = String::from_utf8_lossy(Message::parse(&ok).expect("200").headers().get(&HeaderName::To).expect("To"))
        .into_owned();
    load.sent.clear();
    load.say(7001, message("ACK sip:1002@127.0.0.1", (7001, n, "k"), "2 ACK", &to, ("", "")));
    load.say(7001, message("BYE sip:1002@127.0.0.1", (7001, n, "l"), "3 BYE", &to, ("", "")));
    let bye = load.sent.iter().find(|bytes| bytes.starts_with(b"BYE")).expect("BYE").clone();
    let Ok(Message::Request(bye)) = Message::parse(&bye) else { panic!() };
    assert_eq!(bye.method, Method::Bye);
    load.say(7002, answer(&bye, "200 OK", "", ""));
    load.sent.clear();
}

fn main() {
    let rounds: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let pbx = Pbx::new(Settings::default(), [7; 32]);
    let mut load = Load { pbx, now: Duration::ZERO, spent: Duration::ZERO, sent: Vec::new(), outputs: 0 };
    load.give(Input::Clock(Duration::from_secs(1_800_000_000)));
    for number in ["1001", "1002"] {
        let (password, name) = (format!("secret{number}"), String::new());
        let new =
            NewExtension { extension: number.into(), password, name: name.clone(), detail: name, encryption: None };
        load.give(Input::Command(RequestId(1), Command::CreateExtension(new)));
    }
    register(&mut load, "1001", 7001, 1);
    load.spent = Duration::ZERO;
    for n in 0..rounds {
        register(&mut load, "1002", 7002, n + 10);
    }
    println!("registration {:.1} us", load.spent.as_secs_f64() * 1e6 / rounds as f64);
    load.spent = Duration::ZERO;
    for n in 0..rounds {
        call(&mut load, n + rounds + 100);
    }
    println!("call {:.1} us", load.spent.as_secs_f64() * 1e6 / rounds as f64);
}
