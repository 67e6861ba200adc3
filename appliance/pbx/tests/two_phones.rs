//! The shortest story of all, with messages written by hand: two phones register, one calls the other, they hang up.

use std::net::SocketAddr;
use std::time::Duration;

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

/// An exchange, and everything it put out.
struct Story {
    pbx: Pbx,
    now: Duration,
    sent: Vec<(SocketAddr, Message)>,
    events: Vec<&'static str>,
    media: Vec<media::Command>,
}

fn phone(port: u16) -> Flow {
    let (local, remote) = ("127.0.0.1:5060".parse(), format!("127.0.0.1:{port}").parse());
    let (local, remote) = (local.expect("an address"), remote.expect("an address"));
    Flow { transport: Transport::Udp, local, remote, connection: None }
}

impl Story {
    fn new() -> Story {
        let mut pbx = Pbx::new(Settings::default(), [7; 32]);
        pbx.handle(Duration::ZERO, Input::Clock(Duration::from_secs(1_800_000_000)));
        let mut story = Story { pbx, now: Duration::ZERO, sent: Vec::new(), events: Vec::new(), media: Vec::new() };
        for number in ["1001", "1002"] {
            let (password, name) = (format!("secret{number}"), String::new());
            let new =
                NewExtension { extension: number.into(), password, name: name.clone(), detail: name, encryption: None };
            story.give(Input::Command(RequestId(1), Command::CreateExtension(new)));
        }
        story
    }

    fn give(&mut self, input: Input) {
        self.now += Duration::from_millis(10);
        self.pbx.handle(self.now, input);
        while let Some(output) = self.pbx.poll_output() {
            match output {
                Output::Sip(transmit) => {
                    let message = Message::parse(&transmit.bytes).expect("we write what we can read");
                    self.sent.push((transmit.flow.remote, message));
                }
                Output::Event(event) => self.events.push(event.kind.name()),
                Output::Media(command) => self.handle_media(command),
                Output::Port(PortOrder::Bind(port)) => {
                    self.pbx.handle(self.now, Input::Port(PortReport::Bound(port)));
                }
                _ => {}
            }
        }
    }

    fn handle_media(&mut self, command: media::Command) {
        if let media::Command::Close { stream } = command {
            let statistics = Box::default();
            self.pbx.handle(self.now, Input::Media(media::Event::Closed { stream, statistics }));
        }
        self.media.push(command);
    }

    fn say(&mut self, port: u16, text: String) {
        self.give(Input::Sip(phone(port), Bytes::from(text)));
    }

    fn heard(&mut self, port: u16) -> Vec<Message> {
        let (mine, others) = self.sent.drain(..).partition(|(to, _)| to.port() == port);
        self.sent = others;
        let mine: Vec<(SocketAddr, Message)> = mine;
        mine.into_iter().map(|(_, message)| message).collect()
    }

    /// Sends a request, answers its challenge, and returns what came then.
    fn ask(&mut self, port: u16, user: &str, text: impl Fn(u32, &str) -> String) -> Vec<Message> {
        self.say(port, text(1, ""));
        let heard = self.heard(port);
        let [Message::Response(challenge)] = &heard[..] else { panic!("no challenge: {heard:?}") };
        assert_eq!(challenge.status.0, 401);
        let offered = challenge.headers.list::<WwwAuthenticate>().expect("a challenge");
        let Message::Request(request) = Message::parse(&Bytes::from(text(1, ""))).expect("a request") else { panic!() };
        let login = Login { username: user.into(), password: format!("secret{user}").as_str().into() };
        let credentials = auth::respond(&offered[0].0, &login, &request.method, &request.uri, ("cnonce", 1));
        let mut value = Vec::new();
        sip::header::Authorization(credentials.expect("an answer to the challenge")).write(&mut value);
        if request.method == Method::Invite {
            let via = format!("z9hG4bK{user}INVITE1");
            self.say(port, message(&format!("ACK sip:{user}@127.0.0.1"), port, &via, "1 ACK", "", ""));
        }
        let header = format!("Authorization: {}\r\n", String::from_utf8_lossy(&value));
        self.say(port, text(2, &header));
        self.heard(port)
    }
}

