//! The beginning of a call: from the caller's authenticated INVITE to the INVITEs that ring the called phones.

use bytes::Bytes;
use sip::endpoint::{Reply, ServerId};
use sip::header::MaxForwards;
use sip::message::HeaderName;
use sip::sdp::SessionDescription;
use sip::{Flow, Headers, Request, Uri};
use smallvec::SmallVec;

use super::audio::Audio;
use super::callee::{Callee, address_of};
use super::cause::Cause;
use super::ladder::{self, Ladder};
use super::leg::new_record;
use super::session_timer::{self, Asked as AskedTimer, SessionTimer};
use super::waiting::Destination;
use super::{Address, AddressKind, CALLER, Call, CallKey, Calls, Direction, Failure, Leg, LegKey, Peer, Stage};
use crate::conference::{dialled_id, rooms};
use crate::context::Context;
use crate::directory::{Directory, Extension};
use crate::event::EventKind;
use crate::limits;
use crate::registrar::{Binding, Registrar};
use crate::reply;
use crate::timers::Timer;

/// An INVITE whose sender has proved who it is.
#[derive(Debug)]
pub struct Invitation {
    /// To be answered.
    pub server: ServerId,
    /// The way it came.
    pub flow: Flow,
    /// What it says.
    pub request: Box<Request>,
    /// Who calls.
    pub caller: Extension,
}

/// The tables that tell where a destination is.
pub struct Whereabouts<'a> {
    /// Who there is.
    pub directory: &'a Directory,
    /// Where they are.
    pub registrar: &'a Registrar,
}

/// Begins a call, or refuses it without making one.
pub fn handle_invitation(ctx: &mut Context, calls: &mut Calls, places: Whereabouts<'_>, invitation: Invitation) {
    let Invitation { server, request, .. } = &invitation;
    let server = *server;
    let checked = match check(ctx, calls, request) {
        Ok(checked) => checked,
        Err(refusal) => {
            ctx.totals.calls_refused += 1;
            ctx.sip.respond(ctx.now, server, *refusal);
            return;
        }
    };
    let key = calls.next_key();
    let number = dialled(&request.uri);
    let call_id = request.headers.get(&HeaderName::CallId).cloned().unwrap_or_default();
    let prelude = calls.preludes.take(&call_id);
    let mut call = begin(ctx, key, invitation, (checked, number.clone(), prelude));
    let found = find(ctx, &mut call, places, &number);
    if let Ok(Destination::Conference { id, .. }) = &found {
        call.lane = rooms::lane(ctx, *id).unwrap_or(call.lane);
    }
    match found {
        Ok(destination) if calls.waiting.is_needed(ctx, (call.lane, destination.pairs())) => {
            call.wait_for_ports(ctx, destination);
            calls.waiting.push(key);
        }
        Ok(destination) => call.proceed(ctx, &destination),
        Err(cause) => call.refuse(ctx, Failure::of(cause)),
    }
    calls.insert(ctx, call);
}

/// What an INVITE asks for, found to be possible.
struct Checked {
    offer: Option<SessionDescription>,
    timer: AskedTimer,
    max_forwards: u8,
}

/// Refuses what cannot become a call.
fn check(ctx: &Context, calls: &Calls, request: &Request) -> Result<Checked, Box<Reply>> {
    if ctx.draining {
        return Err(reply::retry_after(503, 30));
    }
    if calls.len() >= limits::CALLS {
        return Err(reply::retry_after(503, 5));
    }
    let max_forwards = request.headers.typed_opt::<MaxForwards>().map_err(|_| reply::bad_request("Max-Forwards"))?;
    let max_forwards = max_forwards.map_or(70, |hops| hops.0.min(70));
    if max_forwards == 0 {
        return Err(Box::new(Reply::new(483)));
    }
    let timer = session_timer::asked(&request.headers).map_err(|_| reply::bad_request("Session-Expires"))?;
    if timer == AskedTimer::TooSmall {
        let mut headers = Headers::new();
        session_timer::min_se_header(&mut headers);
        return Err(Box::new(Reply::new(422).with_headers(headers)));
    }
    let offer = match request.body.is_empty() {
        true => None,
        false => Some(read_offer(ctx, request)?),
    };
    Ok(Checked { offer, timer, max_forwards })
}

