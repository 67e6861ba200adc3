//! Mutated messages through the whole endpoint: no panic, no growth, and afterwards it works as before.

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sip::dialog::DialogId;
use sip::endpoint::{Config, Counts, Event, Limits, Reply, ServerId};
use sip::{Endpoint, Headers, Method, StatusCode, Time, Transport};

use crate::alone::{Alone, Ask, answer, flow};

const LIMITS: Limits = Limits {
    server_transactions: 200,
    client_transactions: 200,
    spent_transactions: 200,
    dialogs: 100,
    forks: 4,
    held_replies: 4,
    route_set: 8,
    events: 1_000,
};

/// What a storm is made of: every kind of message an endpoint gets, some naming what it knows.
fn seeds(alone: &mut Alone) -> Vec<Vec<u8>> {
    let invite = Ask::invite().more("Supported: 100rel, timer\nRecord-Route: <sip:p.example.com;lr>\n");
    let mut texts: Vec<String> = ["INVITE", "REGISTER", "OPTIONS", "CANCEL", "ACK", "BYE", "MESSAGE", "NOTIFY", "FOO"]
        .iter()
        .map(|method| Ask::invite().to_string().replace("INVITE", method))
        .collect();
    texts.push(invite.to_string());
    alone.hear(invite.to_string());
    let server = alone.request();
    alone.endpoint.respond(alone.now, server, Reply::new(183).reliably());
    let early = alone.answered();
    for (cseq, method) in [(2, "PRACK"), (3, "UPDATE"), (4, "INVITE"), (1, "ACK"), (5, "BYE"), (6, "INFO")] {
        texts.push(invite.then(method, (cseq, &early)).more("RAck: 1 1 INVITE\nContact: <sip:x@y>\n").to_string());
    }
    let ours = alone.invite();
    alone.endpoint.request(alone.now, ours);
    let asked = alone.asked();
    for status in [100, 183, 200, 302, 486] {
        let more = "Contact: <sip:b@198.51.100.7>\nRequire: 100rel\nRSeq: 7\nRecord-Route: <sip:p>,<sip:q;lr>\n";
        texts.push(answer(&asked, status, ("his", more)));
    }
    texts.into_iter().map(|text| text.replace('\n', "\r\n").into_bytes()).collect()
}

fn mutate(random: &mut ChaCha8Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let draw = |random: &mut ChaCha8Rng, end: usize| random.next_u32() as usize % end.max(1);
    let mut bytes = seeds[draw(random, seeds.len())].clone();
    for _ in 0..draw(random, 5) {
        let at = draw(random, bytes.len());
        match draw(random, 8) {
            0 => bytes.truncate(at),
            1 if !bytes.is_empty() => bytes[at] = random.next_u32() as u8,
            2 => bytes.insert(at, b"\r\n;,<>\"@: =\0\xff0"[draw(random, 14)]),
            3 if !bytes.is_empty() => drop(bytes.remove(at)),
            4 => {
                let other = &seeds[draw(random, seeds.len())];
                let from = draw(random, other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            5 => {
                // A digit becomes another: numbers, tags and branches that are nearly right.
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    bytes[at + digit] = b'0' + draw(random, 10) as u8;
                }
            }
            6 => {
                let line = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |end| at + end + 1);
                let end = bytes[line..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |end| line + end + 1);
                let copy = bytes[line..end].to_vec();
                bytes.splice(line..line, copy);
            }
            _ => {}
        }
    }
    bytes
}

/// A user who does all sorts of things with what he is told, and remembers what he left open.
struct User {
    random: ChaCha8Rng,
    unanswered: Vec<ServerId>,
    dialogs: Vec<DialogId>,
}

impl User {
    fn chance(&mut self, one_in: u32) -> bool {
        self.random.next_u32().is_multiple_of(one_in)
    }

    fn react(&mut self, endpoint: &mut Endpoint, now: Time) {
        while let Some(event) = endpoint.poll_event() {
            self.hear(endpoint, now, event);
        }
        while endpoint.poll_transmit().is_some() {}
    }

