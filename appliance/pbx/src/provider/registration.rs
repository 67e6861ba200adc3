//! Our registrations with providers (RFC 3261 §10.2): kept up from the start, refreshed in time, tried again where they fail.

use std::net::SocketAddr;
use std::time::Duration;

use sip::endpoint::OutgoingRequest;
use sip::header::{Contact, ContactAddress, Expires, MinExpires, NameAddr, RetryAfter, Rport, Via};
use sip::message::{HeaderName, Text};
use sip::transaction::Failure;
use sip::transport::ConnectionId;
use sip::{Flow, Headers, Method, Response, Transport, Uri};
use uuid::Uuid;

use super::challenge::{self, Answered};
use super::{Standing, State, health, identity, tell};
use crate::context::Context;
use crate::directory::{Provider, ProviderData, Register};
use crate::index::Asked;
use crate::limits;
use crate::names::{self, Located, Place, Unresolved, Waiter};
use crate::public_address;
use crate::timers::{Timer, TimerId};

/// What goes on between us and one provider.
#[derive(Debug)]
pub struct Link {
    /// The provider.
    pub id: Uuid,
    /// How things stand.
    pub state: State,
    /// Where we registered last.
    pub registrar: Option<SocketAddr>,
    /// Its connection, where it speaks TLS.
    pub(super) connection: ConnectionId,
    pub(super) data: ProviderData,
    pub(super) health_timer: Option<TimerId>,
    pub(super) asks_health: bool,
    timer: Option<TimerId>,
    /// Whether a REGISTER of ours is under way.
    is_asking: bool,
    /// All REGISTERs of ours have the same (RFC 3261 §10.2.4).
    call_id: Text,
    tag: Text,
    cseq: u32,
    expires: u32,
    /// Where we said that we are reached, last and when the registrar last agreed.
    contact: Option<Uri>,
    agreed: Option<Uri>,
    /// Registrations in a row that only said where we are reached now.
    moves: u8,
    answered: Option<Answered>,
    /// How many challenges the attempt under way has answered.
    answers: u8,
    place: Option<Place>,
    failures: u32,
    /// The provider is deleted, or we are about to end: what is under way takes the registration back.
    is_leaving: bool,
}

impl Link {
    fn new(ctx: &mut Context, provider: &Provider) -> Link {
        let expires = provider.data.register.as_ref().map_or(0, |register| register.expires);
        Link {
            id: provider.id,
            state: State::default(),
            registrar: None,
            connection: ctx.links.new_connection(),
            data: provider.data.clone(),
            health_timer: None,
            asks_health: false,
            timer: None,
            is_asking: false,
            call_id: format!("{}@tandem", ctx.uuid().simple()).as_str().into(),
            tag: ctx.uuid().simple().to_string().as_str().into(),
            cseq: 0,
            expires,
            contact: None,
            agreed: None,
            moves: 0,
            answered: None,
            answers: 0,
            place: None,
            failures: 0,
            is_leaving: false,
        }
    }
}

/// Takes up a provider: registers where that is wanted, and asks whether it is there.
pub fn begin(ctx: &mut Context, provider: &Provider) {
    let mut link = Link::new(ctx, provider);
    if provider.data.registers() {
        link.state.standing = Standing::Registering;
    }
    ctx.links.links.insert(provider.id, link);
    identity::introduce(ctx, provider.id);
    attempt(ctx, provider.id);
    health::begin(ctx, provider.id);
}

/// A provider was changed: what was, is taken back, and it begins anew.
pub fn restart(ctx: &mut Context, provider: &Provider) {
    end(ctx, provider.id);
    begin(ctx, provider);
}

/// A provider is deleted, or we are about to end: takes our registration back.
pub fn end(ctx: &mut Context, id: Uuid) {
    let Some(mut link) = ctx.links.links.remove(&id) else { return };
    ctx.cancel(&mut link.timer);
    ctx.cancel(&mut link.health_timer);
    if let (Standing::Registered, Some(place)) = (link.state.standing, link.place) {
        // Under another name, so that the provider may begin anew meanwhile; whoever answers finds it by that.
        link.id = ctx.uuid();
        (link.is_leaving, link.state.standing, link.answers) = (true, Standing::Unregistered, 0);
        let leaving = link.id;
        ctx.links.links.insert(leaving, link);
        return send(ctx, leaving, place);
    }
    identity::dismiss(ctx, &link);
}