fn message(start: &str, port: u16, branch: &str, cseq: &str, headers: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{start} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch={branch};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:{port}@127.0.0.1>;tag=a{port}\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: call{port}\r\nCSeq: {cseq}\r\n\
         Contact: <sip:phone@127.0.0.1:{port}>\r\n{headers}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(message: &Message) -> u16 {
    match message {
        Message::Response(response) => response.status.0,
        Message::Request(_) => 0,
    }
}

/// What a called phone answers to an INVITE.
fn answer(invite: &sip::Request, start: &str, body: &str) -> String {
    let copied = |name: HeaderName| String::from_utf8_lossy(invite.headers.get(&name).expect("mandatory")).into_owned();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {start}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=b\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:phone@127.0.0.1:7002>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        copied(HeaderName::Via),
        copied(HeaderName::From),
        copied(HeaderName::To),
        copied(HeaderName::CallId),
        copied(HeaderName::CSeq),
        body.len()
    )
}

fn register(story: &mut Story, port: u16, user: &str) {
    let heard = story.ask(port, user, |cseq, authorization| {
        let branch = format!("z9hG4bK{user}REGISTER{cseq}");
        message("REGISTER sip:127.0.0.1", port, &branch, &format!("{cseq} REGISTER"), authorization, "")
            .replace("<sip:x@127.0.0.1>", &format!("<sip:{user}@127.0.0.1>"))
    });
    assert_eq!(heard.iter().map(status).collect::<Vec<_>>(), [200], "{heard:?}");
}

#[test]
fn two_phones_talk_and_hang_up() {
    let mut story = Story::new();
    register(&mut story, 7001, "1001");
    register(&mut story, 7002, "1002");
    let heard = story.ask(7001, "1001", |cseq, authorization| {
        let branch = format!("z9hG4bK1001INVITE{cseq}");
        message("INVITE sip:1002@127.0.0.1", 7001, &branch, &format!("{cseq} INVITE"), authorization, SDP)
    });
    assert_eq!(heard.iter().map(status).collect::<Vec<_>>(), [100], "{heard:?}");
    let rung = story.heard(7002);
    let [Message::Request(invite)] = &rung[..] else { panic!("no INVITE: {rung:?}") };
    assert_eq!(invite.method, Method::Invite);
    story.say(7002, answer(invite, "180 Ringing", ""));
    story.say(7002, answer(invite, "200 OK", SDP));
    let heard = story.heard(7001);
    assert_eq!(heard.iter().map(status).collect::<Vec<_>>(), [180, 200], "{heard:?}");
    assert!(story.media.iter().any(|command| matches!(command, media::Command::Connect { .. })));
    let acknowledged = story.heard(7002);
    assert!(matches!(&acknowledged[..], [Message::Request(ack)] if ack.method == Method::Ack), "{acknowledged:?}");

    let to = String::from_utf8_lossy(heard[1].headers().get(&HeaderName::To).expect("To")).into_owned();
    for (start, branch, cseq) in
        [("ACK sip:1002@127.0.0.1", "z9hG4bKack", "2 ACK"), ("BYE sip:1002@127.0.0.1", "z9hG4bKbye", "3 BYE")]
    {
        story.say(7001, message(start, 7001, branch, cseq, "", "").replace("<sip:x@127.0.0.1>", &to));
    }
    let (caller, callee) = (story.heard(7001), story.heard(7002));
    assert_eq!(caller.iter().map(status).collect::<Vec<_>>(), [200]);
    let [Message::Request(bye)] = &callee[..] else { panic!("no BYE: {callee:?}") };
    assert_eq!(bye.method, Method::Bye);
    story.say(7002, answer(bye, "200 OK", "").replace(";tag=b\r\nCall", "\r\nCall"));
    let ended = story.events.iter().filter(|name| **name == "call_hungup").count();
    assert_eq!(ended, 2, "{:?}", story.events);
}
