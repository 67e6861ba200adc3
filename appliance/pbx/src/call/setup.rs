//! The beginning of a call: from the caller's authenticated INVITE to the INVITEs that ring the called phones.

use bytes::Bytes;
use sip::endpoint::{Reply, ServerId};
use sip::header::{From, MaxForwards, PAssertedIdentity, To};
use sip::message::HeaderName;
use sip::sdp::{Encryption, SessionDescription};
use sip::{Flow, Headers, Request, Transport, Uri};
use smallvec::SmallVec;

use super::audio::Audio;
use super::callee::{Callee, address_of};
use super::cause::Cause;
use super::ladder::{self, Ladder};
use super::leg::new_record;
use super::outbound::no_way;
use super::pickup::Pickup;
use super::session_timer::{self, Asked as AskedTimer, SessionTimer};
use super::waiting::Destination;
use super::{
    Address, AddressKind, CALLER, Call, CallKey, Calls, Direction, Failure, Leg, LegKey, Peer, Presented, Stage, Way,
    guest,
};
use crate::authentication::Caller;
use crate::billing::CostType;
use crate::conference::{dialled_id, rooms};
use crate::context::Context;
use crate::directory::route::telephone_number;
use crate::directory::{Directory, Extension, Number, NumberKind};
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
    pub caller: Caller,
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
    let Invitation { server, flow, request, caller } = &invitation;
    let (server, is_inside) = (*server, matches!(caller, Caller::Extension(_)));
    let led_to = if let Caller::Guest(to) = caller { Some(*to) } else { None };
    let checked = guest::check(calls, caller).and_then(|()| check(ctx, calls, (caller, flow.transport, request)));
    let mut checked = match checked {
        Ok(checked) => checked,
        Err(refusal) => {
            ctx.totals.calls_refused += 1;
            ctx.sip.respond(ctx.now, server, *refusal);
            return;
        }
    };
    let key = calls.next_key();
    let destination = destination_of(ctx, &places, (caller, request));
    let number = destination.target.clone();
    let call_id = request.headers.get(&HeaderName::CallId).cloned().unwrap_or_default();
    let prelude = calls.preludes.take(&call_id);
    let pickup = checked.pickup.take().map(Box::new);
    let mut call = begin(ctx, key, invitation, (checked, destination, prelude));
    let found = match (pickup, led_to) {
        (Some(pickup), _) => Ok(Destination::Pickup(pickup)),
        (None, Some(to)) => guest::find(ctx, &mut call, &places, to),
        (None, None) if is_inside => find(ctx, &mut call, places, &number),
        (None, None) => find_number(ctx, &mut call, &number).unwrap_or_else(|| {
            let at = ctx.unix();
            call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), "no such number", String::new());
            Err(Cause::UNALLOCATED)
        }),
    };
    let found = found.and_then(|destination| call.pay_for_coming_in(ctx, &number).map(|()| destination));
    match &found {
        Ok(Destination::Conference { id, .. }) => call.lane = rooms::lane(ctx, *id).unwrap_or(call.lane),
        Ok(Destination::Pickup(pickup)) => call.lane = pickup.lane,
        _ => {}
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

/// Whom an INVITE calls, as records show it.
fn destination_of(ctx: &Context, places: &Whereabouts<'_>, (caller, request): (&Caller, &Request)) -> Address {
    let (kind, target) = match caller {
        Caller::Extension(_) => (AddressKind::Extension, dialled(&request.uri)),
        Caller::Trunk(_) | Caller::Provider(_) => (AddressKind::Tel, called(ctx, request)),
        Caller::Guest(to) => return guest::destination(ctx, places, *to),
    };
    Address { kind, target, target_name: String::new() }
}

/// What an INVITE asks for, found to be possible.
struct Checked {
    offer: Option<SessionDescription>,
    timer: AskedTimer,
    max_forwards: u8,
    pickup: Option<Pickup>,
}

/// Refuses what cannot become a call.
fn check(
    ctx: &Context,
    calls: &Calls,
    (caller, transport, request): (&Caller, Transport, &Request),
) -> Result<Checked, Box<Reply>> {
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
        false => Some(read_offer(ctx, (transport, encryption_with(caller)), request)?),
    };
    let pickup = Pickup::wanted(ctx, calls, (caller, request))?;
    Ok(Checked { offer, timer, max_forwards, pickup })
}

/// Whether the audio of a caller is encrypted, where that is set of it.
fn encryption_with(caller: &Caller) -> Option<Encryption> {
    match caller {
        Caller::Extension(extension) => extension.encryption,
        Caller::Provider(provider) => provider.data.encryption,
        Caller::Trunk(_) | Caller::Guest(_) => None,
    }
}

fn read_offer(
    ctx: &Context,
    by: (Transport, Option<Encryption>),
    request: &Request,
) -> Result<SessionDescription, Box<Reply>> {
    if !reply::carries_sdp(&request.headers) {
        let mut headers = Headers::new();
        headers.push(HeaderName::Accept, "application/sdp");
        return Err(Box::new(Reply::new(415).with_headers(headers)));
    }
    let offer = SessionDescription::parse(&request.body).map_err(|_| reply::bad_request("SDP"))?;
    Audio::can_answer(&ctx.settings, by, &offer).map_err(reply::not_acceptable)?;
    Ok(offer)
}

