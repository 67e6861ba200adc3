//! Two phones, each an endpoint with a few habits, and the link between them, in virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::dialog::DialogId;
use sip::endpoint::{Body, Config, Counts, Event, OutgoingRequest, Reply, ServerId};
use sip::header::CSeq;
use sip::message::HeaderName;
use sip::transport::ConnectionId;
use sip::{Endpoint, Flow, Headers, Message, Method, Time, Transport};

use crate::alone::{line, party, uri};

/// What the caller does, and the callee with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// REGISTER, challenged once.
    Register,
    /// Rings, is answered, the caller hangs up.
    Call,
    /// Rings reliably twice, is answered, the callee hangs up.
    ReliableCall,
    /// Is answered, the caller holds by re-INVITE, hangs up.
    Hold,
    /// Is answered, both hang up at once.
    BothHangUp,
    /// Is refused.
    Busy,
    /// Rings, the caller gives up.
    GiveUp,
    /// The caller gives up in the moment the callee answers.
    GiveUpTooLate,
}

pub const STORIES: [Story; 8] = [
    Story::Register,
    Story::Call,
    Story::ReliableCall,
    Story::Hold,
    Story::BothHangUp,
    Story::Busy,
    Story::GiveUp,
    Story::GiveUpTooLate,
];

/// What the link does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Deliver,
    Lose,
    /// Delivered, and again after this many milliseconds.
    Twice(u64),
    /// Delivered after this many milliseconds more.
    Late(u64),
    /// The connection breaks before it arrives.
    Break,
}

const CALLER: usize = 0;
const CALLEE: usize = 1;
const LATENCY: Duration = Duration::from_millis(20);
/// After so many milliseconds without the other's voice a phone hangs up.
const SILENCE: u64 = 120_000;

struct Phone {
    endpoint: Endpoint,
    address: SocketAddr,
    dialog: Option<DialogId>,
    /// What it will remember of the story, one word each, in order.
    diary: Vec<&'static str>,
    /// Requests and final answers told, to find one told twice.
    told: Vec<String>,
    /// What it will do later.
    plans: Vec<(Time, Plan)>,
}

#[derive(Debug, Clone, Copy)]
enum Plan {
    Answer(ServerId),
    NoAnswer(ServerId),
    GiveUp(sip::endpoint::ClientId),
    HangUp(DialogId),
}

pub struct Pair {
    pub now: Time,
    story: Story,
    transport: Transport,
    phones: [Phone; 2],
    in_flight: BTreeMap<(Time, usize), (usize, Flow, Bytes)>,
    connection: Option<ConnectionId>,
    fate: Box<dyn FnMut(usize) -> Fate>,
    /// Every message that was sent, as a line.
    pub ladder: Vec<String>,
}

impl Pair {
    pub fn new(story: Story, transport: Transport, fate: impl FnMut(usize) -> Fate + 'static) -> Pair {
        let phone = |host: u8| Phone {
            endpoint: Endpoint::new(Config::default(), [host; 32]),
            address: SocketAddr::from(([192, 0, 2, host], 5060)),
            dialog: None,
            diary: Vec::new(),
            told: Vec::new(),
            plans: Vec::new(),
        };
        Pair {
            now: Time::from_secs(1),
            story,
            transport,
            phones: [phone(1), phone(2)],
            in_flight: BTreeMap::new(),
            connection: None,
            fate: Box::new(fate),
            ladder: Vec::new(),
        }
    }

    fn flow(&self, from: usize) -> Flow {
        let (local, remote) = (self.phones[from].address, self.phones[1 - from].address);
        Flow { transport: self.transport, local, remote, connection: self.connection }
    }