fn read_offer(ctx: &Context, request: &Request) -> Result<SessionDescription, Box<Reply>> {
    if !reply::carries_sdp(&request.headers) {
        let mut headers = Headers::new();
        headers.push(HeaderName::Accept, "application/sdp");
        return Err(Box::new(Reply::new(415).with_headers(headers)));
    }
    let offer = SessionDescription::parse(&request.body).map_err(|_| reply::bad_request("SDP"))?;
    if !Audio::can_answer(&ctx.settings, &offer) {
        return Err(Box::new(Reply::new(488).with_headers(reply::reason(Cause::INCOMPATIBLE))));
    }
    Ok(offer)
}

/// What the caller dialled: the user part, whatever the scheme. In `conference:<id>` the id stands where a password would.
fn dialled(uri: &Uri) -> String {
    let user = uri.user_unescaped().map(|user| user.into_owned()).unwrap_or_default();
    match uri.password() {
        Some(id) if user == "conference" => format!("{user}:{id}"),
        _ => user,
    }
}

fn begin(
    ctx: &mut Context,
    key: CallKey,
    invitation: Invitation,
    parts: (Checked, String, Vec<ladder::Noted>),
) -> Call {
    let Invitation { server, flow, request, caller } = invitation;
    let (checked, number, prelude) = parts;
    ctx.totals.calls += 1;
    let id = ctx.uuid();
    let source = address_of(&caller);
    let destination = Address { kind: AddressKind::Extension, target: number, target_name: String::new() };
    let mut record = new_record(id, Direction::Incoming, (source, destination), ctx.unix());
    record.peer = describe(&flow);
    let call_id = request.headers.get(&HeaderName::CallId).cloned().unwrap_or_default();
    record.sip_call_id = String::from_utf8_lossy(&call_id).into_owned();
    let leg_key = LegKey { call: key, place: CALLER as u8 };
    ctx.index.servers.insert(server, leg_key);
    ctx.index.records.insert(id, leg_key);
    ctx.index.sip_call_ids.insert(Bytes::copy_from_slice(record.sip_call_id.as_bytes()), leg_key);
    let ladder = Ladder::new((id, caller.extension.clone(), record.peer.clone()), prelude);
    let agreed = match checked.timer {
        AskedTimer::Agreed { agreed, .. } => Some(agreed),
        _ => None,
    };
    let leg = Leg {
        key: leg_key,
        record,
        peer: Peer::Extension(caller.id),
        flow,
        stage: Stage::Incoming { server },
        callee: None,
        dialog: None,
        audio: Audio::default(),
        recording: None,
        session: SessionTimer { agreed, ..SessionTimer::default() },
        acknowledged: false,
        timer: None,
        seat: None,
        playing: None,
    };
    let (offer, max_forwards) = (checked.offer, checked.max_forwards);
    let legs = SmallVec::from_iter([leg]);
    let lane = ctx.ports.calmest();
    let mut call = Call {
        key,
        lane,
        legs,
        bridged: None,
        waiting: None,
        offer,
        failure: None,
        max_forwards,
        purpose: None,
        digits_told: (0, 0),
        chained: Vec::new(),
        run: None,
        ladder,
        limit: None,
    };
    let at = ctx.unix();
    let accepted = format!("{} has proved its password", caller.extension);
    call.ladder.internal(at, (ladder::SIP, ladder::CALL), "INVITE", accepted);
    ctx.sip.respond(ctx.now, server, Reply::new(100));
    call.state(ctx, CALLER, EventKind::CallCreated);
    call
}