    fn hear(&mut self, endpoint: &mut Endpoint, now: Time, event: Event) {
        match event {
            Event::Request { server, request, .. } => {
                let status = [180, 183, 200, 200, 302, 401, 486, 500][self.random.next_u32() as usize % 8];
                let mut reply = Reply::new(if request.method == Method::Invite { status } else { status.max(200) });
                reply.reliable = self.chance(2);
                self.dialogs.extend(endpoint.respond(now, server, reply));
                if status >= 200 {
                    return;
                }
                match self.chance(4) {
                    true => self.unanswered.push(server),
                    false => {
                        let reply = Reply::new(if self.chance(2) { 200 } else { 404 });
                        self.dialogs.extend(endpoint.respond(now, server, reply));
                    }
                }
            }
            Event::Response { dialog: Some(id), response, client, .. } => {
                self.dialogs.push(id);
                if response.status.is_success() {
                    endpoint.ack(now, id, None);
                    let _ = endpoint.request_in_dialog(now, id, Method::Bye, Headers::new(), None);
                } else if response.status == StatusCode(183) && self.chance(2) {
                    endpoint.cancel(now, client, None);
                }
            }
            Event::Unacknowledged { dialog } | Event::Acknowledged { dialog, .. } => {
                let method = [Method::Bye, Method::Invite, Method::Info][self.random.next_u32() as usize % 3].clone();
                let _ = endpoint.request_in_dialog(now, dialog, method, Headers::new(), None);
            }
            Event::ProvisionalUnacknowledged { server, .. } => {
                endpoint.respond(now, server, Reply::new(504));
            }
            _ => {}
        }
    }

    /// Answers what is unanswered and ends all dialogs.
    fn leave(&mut self, endpoint: &mut Endpoint, now: Time) {
        for server in self.unanswered.drain(..) {
            endpoint.respond(now, server, Reply::new(480));
        }
        for id in self.dialogs.drain(..) {
            endpoint.drop_dialog(id);
        }
    }
}

fn assert_bounded(endpoint: &Endpoint) {
    let counts = endpoint.counts();
    assert!(counts.servers <= 450 && counts.clients <= 600 && counts.dialogs <= 300, "{counts:?}");
    assert!(counts.timers <= 20_000, "{counts:?}");
}

#[test]
fn mutated_messages_neither_break_nor_fill_the_endpoint() {
    for seed in 0..10 {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let mut user = User { random, unanswered: Vec::new(), dialogs: Vec::new() };
        let mut alone = Alone::with(Transport::Udp, Config { limits: LIMITS, ..Config::default() });
        let seeds = seeds(&mut alone);
        // What the seeds have begun is the user's to end.
        user.unanswered.push(ServerId(1));
        user.dialogs.push(DialogId(1));
        for number in 0..6_000 {
            alone.now += Time::from_millis(u64::from(user.random.next_u32() % 40));
            let mut way = flow(if number % 7 == 0 { Transport::Tcp } else { Transport::Udp });
            way.remote.set_port(5_070 + (user.random.next_u32() % 3) as u16);
            alone.endpoint.handle_message(alone.now, way, &Bytes::from(mutate(&mut user.random, &seeds)));
            if user.chance(50) {
                alone.endpoint.handle_closed(alone.now, &way);
            }
            while alone.endpoint.poll_timeout().is_some_and(|deadline| deadline.at <= alone.now) {
                alone.endpoint.handle_timeout(alone.now);
            }
            user.react(&mut alone.endpoint, alone.now);
            assert_bounded(&alone.endpoint);
        }
        let statistics = alone.endpoint.statistics();
        assert!(statistics.malformed > 100 && statistics.refused > 100, "the storm is one: {statistics:?}");
        works_as_before(&mut alone, &mut user);
    }
}

fn works_as_before(alone: &mut Alone, user: &mut User) {
    let text = Ask { call_id: "after".into(), ..Ask::new("OPTIONS").branch("z9hG4bKafter") };
    alone.hear(text.to_string());
    let Some(Event::Request { server, .. }) = alone.endpoint.poll_event() else { panic!("a request is told") };
    alone.endpoint.respond(alone.now, server, Reply::new(200));
    let answer = alone.endpoint.poll_transmit().expect("it is answered");
    assert!(answer.bytes.starts_with(b"SIP/2.0 200"));
    user.leave(&mut alone.endpoint, alone.now);
    while let Some(deadline) = alone.endpoint.poll_timeout() {
        alone.now = alone.now.max(deadline.at);
        alone.endpoint.handle_timeout(alone.now);
        user.react(&mut alone.endpoint, alone.now);
        user.leave(&mut alone.endpoint, alone.now);
    }
    assert_eq!(alone.endpoint.counts(), Counts::default());
    assert!(alone.endpoint.is_idle());
}

#[test]
fn noise_is_dropped() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut alone = Alone::new(Transport::Udp);
    for _ in 0..20_000 {
        let mut noise = vec![0; random.next_u32() as usize % 200];
        random.fill_bytes(&mut noise);
        alone.hear_bytes(noise);
    }
    assert!(alone.said().is_empty() && alone.events().is_empty() && alone.endpoint.is_idle());
    assert_eq!(alone.endpoint.statistics().malformed, 20_000);
}
