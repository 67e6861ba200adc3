//! What the endpoint costs an exchange: `endpoint_cost register|call COUNT` prints nanoseconds, or run it under
//! `valgrind --tool=callgrind --toggle-collect='*feed*'` for instructions. The phones' own work is not counted.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a measuring tool reads a clock and its arguments"
)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::dialog::DialogId;
use sip::endpoint::{Body, ClientId, Config, Event, OutgoingRequest, Reply, ServerId};
use sip::header::NameAddr;
use sip::message::HeaderName;
use sip::{Endpoint, Flow, Headers, Message, Method, Transmit, Transport, Uri};

const SDP: &str = "v=0\r\no=- 20518 0 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n\
m=audio 54400 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

/// A back-to-back agent reduced to what concerns the endpoint.
struct Exchange {
    endpoint: Endpoint,
    now: Duration,
    spent: Duration,
    callee: Flow,
    calls: HashMap<ClientId, ServerId>,
    other_leg: HashMap<DialogId, DialogId>,
}

impl Exchange {
    /// One message in, everything it leads to out.
    fn take(&mut self, flow: Flow, datagram: &Bytes) -> Vec<Transmit> {
        self.now += Duration::from_micros(10);
        let start = Instant::now();
        let out = self.feed(flow, datagram);
        self.spent += start.elapsed();
        out
    }

    #[inline(never)]
    fn feed(&mut self, flow: Flow, datagram: &Bytes) -> Vec<Transmit> {
        if self.endpoint.poll_timeout().is_some_and(|deadline| deadline.at <= self.now) {
            self.endpoint.handle_timeout(self.now);
        }
        self.endpoint.handle_message(self.now, flow, datagram);
        while let Some(event) = self.endpoint.poll_event() {
            self.react(event);
        }
        std::iter::from_fn(|| self.endpoint.poll_transmit()).collect()
    }

    fn react(&mut self, event: Event) {
        match event {
            Event::Request { server, request, dialog, .. } => match request.method {
                Method::Register if request.headers.contains(&HeaderName::Authorization) => self.reply(server, 200),
                Method::Register => {
                    let mut reply = Reply::new(401);
                    let challenge =
                        "Digest realm=\"tandem\", nonce=\"65a0c1b2d3e4f5\", algorithm=SHA-256, qop=\"auth\"";
                    reply.headers.push(HeaderName::WwwAuthenticate, Bytes::from_static(challenge.as_bytes()));
                    self.endpoint.respond(self.now, server, reply);
                }
                Method::Invite => {
                    let client = self.call(request.body.clone());
                    self.calls.insert(client, server);
                }
                Method::Bye => {
                    self.reply(server, 200);
                    if let Some(other) = dialog.and_then(|dialog| self.other_leg.remove(&dialog)) {
                        let bye = self.endpoint.request_in_dialog(self.now, other, Method::Bye, Headers::new(), None);
                        bye.expect("the other leg is up");
                    }
                }
                _ => self.reply(server, 501),
            },
            Event::Response { client, dialog: Some(outgoing), response, .. } => {
                let Some(server) = self.calls.get(&client).copied() else { return };
                if response.status.is_provisional() {
                    return self.reply(server, response.status.0);
                }
                self.endpoint.ack(self.now, outgoing, None);
                let reply = Reply::new(200).with_body(Body::sdp(response.body.clone()));
                if let Some(incoming) = self.endpoint.respond(self.now, server, reply) {
                    self.other_leg.insert(incoming, outgoing);
                }
                self.calls.remove(&client);
            }
            _ => {}
        }
    }

    fn reply(&mut self, server: ServerId, status: u16) {
        self.endpoint.respond(self.now, server, Reply::new(status));
    }

    fn call(&mut self, sdp: Bytes) -> ClientId {
        let party =
            |text: &'static str| NameAddr::new(Uri::from_bytes(Bytes::from_static(text.as_bytes())).expect("a URI"));
        let target = party("sip:201@198.51.100.9:5062");
        let parties = (party("sip:100@203.0.113.1"), party("sip:201@203.0.113.1"));
        let mut invite = OutgoingRequest::new(Method::Invite, target.uri, self.callee, parties);
        invite.body = Some(Body::sdp(sdp));
        self.endpoint.request(self.now, invite)
    }
}