/// Looks the destination up; the cause says why it cannot be called.
fn find(ctx: &Context, call: &mut Call, places: Whereabouts<'_>, number: &str) -> Result<Destination, Cause> {
    let at = ctx.unix();
    call.ladder.internal(at, (ladder::CALL, ladder::REGISTRAR), format!("where is {number}?"), String::new());
    let conference = dialled_id(number).and_then(|id| ctx.conferences.get(id));
    if let Some(conference) = conference.or_else(|| ctx.conferences.by_number(number)) {
        let (id, name) = (conference.id, conference.name.clone());
        call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), "a conference", name.clone());
        return Ok(Destination::Conference { id, name });
    }
    if let Some(called) = ctx.numbers.by_number(number) {
        let flow = called.call_flow_id.and_then(|id| ctx.flows.get(id));
        let words = flow.map_or("a number without a flow", |_| "a number");
        let name = flow.map(|flow| flow.name.clone()).unwrap_or_default();
        call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), words, name);
        return flow.map(|flow| Destination::Flow(Box::new(flow.clone()))).ok_or(Cause::UNALLOCATED);
    }
    let Some(extension) = places.directory.by_number(number) else {
        call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), "no such extension", String::new());
        return Err(Cause::UNALLOCATED);
    };
    let mut contacts = places.registrar.contacts(extension.id, at);
    contacts.retain(|binding| binding.flow != call.legs[CALLER].flow);
    if contacts.is_empty() {
        call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), "not registered", String::new());
        return Err(Cause::ABSENT);
    }
    let list: Vec<&str> = contacts.iter().map(|binding| binding.contact.as_str()).collect();
    call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), format!("{} contact(s)", list.len()), list.join("\n"));
    Ok(Destination::Phones { extension: extension.clone(), contacts })
}

impl Call {
    /// Goes where the call is to go.
    pub fn proceed(&mut self, ctx: &mut Context, destination: &Destination) {
        match destination {
            Destination::Phones { extension, contacts } => self.ring(ctx, extension, contacts),
            Destination::Conference { id, name } => self.go_into_conference(ctx, *id, name),
            Destination::Flow(flow) => self.enter_flow(ctx, flow),
            Destination::Callee => self.ring_first(ctx),
        }
    }

    /// Rings every contact at once. The caller's port is taken first: nobody is rung for a call that could not be answered.
    fn ring(&mut self, ctx: &mut Context, extension: &Extension, contacts: &[Binding]) {
        self.legs[CALLER].record.destination = address_of(extension);
        if let Err(cause) = self.legs[CALLER].audio.reserve(ctx, self.lane) {
            return self.refuse(ctx, Failure::of(cause));
        }
        let group = ctx.uuid();
        for binding in contacts {
            let rung = Callee::of_contact(extension, binding).and_then(|callee| self.ring_callee(ctx, callee, group));
            if let Err(cause) = rung {
                self.note_failure(Failure::of(cause));
            }
        }
        if self.legs.len() == 1 {
            let failure = self.failure.unwrap_or(Failure::of(Cause::CONGESTION));
            return self.refuse(ctx, failure);
        }
        self.state(ctx, CALLER, EventKind::CallUpdated);
        self.limit = Some(ctx.arm(ctx.settings.dial_timeout, Timer::DialTimeout(self.key)));
    }

    /// Notes in the ladder that a stream was opened.
    pub fn note_open(&mut self, ctx: &Context, audio: &Audio, place: usize) {
        let label = format!("open port {}", audio.port());
        let who = if self.legs.get(place).is_some_and(|leg| leg.record.direction == Direction::Incoming) {
            "for the caller"
        } else {
            "for the called phone"
        };
        self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), label, who.into());
    }
}

/// `udp 192.0.2.7:5060`.
pub fn describe(flow: &Flow) -> String {
    format!("{} {}", flow.transport.name().to_ascii_lowercase(), flow.remote)
}