    /// The whole story, until nothing happens any more.
    pub fn run(&mut self) {
        let method = if self.story == Story::Register { Method::Register } else { Method::Invite };
        let parties = (party("sip:alice@example.com"), party("sip:bob@example.com"));
        let mut request = OutgoingRequest::new(method, uri("sip:bob@example.com"), self.flow(CALLER), parties);
        request.body = (self.story != Story::Register).then(|| Body::sdp("v=0\r\n"));
        let client = self.phones[CALLER].endpoint.request(self.now, request);
        if matches!(self.story, Story::GiveUp | Story::GiveUpTooLate) {
            let patience = if self.story == Story::GiveUp { 3_000 } else { 1_000 };
            let at = self.now + Duration::from_millis(patience);
            self.phones[CALLER].plans.push((at, Plan::GiveUp(client)));
        }
        self.drain();
        for _ in 0..10_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the story does not end:\n{}", self.ladder.join("\n"));
    }

    /// The next thing that is due; `false` if nothing is.
    fn step(&mut self) -> bool {
        let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
        let plan = self.phones.iter().flat_map(|phone| &phone.plans).map(|(at, _)| *at).min();
        let timeouts = self.phones.iter().filter_map(|phone| phone.endpoint.poll_timeout()).map(|deadline| deadline.at);
        let Some(next) = timeouts.chain(arrival).chain(plan).min() else { return false };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            if let Some((_, (to, flow, bytes))) = self.in_flight.pop_first() {
                self.phones[to].endpoint.handle_message(self.now, flow, &bytes);
            }
        } else if plan == Some(next) {
            self.carry_out_plans();
        } else {
            for phone in &mut self.phones {
                phone.endpoint.handle_timeout(self.now);
            }
        }
        self.drain();
        true
    }

    fn drain(&mut self) {
        for place in [CALLER, CALLEE] {
            while let Some(event) = self.phones[place].endpoint.poll_event() {
                self.note(place, &event);
                if place == CALLER { self.caller(event) } else { self.callee(event) }
            }
            while let Some(transmit) = self.phones[place].endpoint.poll_transmit() {
                self.carry(place, transmit.flow, transmit.bytes);
            }
        }
    }

    fn carry(&mut self, from: usize, flow: Flow, bytes: Bytes) {
        let message = Message::parse(&bytes).expect("what the endpoint writes can be read");
        let index = self.ladder.len();
        let fate = (self.fate)(index);
        self.ladder.push(format!("{:>6} {} {} {fate:?}", self.now.as_millis(), ["→", "←"][from], line(&message)));
        let is_stream = self.transport.is_reliable();
        if fate == Fate::Break && is_stream {
            return self.break_connection(flow);
        }
        if is_stream && flow.connection.is_none() {
            self.connection = Some(ConnectionId(1 + index as u64));
        } else if is_stream && flow.connection != self.connection {
            // The connection it would go along is gone.
            return self.phones[from].endpoint.handle_closed(self.now, &flow);
        }
        let arrives = self.flow(1 - from);
        let mut send = |delay: u64| {
            let at = self.now + LATENCY + Duration::from_millis(delay);
            let copy = self.in_flight.len() + 10 * index;
            self.in_flight.insert((at, copy), (1 - from, arrives, bytes.clone()));
        };
        match fate {
            Fate::Deliver => send(0),
            Fate::Late(delay) => send(delay),
            Fate::Twice(delay) => {
                send(0);
                send(delay);
            }
            Fate::Lose | Fate::Break => {}
        }
    }

    fn break_connection(&mut self, flow: Flow) {
        self.in_flight.clear();
        let old = flow.connection.or(self.connection);
        self.connection = None;
        for place in [CALLER, CALLEE] {
            let closed = Flow { connection: old, ..self.flow(place) };
            self.phones[place].endpoint.handle_closed(self.now, &closed);
        }
        self.drain();
    }

    /// Nothing may be told twice.
    fn note(&mut self, place: usize, event: &Event) {
        let told = match event {
            // A challenge is sent statelessly: what it answers may be told again.
            Event::Request { request, .. }
                if request.method == Method::Register && !request.headers.contains(&HeaderName::Authorization) =>
            {
                return;
            }
            Event::Request { request, .. } => {
                let cseq: CSeq = request.headers.typed().expect("a request has CSeq");
                format!("{} {}", request.method, cseq.number)
            }
            Event::Response { client, response, .. } if response.status.is_final() => format!("{client:?}"),
            Event::Failed { client, .. } => format!("{client:?}"),
            Event::Response { .. } | Event::ProvisionalAcknowledged { .. } => return,
            // Once for each of the two INVITEs.
            Event::Acknowledged { .. } if self.story == Story::Hold => return,
            other => format!("{other:?}"),
        };
        let told_before = &mut self.phones[place].told;
        assert!(!told_before.contains(&told), "{told} is told twice:\n{}", self.ladder.join("\n"));
        told_before.push(told);
    }

    fn plan(&mut self, place: usize, (delay, plan): (u64, Plan)) {
        let at = self.now + Duration::from_millis(delay);
        self.phones[place].plans.push((at, plan));
    }

    fn write(&mut self, place: usize, word: &'static str) {
        self.phones[place].diary.push(word);
    }

    fn caller(&mut self, event: Event) {
        let story = self.story;
        match event {
            Event::Response { response, dialog, .. } if response.status.is_success() => {
                match response.headers.typed::<CSeq>().map(|cseq| cseq.method) {
                    Ok(Method::Register) => self.write(CALLER, "registered"),
                    Ok(Method::Invite) => self.caller_answered(dialog),
                    Ok(Method::Bye) => self.write(CALLER, "ended"),
                    _ => {}
                }
            }
            Event::Response { response, .. } if response.status.0 == 401 && story == Story::Register => {
                let parties = (party("sip:alice@example.com"), party("sip:bob@example.com"));
                let flow = self.flow(CALLER);
                let mut again = OutgoingRequest::new(Method::Register, uri("sip:bob@example.com"), flow, parties);
                again.headers.push(HeaderName::Authorization, "Digest username=\"alice\"");
                again.call_id = response.headers.get(&HeaderName::CallId).cloned().map(sip::message::Text::from);
                again.cseq = Some(2);
                self.phones[CALLER].endpoint.request(self.now, again);
            }
            Event::Response { response, .. } if response.status.is_failure() => self.write(CALLER, "refused"),
            Event::Failed { .. } => self.write(CALLER, "failed"),
            other => self.either(CALLER, other),
        }
    }

    fn caller_answered(&mut self, dialog: Option<DialogId>) {
        let Some(id) = dialog else { return };
        let first = self.phones[CALLER].dialog.replace(id).is_none();
        self.phones[CALLER].endpoint.ack(self.now, id, None);
        self.write(CALLER, if first { "answered" } else { "held" });
        self.plan(CALLER, (SILENCE, Plan::HangUp(id)));
        if self.story == Story::Hold && first {
            let body = Some(Body::sdp("v=0\r\na=sendonly\r\n"));
            let held =
                self.phones[CALLER].endpoint.request_in_dialog(self.now, id, Method::Invite, Headers::new(), body);
            held.expect("the call is up and no INVITE is under way");
            return;
        }
        match self.story {
            Story::ReliableCall => {}
            Story::GiveUpTooLate => self.plan(CALLER, (0, Plan::HangUp(id))),
            _ => self.plan(CALLER, (5_000, Plan::HangUp(id))),
        }
    }

    fn callee(&mut self, event: Event) {
        match event {
            Event::Request { server, request, dialog, .. } => match request.method {
                Method::Register => {
                    let known = request.headers.contains(&HeaderName::Authorization);
                    self.phones[CALLEE].endpoint.respond(self.now, server, Reply::new(if known { 200 } else { 401 }));
                }
                Method::Invite if dialog.is_some() => {
                    let body = Body::sdp("v=0\r\na=recvonly\r\n");
                    self.phones[CALLEE].endpoint.respond(self.now, server, Reply::new(200).with_body(body));
                }
                Method::Invite => self.callee_invited(server),
                _ => self.either(CALLEE, Event::Request { server, request, dialog, flow: self.flow(CALLEE) }),
            },
            Event::Acknowledged { dialog, .. } => {
                let first = self.phones[CALLEE].dialog.replace(dialog).is_none();
                if first {
                    self.write(CALLEE, "up");
                    let wait =
                        if self.story == Story::ReliableCall { 1_000 } else { 5_000 - LATENCY.as_millis() as u64 };
                    if matches!(self.story, Story::ReliableCall | Story::BothHangUp) {
                        self.plan(CALLEE, (wait, Plan::HangUp(dialog)));
                    }
                }
            }
            Event::Cancelled { .. } => self.write(CALLEE, "cancelled"),
            Event::Unacknowledged { dialog } => {
                self.write(CALLEE, "unacknowledged");
                self.plan(CALLEE, (0, Plan::HangUp(dialog)));
            }
            Event::ProvisionalUnacknowledged { server, .. } => {
                self.phones[CALLEE].endpoint.respond(self.now, server, Reply::new(504));
            }
            other => self.either(CALLEE, other),
        }
    }

    fn callee_invited(&mut self, server: ServerId) {
        if self.story == Story::Busy {
            self.phones[CALLEE].endpoint.respond(self.now, server, Reply::new(486));
            return;
        }
        let reply = |status: u16| match self.story {
            Story::ReliableCall => Reply::new(status).with_body(Body::sdp("v=0\r\n")).reliably(),
            _ => Reply::new(status),
        };
        let early = if self.story == Story::ReliableCall { vec![reply(183), reply(180)] } else { vec![reply(180)] };
        for reply in early {
            self.phones[CALLEE].endpoint.respond(self.now, server, reply);
        }
        match self.story {
            Story::GiveUp => self.plan(CALLEE, (SILENCE, Plan::NoAnswer(server))),
            // Just when the CANCEL, sent a second after the INVITE, is in the air.
            Story::GiveUpTooLate => self.plan(CALLEE, (990, Plan::Answer(server))),
            _ => self.plan(CALLEE, (500, Plan::Answer(server))),
        }
    }

    /// What either side does alike.
    fn either(&mut self, place: usize, event: Event) {
        if let Event::Request { server, request, .. } = event {
            if request.method == Method::Bye {
                self.write(place, "ended");
            }
            self.phones[place].endpoint.respond(self.now, server, Reply::new(200));
        }
    }

    fn carry_out_plans(&mut self) {
        for place in [CALLER, CALLEE] {
            let plans = std::mem::take(&mut self.phones[place].plans);
            let (due, later) = plans.into_iter().partition(|(at, _)| *at <= self.now);
            self.phones[place].plans = later;
            for (_, plan) in due {
                let endpoint = &mut self.phones[place].endpoint;
                match plan {
                    Plan::Answer(server) => {
                        let reply = Reply::new(200).with_body(Body::sdp("v=0\r\n"));
                        if let Some(id) = endpoint.respond(self.now, server, reply) {
                            let silence = self.now + Duration::from_millis(SILENCE);
                            self.phones[place].plans.push((silence, Plan::HangUp(id)));
                        }
                    }
                    Plan::NoAnswer(server) => {
                        endpoint.respond(self.now, server, Reply::new(480));
                    }
                    Plan::GiveUp(client) => endpoint.cancel(self.now, client, None),
                    // It may be over already.
                    Plan::HangUp(id) => {
                        let _ = endpoint.request_in_dialog(self.now, id, Method::Bye, Headers::new(), None);
                    }
                }
            }
        }
    }

    /// What each will remember: caller, callee.
    pub fn diaries(&self) -> [&[&'static str]; 2] {
        [&self.phones[CALLER].diary, &self.phones[CALLEE].diary]
    }

    /// Nothing may be left behind on either side, whatever happened.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        for phone in &self.phones {
            let ladder = || self.ladder.join("\n");
            assert_eq!(phone.endpoint.counts(), Counts::default(), "{:?}\n{}", self.story, ladder());
            assert!(phone.endpoint.is_idle(), "{:?}\n{}", self.story, ladder());
        }
    }
}