/// We are reached elsewhere: whoever was told otherwise is told now.
pub fn follow(ctx: &mut Context) {
    let mut all: Vec<Uuid> = ctx.links.links.keys().copied().collect();
    all.sort();
    for id in all {
        let Some(link) = ctx.links.links.get(&id) else { continue };
        if link.state.standing == Standing::Registered && !link.is_asking && has_moved(ctx, link) {
            attempt(ctx, id);
        }
    }
}

/// Whether we are reached elsewhere than the registrar knows.
fn has_moved(ctx: &Context, link: &Link) -> bool {
    let (Some(place), Some(register)) = (link.place, &link.data.register) else { return false };
    link.agreed.as_ref() != Some(&contact(ctx, register, &place.flow()))
}

/// Our address of record at the end of a flow as its peer reaches it.
fn contact(ctx: &Context, register: &Register, flow: &Flow) -> Uri {
    let (host, port) = ctx.host_of(flow);
    let contact = Uri::sip(Some(&register.username), host, port);
    match flow.transport {
        Transport::Udp => contact,
        Transport::Tls => contact.with_param("transport", Some("tls")),
        _ => contact.with_param("transport", Some("tcp")),
    }
}

/// Takes all registrations back.
pub fn end_all(ctx: &mut Context) {
    let mut all: Vec<Uuid> = ctx.links.links.keys().copied().collect();
    all.sort();
    all.into_iter().for_each(|id| end(ctx, id));
}

/// It is time to register, for the first time or again.
pub fn attempt(ctx: &mut Context, id: Uuid) {
    let Some(link) = ctx.links.links.get_mut(&id) else { return };
    if !link.data.registers() || link.is_asking || link.is_leaving {
        return;
    }
    let question = link.data.question();
    let mut timer = link.timer.take();
    ctx.cancel(&mut timer);
    match names::locate(ctx, &question, Waiter::Provider(id)) {
        Located::At(places) => {
            let Some(link) = ctx.links.links.get_mut(&id) else { return };
            link.answers = 0;
            // Whoever took it before is asked again, as long as the name leads there.
            let known = link.place.filter(|known| link.failures == 0 && places.contains(known));
            let place = known.unwrap_or(places[link.failures as usize % places.len()]);
            send(ctx, id, place);
        }
        Located::Nowhere(Unresolved::NoSuchName) => fail(ctx, id, "no such name".into(), None),
        Located::Nowhere(Unresolved::NoAnswer) => fail(ctx, id, "no name server answers".into(), None),
        // The answer brings us back here; if there is none, the timer does.
        Located::Asked => {
            let timer = ctx.arm(limits::REGISTER_RETRY_MAX, Timer::Registration(id));
            if let Some(link) = ctx.links.links.get_mut(&id) {
                link.timer = Some(timer);
            }
        }
    }
}

fn send(ctx: &mut Context, id: Uuid, place: Place) {
    let flow = ctx.links.flow(id, &place);
    let Some(mut link) = ctx.links.links.remove(&id) else { return };
    if let Some(request) = request(ctx, &mut link, &flow) {
        (link.place, link.is_asking) = (Some(place), true);
        let client = ctx.sip.request(ctx.now, request);
        ctx.index.clients.insert(client, Asked::Register(id));
    }
    ctx.links.links.insert(id, link);
}

fn request(ctx: &mut Context, link: &mut Link, flow: &Flow) -> Option<OutgoingRequest> {
    let register = link.data.register.clone()?;
    let host = link.data.host_and_port();
    let registrar = Uri::parse(format!("sip:{host}").as_bytes()).ok()?;
    let own = sip_uri(&register.username, &link.data.hostname);
    let expires = if link.is_leaving { 0 } else { link.expires };
    let mut headers = Headers::new();
    headers.add(&Expires(expires));
    headers.push(HeaderName::Supported, "path");
    if let Some(answered) = &mut link.answered {
        headers.extend(&answered.credentials(ctx, &register, (&Method::Register, &registrar)));
    }
    let parties = (NameAddr::new(own.clone()), NameAddr::new(own));
    let mut request = OutgoingRequest::new(Method::Register, registrar, *flow, parties);
    link.cseq += 1;
    request.call_id = Some(link.call_id.clone());
    request.from_tag = Some(link.tag.clone());
    request.cseq = Some(link.cseq);
    let here = contact(ctx, &register, flow);
    match link.agreed.clone().filter(|known| *known != here) {
        // What is taken back is what is known there.
        Some(known) if link.is_leaving => request.contact = Some(known),
        // In one request, so that calls find one of the two at any time (RFC 3261 §10.2.2).
        Some(known) => {
            headers.push(HeaderName::Contact, format!("<{}>", here.as_str()));
            headers.push(HeaderName::Contact, format!("<{}>;expires=0", known.as_str()));
        }
        None => request.contact = Some(here.clone()),
    }
    link.contact = Some(here);
    request.headers = headers;
    Some(request)
}