/// What the caller dialled: the user part, whatever the scheme. In `conference:<id>` the id stands where a password would.
pub fn dialled(uri: &Uri) -> String {
    let user = uri.user_unescaped().map(|user| user.into_owned()).unwrap_or_default();
    match uri.password() {
        Some(id) if user == "conference" => format!("{user}:{id}"),
        _ => user,
    }
}

/// The number that a trunk calls: what it asks for, or whom it says it is for, whichever is a number of ours.
fn called(ctx: &Context, request: &Request) -> String {
    let asked = dialled(&request.uri);
    let meant = request.headers.typed::<To>().map(|to| dialled(to.uri())).unwrap_or_default();
    let is_ours = number_of(ctx, &asked).is_none() && number_of(ctx, &meant).is_some();
    if is_ours { meant } else { asked }
}

/// A number as trunks write it, with or without its `+`.
fn number_of<'a>(ctx: &'a Context, number: &str) -> Option<&'a Number> {
    let other = number.strip_prefix('+').map_or_else(|| format!("+{number}"), str::to_string);
    ctx.numbers.by_number(number).or_else(|| ctx.numbers.by_number(&other))
}

/// Who calls, as records show it: for a trunk, what it vouches for (RFC 3325), or else what it says.
fn source_of(caller: &Caller, request: &Request) -> Address {
    match caller {
        Caller::Extension(extension) => return address_of(extension),
        Caller::Guest(_) => return guest::source(request),
        Caller::Trunk(_) | Caller::Provider(_) => {}
    }
    let asserted = request.headers.list::<PAssertedIdentity>().ok().and_then(|list| list.into_iter().next());
    let stated = request.headers.typed::<From>().ok().map(|from| from.address);
    let identity = asserted.map(|asserted| asserted.0).or(stated);
    let (target, target_name) = match &identity {
        Some(identity) => (
            dialled(&identity.uri).chars().filter(|c| !c.is_control()).take(64).collect(),
            identity.display_name().unwrap_or_default().chars().filter(|c| !c.is_control()).take(128).collect(),
        ),
        None => (String::new(), String::new()),
    };
    Address { kind: AddressKind::Tel, target, target_name }
}

/// A caller, as its call and its ladder name it.
struct Met {
    peer: Peer,
    name: String,
    proof: String,
}

fn meet(caller: &Caller, source: &Address) -> Met {
    match caller {
        Caller::Extension(extension) => Met {
            peer: Peer::Extension(extension.id),
            name: extension.extension.clone(),
            proof: format!("{} has proved its password", extension.extension),
        },
        Caller::Trunk(trunk) => Met {
            peer: Peer::Trunk(trunk.id),
            name: source.target.clone(),
            proof: format!("from the trunk {}", trunk.data.domain_name),
        },
        Caller::Provider(provider) => Met {
            peer: Peer::Provider(provider.id),
            name: source.target.clone(),
            proof: format!("from the provider {}", provider.data.hostname),
        },
        Caller::Guest(to) => Met {
            peer: Peer::Guest,
            name: source.target.clone(),
            proof: format!("a guest knows the direct hash of the {}", to.kind()),
        },
    }
}

/// Whether the caller does not want to be known to those beyond the box.
fn wants_privacy(request: &Request) -> bool {
    let asked = request.headers.get_str(&HeaderName::Privacy).unwrap_or_default().to_ascii_lowercase();
    asked.split(';').any(|word| matches!(word.trim(), "id" | "user" | "header"))
}

fn begin(
    ctx: &mut Context,
    key: CallKey,
    invitation: Invitation,
    parts: (Checked, Address, Vec<ladder::Noted>),
) -> Call {
    let Invitation { server, flow, request, caller } = invitation;
    let (checked, destination, prelude) = parts;
    ctx.totals.calls += 1;
    let id = ctx.uuid();
    let source = source_of(&caller, &request);
    let Met { peer, name, proof } = meet(&caller, &source);
    let audio = Audio::encrypted(encryption_with(&caller));
    let is_anonymous = wants_privacy(&request);
    let mut record = new_record(id, Direction::Incoming, (source, destination), ctx.unix());
    record.peer = describe(&flow);
    let call_id = request.headers.get(&HeaderName::CallId).cloned().unwrap_or_default();
    record.sip_call_id = String::from_utf8_lossy(&call_id).into_owned();
    let leg_key = LegKey { call: key, place: CALLER as u8 };
    ctx.index.servers.insert(server, leg_key);
    ctx.index.records.insert(id, leg_key);
    ctx.index.sip_call_ids.insert(Bytes::copy_from_slice(record.sip_call_id.as_bytes()), leg_key);
    let ladder = Ladder::new((id, name, record.peer.clone()), prelude);
    let agreed = match checked.timer {
        AskedTimer::Agreed { agreed, .. } => Some(agreed),
        _ => None,
    };
    let leg = Leg {
        session: SessionTimer { agreed, ..SessionTimer::default() },
        acknowledged: false,
        audio,
        ..Leg::new(leg_key, record, (peer, flow), Stage::Incoming { server })
    };
    let (offer, max_forwards) = (checked.offer, checked.max_forwards);
    let legs = SmallVec::from_iter([leg]);
    let mut call = Call { legs, offer, is_anonymous, max_forwards, ..Call::new(ctx, key, ladder) };
    let at = ctx.unix();
    call.ladder.internal(at, (ladder::SIP, ladder::CALL), "INVITE", proof);
    ctx.sip.respond(ctx.now, server, Reply::new(100));
    call.state(ctx, CALLER, EventKind::CallCreated);
    call
}

