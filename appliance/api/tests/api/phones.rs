//! Two phones with messages written by hand.

use bytes::Bytes;
use sip::auth::{self, Login};
use sip::header::{TypedHeader, WwwAuthenticate};
use sip::message::HeaderName;
use sip::{Flow, Message, Method, Transport};

use crate::desk::Desk;

const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n";

/// A phone, by its port and its number.
pub struct Phone<'a> {
    desk: &'a Desk,
    port: u16,
    number: &'static str,
    password: &'static str,
}

impl<'a> Phone<'a> {
    pub fn new(desk: &'a Desk, port: u16, number: &'static str, password: &'static str) -> Phone<'a> {
        Phone { desk, port, number, password }
    }

    fn flow(&self) -> Flow {
        let local = "127.0.0.1:5060".parse().expect("an address");
        let remote = format!("192.0.2.7:{}", self.port).parse().expect("an address");
        Flow { transport: Transport::Udp, local, remote, connection: None }
    }

    fn say(&self, text: String) {
        self.desk.give_sip(self.flow(), text);
    }

    /// What came for this phone since the last time; what came for others is dropped.
    pub fn heard(&self) -> Vec<Message> {
        let all = self.desk.sent.try_iter();
        all.filter(|(flow, _)| flow.remote.port() == self.port).map(|(_, message)| message).collect()
    }

    fn request(&self, start: &str, cseq: &str, headers: &str, body: &str) -> String {
        let (port, number) = (self.port, self.number);
        let to = if start.starts_with("REGISTER") { number } else { "x" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let branch: String = cseq.chars().filter(char::is_ascii_alphanumeric).collect();
        format!(
            "{start} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:{port};branch=z9hG4bK{number}{branch};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{number}@tandem.example>;tag=a{port}\r\nTo: <sip:{to}@tandem.example>\r\nCall-ID: {number}\r\n\
             CSeq: {cseq}\r\nUser-Agent: test phone\r\nContact: <sip:{number}@192.0.2.7:{port}>\r\n{headers}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Sends a request, and again with the answer to the challenge that came.
    fn ask(&self, start: &str, method: &str, first: u32, body: &str) {
        let plain = self.request(start, &format!("{first} {method}"), "", body);
        self.say(plain.clone());
        let heard = self.heard();
        let Some(Message::Response(challenge)) = heard.last() else { panic!("no challenge: {heard:?}") };
        assert_eq!(challenge.status.0, 401);
        let offered = challenge.headers.list::<WwwAuthenticate>().expect("a challenge");
        let Message::Request(request) = Message::parse(&Bytes::from(plain)).expect("a request") else { panic!() };
        let login = Login { username: self.number.into(), password: self.password.into() };
        let credentials = auth::respond(&offered[0].0, &login, &request.method, &request.uri, ("cnonce", 1));
        let mut value = Vec::new();
        sip::header::Authorization(credentials.expect("an answer to the challenge")).write(&mut value);
        if request.method == Method::Invite {
            let via = format!("{first} INVITE");
            let ack = self.request(&start.replace("INVITE", "ACK"), &via, "", "");
            self.say(ack.replace(&format!("CSeq: {via}"), &format!("CSeq: {first} ACK")));
        }
        let header = format!("Authorization: {}\r\n", String::from_utf8_lossy(&value));
        self.say(self.request(start, &format!("{} {method}", first + 1), &header, body));
    }

    pub fn register(&self) {
        self.ask("REGISTER sip:tandem.example", "REGISTER", 1, "");
        let heard = self.heard();
        assert!(matches!(&heard[..], [Message::Response(ok)] if ok.status.0 == 200), "{heard:?}");
    }

    /// Calls a number; what the called phone hears is left in the desk.
    pub fn invite(&self, number: &str) {
        self.ask(&format!("INVITE sip:{number}@tandem.example"), "INVITE", 11, SDP);
    }

    /// Acknowledges the answer that came to the INVITE.
    pub fn acknowledge(&self, number: &str) {
        let heard = self.heard();
        let Some(Message::Response(ok)) = heard.last() else { panic!("no answer: {heard:?}") };
        assert_eq!(ok.status.0, 200);
        let to = String::from_utf8_lossy(ok.headers.get(&HeaderName::To).expect("mandatory")).into_owned();
        let ack = self.request(&format!("ACK sip:{number}@tandem.example"), "12 ACK", "", "");
        self.say(ack.replace("<sip:x@tandem.example>", &to));
    }

    /// Answers a request that came.
    pub fn answer(&self, request: &sip::Request, start: &str) {
        let copied =
            |name: HeaderName| String::from_utf8_lossy(request.headers.get(&name).expect("mandatory")).into_owned();
        let invited = request.method == Method::Invite;
        let tag = if invited { ";tag=b" } else { "" };
        let with_body = invited && start.starts_with("200");
        let (kind, body) = if with_body { ("Content-Type: application/sdp\r\n", SDP) } else { ("", "") };
        self.say(format!(
            "SIP/2.0 {start}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             Contact: <sip:{}@192.0.2.7:{}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            copied(HeaderName::Via),
            copied(HeaderName::From),
            copied(HeaderName::To),
            copied(HeaderName::CallId),
            copied(HeaderName::CSeq),
            self.number,
            self.port,
            body.len()
        ));
    }
}

/// Each phone answers the BYE that came to it; how many did.
pub fn answer_byes(desk: &Desk, phones: [&Phone<'_>; 2]) -> usize {
    let mut answered = 0;
    for (flow, message) in desk.sent.try_iter().collect::<Vec<_>>() {
        if let Message::Request(bye) = message
            && bye.method == Method::Bye
        {
            let phone = phones.iter().find(|phone| phone.port == flow.remote.port()).expect("one of ours");
            phone.answer(&bye, "200 OK");
            answered += 1;
        }
    }
    answered
}

/// Two extensions with registered phones, and a call from the first that the second has answered.
pub async fn a_call<'a>(desk: &'a Desk, token: &str) -> (Phone<'a>, Phone<'a>) {
    let (one, two) = two_phones(desk, token).await;
    one.invite("1002");
    let heard = two.heard();
    let Some(Message::Request(invite)) = heard.last() else { panic!("no INVITE: {heard:?}") };
    two.answer(invite, "180 Ringing");
    two.answer(invite, "200 OK");
    one.acknowledge("1002");
    (one, two)
}

/// Two extensions with registered phones.
pub async fn two_phones<'a>(desk: &'a Desk, token: &str) -> (Phone<'a>, Phone<'a>) {
    let phones = [(7001, "1001", "secret-one"), (7002, "1002", "secret-two")];
    for (_, extension, password) in phones {
        let body = serde_json::json!({ "extension": extension, "password": password, "name": "", "detail": "" });
        let answer = desk.ask("POST", "/v1.0/extensions").token(token).json(body).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let [one, two] = phones.map(|(port, number, password)| Phone::new(desk, port, number, password));
    one.register();
    two.register();
    (one, two)
}