/// `sip:user@host`; a user name may have an @ of its own.
pub fn sip_uri(user: &str, host: &str) -> Uri {
    let host = sip::uri::Host::parse(&bytes::Bytes::copy_from_slice(host.as_bytes()));
    Uri::sip(Some(user), host.unwrap_or_else(|| std::net::IpAddr::from([0, 0, 0, 0]).into()), None)
}

/// The registrar answered.
pub fn handle_response(ctx: &mut Context, id: Uuid, response: &Response, flow: Flow) {
    let status = response.status;
    let Some(link) = ctx.links.links.get_mut(&id) else { return };
    if status.is_provisional() {
        return;
    }
    let seen = link.place.zip(seen_at(response));
    identity::note_sound(ctx, &flow);
    if let Some((place, seen)) = seen {
        public_address::note_received(ctx, &place.flow(), seen);
    }
    let Some(link) = ctx.links.links.get_mut(&id) else { return };
    link.is_asking = false;
    let answers_challenge = matches!(status.0, 401 | 407) && take_challenge(link, response);
    let wants_longer = status.0 == 423 && take_min_expires(link, response);
    if let (true, Some(place)) = (answers_challenge || wants_longer, link.place) {
        return send(ctx, id, place);
    }
    if link.is_leaving {
        return leave(ctx, id);
    }
    if status.is_success() {
        return succeed(ctx, id, response, flow);
    }
    let words = format!("{} {}", status.0, String::from_utf8_lossy(&response.reason));
    let pause = response.headers.typed::<RetryAfter>().ok().map(|retry| Duration::from_secs(retry.seconds.into()));
    fail(ctx, id, words, pause);
}

/// What was taken back is taken back, or nobody answered: it is gone either way.
fn leave(ctx: &mut Context, id: Uuid) {
    if let Some(link) = ctx.links.links.remove(&id) {
        identity::dismiss(ctx, &link);
    }
}

/// The connection that a registration was made over is gone: it is made again over another, soon.
pub(super) fn renew_soon(ctx: &mut Context, id: Uuid) {
    let jitter = Duration::from_millis(ctx.random_below(1_000));
    let is_due = |link: &Link| link.state.standing == Standing::Registered && !link.is_asking && !link.is_leaving;
    let Some(link) = ctx.links.links.get_mut(&id).filter(|link| is_due(link)) else { return };
    let mut before = link.timer.take();
    ctx.cancel(&mut before);
    let timer = ctx.arm(limits::REGISTER_RENEW + jitter, Timer::Registration(id));
    if let Some(link) = ctx.links.links.get_mut(&id) {
        link.timer = Some(timer);
    }
}

/// Whether the request is to be sent once more with an answer to the challenge.
fn take_challenge(link: &mut Link, response: &Response) -> bool {
    let Some(register) = &link.data.register else { return false };
    let Some(asked) = challenge::read(register, response) else { return false };
    // An answer given before it was asked for may be too old without anybody's fault.
    let is_wrong = link.answers > 0 && link.answered.as_ref().is_some_and(|answered| answered.is_final(&asked));
    link.answers += 1;
    let once_more = !is_wrong && link.answers <= limits::CHALLENGES;
    link.answered = once_more.then_some(asked);
    once_more
}

/// Whether the request is to be sent once more, for longer.
fn take_min_expires(link: &mut Link, response: &Response) -> bool {
    let Ok(MinExpires(least)) = response.headers.typed::<MinExpires>() else { return false };
    let is_longer = least > link.expires && least <= 86_400;
    if is_longer {
        link.expires = least;
    }
    is_longer
}