/// Looks the destination up; the cause says why it cannot be called.
pub fn find(ctx: &Context, call: &mut Call, places: Whereabouts<'_>, number: &str) -> Result<Destination, Cause> {
    let at = ctx.unix();
    call.ladder.internal(at, (ladder::CALL, ladder::REGISTRAR), format!("where is {number}?"), String::new());
    let conference = dialled_id(number).and_then(|id| ctx.conferences.get(id));
    if let Some(conference) = conference.or_else(|| ctx.conferences.by_number(number)) {
        let (id, name) = (conference.id, conference.name.clone());
        call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), "a conference", name.clone());
        return Ok(Destination::Conference { id, name });
    }
    if let Some(found) = find_number(ctx, call, number) {
        return found;
    }
    let Some(extension) = places.directory.by_number(number) else {
        let address = outside(number).unwrap_or_default();
        match Way::to(ctx, &address, call.is_anonymous) {
            Ok(way) => {
                call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), "beyond the box", address.target.clone());
                return Ok(Destination::Outside { address, way: Box::new(way) });
            }
            Err(Cause::REJECTED) => {
                call.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), no_way(Cause::REJECTED), address.target);
                return Err(Cause::REJECTED);
            }
            Err(_) => {}
        }
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

/// A number of ours leads into its flow. `None`: it is no number of ours.
fn find_number(ctx: &Context, call: &mut Call, number: &str) -> Option<Result<Destination, Cause>> {
    let is_outside = !matches!(call.legs[CALLER].peer, Peer::Extension(_));
    let found = if is_outside { number_of(ctx, number) } else { ctx.numbers.by_number(number) }?;
    call.rtp_debug = found.rtp_debug.then(Box::default);
    let flow = found.call_flow_id.and_then(|id| ctx.flows.get(id));
    let words = flow.map_or("a number without a flow", |_| "a number");
    let name = flow.map(|flow| flow.name.clone()).unwrap_or_default();
    call.ladder.internal(ctx.unix(), (ladder::REGISTRAR, ladder::CALL), words, name);
    Some(flow.map(|flow| Destination::Flow(Box::new(flow.clone()))).ok_or(Cause::UNALLOCATED))
}

/// What an extension dials that is nothing of the box: a telephone number, or `tel:` and one.
fn outside(number: &str) -> Option<Address> {
    let target = telephone_number(number)?;
    Some(Address { kind: AddressKind::Tel, target, target_name: String::new() })
}

impl Call {
    /// Goes where the call is to go.
    pub fn proceed(&mut self, ctx: &mut Context, destination: &Destination) {
        match destination {
            Destination::Phones { extension, contacts } => self.ring(ctx, extension, contacts),
            Destination::Conference { id, name } => self.go_into_conference(ctx, *id, name),
            Destination::Outside { address, way } => self.ring_outside(ctx, address, way),
            Destination::Pickup(pickup) => self.take_place(ctx, pickup),
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
        let presented = Presented::of_caller(ctx, self);
        for binding in contacts {
            let rung =
                Callee::of_contact(extension, binding).and_then(|callee| self.ring_callee(ctx, callee, &presented));
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

    /// Rings somebody beyond the box.
    fn ring_outside(&mut self, ctx: &mut Context, address: &Address, way: &Way) {
        self.legs[CALLER].record.destination = address.clone();
        if let Err(cause) = self.legs[CALLER].audio.reserve(ctx, self.lane) {
            return self.refuse(ctx, Failure::of(cause));
        }
        let presented = Presented::of_caller(ctx, self);
        self.limit = Some(ctx.arm(ctx.settings.dial_timeout, Timer::DialTimeout(self.key)));
        self.state(ctx, CALLER, EventKind::CallUpdated);
        if let Err(cause) = self.ring_out(ctx, (address, way.clone()), &presented) {
            self.refuse(ctx, Failure::of(cause));
        }
    }

    /// A call that a trunk or a provider brings may cost something.
    fn pay_for_coming_in(&mut self, ctx: &mut Context, number: &str) -> Result<(), Cause> {
        if matches!(self.legs[CALLER].peer, Peer::Extension(_) | Peer::Guest) {
            return Ok(());
        }
        let cost_type = match number_of(ctx, number).map(|number| number.kind) {
            Some(NumberKind::Virtual) => CostType::CallVn,
            _ => CostType::CallPstnIncoming,
        };
        let admission = self.pay_in_advance(ctx, cost_type)?;
        self.meter(CALLER, admission);
        Ok(())
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