fn flow(remote: &str) -> Flow {
    let address = |text: &str| text.parse::<SocketAddr>().expect("the address is well formed");
    Flow { transport: Transport::Udp, local: address("203.0.113.1:5060"), remote: address(remote), connection: None }
}

fn request(method: &str, (call, cseq, more): (usize, u32, &str), to_tag: &str) -> Bytes {
    let body = if method == "INVITE" { SDP } else { "" };
    format!(
        "{method} sip:201@203.0.113.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK{method}{call}x{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: \"Extension 100\" <sip:100@203.0.113.1>;tag=f{call}\r\nTo: <sip:201@203.0.113.1>{to_tag}\r\n\
         Call-ID: {call}-5af2c1d0@198.51.100.7\r\nCSeq: {cseq} {method}\r\nContact: <sip:100@198.51.100.7:5060>\r\n\
         User-Agent: Phone/1.0\r\nAllow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,INFO,UPDATE\r\n{more}Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

/// What a phone answers to a request.
fn answer(asked: &Message, status: u16, body: &str) -> Bytes {
    let header = |name| asked.headers().get_str(&name).expect("our requests have it").to_owned();
    let (via, from, to) = (header(HeaderName::Via), header(HeaderName::From), header(HeaderName::To));
    let (call_id, cseq) = (header(HeaderName::CallId), header(HeaderName::CSeq));
    let tag = if to.contains(";tag=") { "" } else { ";tag=callee" };
    format!(
        "SIP/2.0 {status} OK\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to}{tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n\
         Contact: <sip:201@198.51.100.9:5062>\r\nUser-Agent: Phone/1.0\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn register(exchange: &mut Exchange, call: usize) {
    let phone = flow("198.51.100.7:5060");
    let credentials = "Authorization: Digest username=\"100\",realm=\"tandem\",nonce=\"65a0c1b2d3e4f5\",uri=\"sip:203.0.113.1\",\
        response=\"6629fae49393a05397450978507c4ef1\",algorithm=MD5,cnonce=\"0a4f113b\",qop=auth,nc=00000001\r\nExpires: 3600\r\n";
    let challenged = exchange.take(phone, &request("REGISTER", (call, 1, "Expires: 3600\r\n"), ""));
    assert!(challenged[0].bytes.starts_with(b"SIP/2.0 401"));
    let accepted = exchange.take(phone, &request("REGISTER", (call, 2, credentials), ""));
    assert!(accepted[0].bytes.starts_with(b"SIP/2.0 200"));
}

fn call(exchange: &mut Exchange, number: usize) {
    let (caller, callee) = (flow("198.51.100.7:5060"), exchange.callee);
    let parse = |transmit: &Transmit| Message::parse(&transmit.bytes).expect("the endpoint writes messages");
    let out = exchange.take(caller, &request("INVITE", (number, 1, ""), ""));
    let invite = parse(&out[0]);
    exchange.take(callee, &answer(&invite, 180, ""));
    let out = exchange.take(callee, &answer(&invite, 200, SDP));
    let ok = parse(&out[1]);
    let to = ok.headers().get_str(&HeaderName::To).expect("an answer has To");
    let tag = to[to.find(";tag=").expect("our answers have a tag")..].to_owned();
    exchange.take(caller, &request("ACK", (number, 1, ""), &tag));
    let out = exchange.take(caller, &request("BYE", (number, 2, ""), &tag));
    exchange.take(callee, &answer(&parse(&out[1]), 200, ""));
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, what, count] = arguments.as_slice() else { return eprintln!("endpoint_cost register|call COUNT") };
    let count: usize = count.parse().expect("the count is a number");
    let mut exchange = Exchange {
        endpoint: Endpoint::new(Config::default(), [1; 32]),
        now: Duration::ZERO,
        spent: Duration::ZERO,
        callee: flow("198.51.100.9:5062"),
        calls: HashMap::new(),
        other_leg: HashMap::new(),
    };
    for number in 0..count {
        match what.as_str() {
            "register" => register(&mut exchange, number),
            _ => call(&mut exchange, number),
        }
    }
    println!("{what} {} ns", exchange.spent.as_nanos() / count as u128);
    println!("{:?}", exchange.endpoint.counts());
    println!("{:?}", exchange.endpoint.statistics());
    assert_eq!(exchange.endpoint.counts().dialogs, 0);
}