fn succeed(ctx: &mut Context, id: Uuid, response: &Response, flow: Flow) {
    let (now, at) = (ctx.now, ctx.unix());
    let Some(link) = ctx.links.links.get_mut(&id) else { return };
    let granted = granted(link, response).clamp(1, 86_400 * 7);
    let seen = seen_at(response);
    let was = (link.state.standing, link.state.seen_at);
    (link.failures, link.registrar) = (0, Some(flow.remote));
    (link.state.standing, link.agreed) = (Standing::Registered, link.contact.clone());
    link.state.answer = format!("{} {}", response.status.0, String::from_utf8_lossy(&response.reason));
    link.state.until = Some(crate::UnixMicros(at.0 + i64::from(granted) * 1_000_000));
    link.state.seen_at = seen;
    let is_news = was != (Standing::Registered, seen);
    // In time for a few more attempts, and not all of them together.
    let whole = Duration::from_secs(granted.into());
    let early = if granted > 120 { whole - Duration::from_secs(30).max(whole / 10) } else { whole / 2 };
    let jitter = Duration::from_millis(ctx.random_below(early.as_millis() as u64 / 20 + 1));
    let timer = ctx.timers.arm(now + early - jitter, Timer::Registration(id));
    if let Some(link) = ctx.links.links.get_mut(&id) {
        link.timer = Some(timer);
    }
    if is_news {
        tell(ctx, id);
    }
    let Some(link) = ctx.links.links.get(&id) else { return };
    let says_so = link.moves < limits::REGISTER_MOVES && has_moved(ctx, link);
    if let Some(link) = ctx.links.links.get_mut(&id) {
        link.moves = if says_so { link.moves + 1 } else { 0 };
    }
    if says_so {
        attempt(ctx, id);
    }
}

/// For how long: our contact's own word, that of the answer, or what we asked for (RFC 3261 §10.2.4).
fn granted(link: &Link, response: &Response) -> u32 {
    let register = link.data.register.as_ref();
    let is_ours = |contact: &ContactAddress| {
        let user = contact.uri().user_unescaped();
        register.is_some_and(|register| user.as_deref() == Some(register.username.as_str()))
    };
    let contacts = response.headers.list::<Contact>().unwrap_or_default();
    let ours: Vec<u32> = contacts
        .iter()
        .filter_map(Contact::address)
        .filter(|contact| is_ours(contact))
        .filter_map(|contact| contact.expires)
        .collect();
    // Contacts of an earlier life of ours may still be there; the one just made lasts longest.
    ours.into_iter()
        .max()
        .or_else(|| response.headers.typed::<Expires>().ok().map(|expires| expires.0))
        .unwrap_or(link.expires)
}

/// Where the registrar saw our request come from (RFC 3581).
pub fn seen_at(response: &Response) -> Option<SocketAddr> {
    let via: Via = response.headers.typed().ok()?;
    let address = via.received.or_else(|| via.host.ip())?;
    let port = match via.rport {
        Some(Rport::Port(port)) => port,
        _ => via.port.unwrap_or(5060),
    };
    Some(SocketAddr::new(address, port))
}

/// The registrar never answered.
pub fn handle_failure(ctx: &mut Context, id: Uuid, failure: Failure) {
    let Some(link) = ctx.links.links.get_mut(&id) else { return };
    link.is_asking = false;
    if link.is_leaving {
        return leave(ctx, id);
    }
    let words = match failure {
        Failure::Transport if !link.state.trouble.is_empty() => link.state.trouble.clone(),
        Failure::Timeout => "no answer".into(),
        Failure::Transport => "no connection".into(),
        Failure::Overload => "too much else to do".into(),
    };
    fail(ctx, id, words, None);
}

/// It is tried again: after twice as long as the last time, never quite at the same moment as others.
fn fail(ctx: &mut Context, id: Uuid, answer: String, pause: Option<Duration>) {
    let Some(link) = ctx.links.links.get_mut(&id) else { return };
    link.failures = link.failures.saturating_add(1);
    let is_news = link.state.standing != Standing::Failing || link.state.answer != answer;
    link.state.standing = Standing::Failing;
    (link.state.answer, link.state.until) = (answer, None);
    (link.answered, link.agreed) = (None, None);
    let wait = limits::REGISTER_RETRY * (1 << (link.failures - 1).min(10));
    let wait = wait.min(limits::REGISTER_RETRY_MAX).max(pause.unwrap_or_default().min(Duration::from_secs(3_600)));
    let jitter = Duration::from_millis(ctx.random_below(wait.as_millis() as u64 / 4));
    let timer = ctx.arm(wait + jitter, Timer::Registration(id));
    if let Some(link) = ctx.links.links.get_mut(&id) {
        link.timer = Some(timer);
    }
    if is_news {
        tell(ctx, id);
    }
}
