//! Ringing beyond the box: over a provider, and the next one where that fails, or at a SIP address.
//!
//! A leg keeps its name and its record whatever ways are tried; each attempt is a new INVITE, seen in the ladder.

use std::collections::VecDeque;

use sip::header::NameAddr;
use sip::message::HeaderName;
use sip::{Headers, Method, Response, Uri};
use uuid::Uuid;

use super::callee::{Callee, Peer, Presented, Target, anonymous};
use super::cause::Cause;
use super::invite::{self, Again};
use super::setup::describe;
use super::{Address, AddressKind, Call, Failure, Stage, Status, ladder};
use crate::billing::{CostType, is_emergency};
use crate::context::Context;
use crate::directory::Provider;
use crate::directory::route::telephone_number;
use crate::event::EventKind;
use crate::index::Asked;
use crate::limits;
use crate::names::{self, Located, Place, Question, Unresolved, Waiter};
use crate::provider::{Health, challenge};
use crate::timers::Timer;

/// The ways that a leg may still be rung in.
#[derive(Debug, Clone)]
pub struct Way {
    /// The telephone number; empty for a SIP address.
    number: String,
    is_anonymous: bool,
    goals: VecDeque<Goal>,
    current: Option<Goal>,
    places: VecDeque<Place>,
    attempts: u8,
    /// Challenges that the attempt under way has answered.
    answers: u8,
    /// The last one.
    answered: Option<challenge::Answered>,
    /// What became of the attempts so far, as the caller is told if none succeeds.
    failure: Option<Failure>,
}

/// Who is to be rung.
#[derive(Debug, Clone, PartialEq)]
enum Goal {
    Provider(Uuid),
    Uri(Uri),
}

impl Way {
    /// The ways to an address of type `tel` or `sip`; the cause says why there is none.
    pub fn to(ctx: &Context, address: &Address, is_anonymous: bool) -> Result<Way, Cause> {
        let (number, goals) = match address.kind {
            AddressKind::Tel => {
                let number = telephone_number(&address.target).ok_or(Cause::INVALID_NUMBER)?;
                let goals = providers(ctx, &number);
                if !goals.is_empty() && !ctx.outbound_config.allows(&number) && !is_emergency(&number) {
                    return Err(Cause::REJECTED);
                }
                (number, goals)
            }
            _ => (String::new(), VecDeque::from([Goal::Uri(readable(&address.target).ok_or(Cause::INVALID_NUMBER)?)])),
        };
        if goals.is_empty() {
            return Err(Cause::NO_ROUTE);
        }
        let (places, current, answered, failure) = (VecDeque::new(), None, None, None);
        Ok(Way { number, is_anonymous, goals, current, places, attempts: 0, answers: 0, answered, failure })
    }

    /// What it costs; `None`: it is free.
    pub fn cost_type(&self) -> Option<CostType> {
        let is_paid = !self.number.is_empty() && !is_emergency(&self.number);
        is_paid.then_some(CostType::CallPstnOutgoing)
    }

    /// What became of the attempts so far: the most telling failure.
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Whether there is another one, as far as one knows.
    fn has_more(&self) -> bool {
        self.attempts < limits::ATTEMPTS && !(self.goals.is_empty() && self.places.is_empty())
    }
}

/// The providers for a number; those that do not answer come last.
fn providers(ctx: &Context, number: &str) -> VecDeque<Goal> {
    let mut providers = ctx.routes.providers(number);
    providers.retain(|id| ctx.providers.get(*id).is_some());
    providers.sort_by_key(|id| ctx.links.state(*id).health == Health::Unhealthy);
    providers.into_iter().map(Goal::Provider).collect()
}

/// Why there is no way to a number, in words.
pub fn no_way(cause: Cause) -> String {
    match cause {
        Cause::REJECTED => "not on the destination whitelist".into(),
        cause => cause.text().to_lowercase(),
    }
}

/// A SIP address, with or without its scheme, over a transport that we have.
fn readable(target: &str) -> Option<Uri> {
    let text = if target.starts_with("sip:") { target.to_string() } else { format!("sip:{target}") };
    let uri = Uri::parse(text.as_bytes()).ok().filter(|uri| uri.host().is_some())?;
    transport_of(&uri).map(|_| uri.bare_of_headers())
}

/// What a URI says of the transport: nothing, UDP or TCP. `None`: one that we have not.
fn transport_of(uri: &Uri) -> Option<Option<sip::Transport>> {
    match uri.param("transport").map(str::to_ascii_lowercase).as_deref() {
        None => Some(None),
        Some("udp") => Some(Some(sip::Transport::Udp)),
        Some("tcp") => Some(Some(sip::Transport::Tcp)),
        Some(_) => None,
    }
}

impl Call {
    /// Rings an address of type `tel` or `sip` in a leg of its own.
    pub fn ring_out(
        &mut self,
        ctx: &mut Context,
        (address, way): (&Address, Way),
        presented: &Presented,
    ) -> Result<(), Cause> {
        let peer = match way.goals.front() {
            Some(Goal::Provider(id)) => Peer::Provider(*id),
            _ => Peer::Uri,
        };
        let admission = match way.cost_type() {
            Some(cost_type) => self.pay_in_advance(ctx, cost_type)?,
            None => None,
        };
        let place = match self.add_leg(ctx, (peer, address.clone()), presented) {
            Ok(place) => place,
            Err(cause) => {
                admission.into_iter().for_each(|admission| admission.give_back(ctx));
                return Err(cause);
            }
        };
        self.meter(place, admission);
        self.legs[place].way = Some(Box::new(way));
        self.state(ctx, place, EventKind::CallCreated);
        self.begin_ways(ctx, place);
        Ok(())
    }

    /// Tries the first of the ways that a leg has.
    pub(super) fn begin_ways(&mut self, ctx: &mut Context, place: usize) {
        if !self.try_way(ctx, place) {
            self.no_way_left(ctx, place);
        }
    }

    /// Sends the next INVITE, or has looked up where to. False where nothing is left to be tried.
    fn try_way(&mut self, ctx: &mut Context, place: usize) -> bool {
        loop {
            let leg = &mut self.legs[place];
            let Some(way) = leg.way.as_deref_mut() else { return false };
            ctx.cancel(&mut leg.timer);
            if way.attempts >= limits::ATTEMPTS {
                return false;
            }
            if let Some(to) = way.places.pop_front() {
                way.attempts += 1;
                (way.answers, way.answered) = (0, None);
                match self.attempt(ctx, place, to) {
                    Ok(()) => return true,
                    Err(failure) => self.note_attempt(ctx, place, failure, "cannot be rung"),
                }
                continue;
            }
            way.current = way.goals.pop_front();
            let Some(goal) = way.current.clone() else { return false };
            match self.locate(ctx, place, &goal) {
                Located::At(places) => {
                    if let Some(way) = self.legs[place].way.as_deref_mut() {
                        way.places = places.into();
                    }
                }
                Located::Asked => {
                    let leg = &mut self.legs[place];
                    leg.stage = Stage::Locating;
                    leg.timer = Some(ctx.arm(limits::NAME_WAIT, Timer::Attempt(leg.key)));
                    return true;
                }
                Located::Nowhere(why) => {
                    let (cause, words) = match why {
                        Unresolved::NoSuchName => (Cause::NO_ROUTE, "no such name"),
                        Unresolved::NoAnswer => (Cause::OUT_OF_ORDER, "no name server answers"),
                    };
                    self.note_attempt(ctx, place, Failure::of(cause), words);
                }
            }
        }
    }

    fn locate(&mut self, ctx: &mut Context, place: usize, goal: &Goal) -> Located {
        let question = match goal {
            Goal::Provider(id) => match ctx.providers.get(*id) {
                Some(provider) => provider.data.question(),
                None => return Located::Nowhere(Unresolved::NoSuchName),
            },
            Goal::Uri(uri) => {
                let host = uri.host().map(ToString::to_string).unwrap_or_default();
                Question { host, port: uri.port(), transport: transport_of(uri).flatten(), may_be_tls: false }
            }
        };
        let key = self.legs[place].key;
        let located = names::locate(ctx, &question, Waiter::Leg(key));
        let label = format!("where is {}?", question.host);
        let at = ctx.unix();
        self.ladder.internal(at, (ladder::CALL, ladder::REGISTRAR), label, String::new());
        if let Located::At(places) = &located {
            let list: Vec<String> = places.iter().map(|place| describe(&place.flow())).collect();
            let label = format!("{} address(es)", list.len());
            self.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), label, list.join("\n"));
        }
        located
    }

    /// It is known now where a name is, or that it is nowhere.
    pub fn handle_located(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        if leg.stage != Stage::Locating {
            return;
        }
        if let Some(way) = leg.way.as_deref_mut()
            && let Some(goal) = way.current.take()
        {
            way.goals.push_front(goal);
        }
        if !self.try_way(ctx, place) {
            self.no_way_left(ctx, place);
        }
    }

    /// An attempt has had its time, and said nothing at all.
    pub fn handle_attempt_over(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        leg.timer = None;
        match leg.stage {
            Stage::Locating => {
                self.note_attempt(ctx, place, Failure::of(Cause::OUT_OF_ORDER), "it takes too long to find out");
            }
            Stage::Outgoing { client } => {
                ctx.index.clients.remove(&client);
                ctx.sip.cancel(ctx.now, client, None);
                self.note_attempt(ctx, place, Failure::of(Cause::NO_RESPONSE), "no answer to INVITE");
            }
            _ => return,
        }
        if !self.try_way(ctx, place) {
            self.no_way_left(ctx, place);
        }
    }

    /// The provider has said something: it is given the time that calls have.
    pub fn note_attempt_alive(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        if leg.way.is_some() && !leg.is_up() {
            ctx.cancel(&mut leg.timer);
        }
    }

    fn attempt(&mut self, ctx: &mut Context, place: usize, to: Place) -> Result<(), Failure> {
        let own = ctx.settings.sip;
        if to.remote == own || to.remote == to.local {
            // A call that comes back to us would go out again.
            return Err(Failure::of(Cause::NO_ROUTE));
        }
        let callee = self.callee(ctx, place, to).ok_or(Failure::of(Cause::INVALID_NUMBER))?;
        self.legs[place].audio.begin_anew(ctx, callee.encryption);
        let preference = self.preference_of_caller().limited_to(&callee.codecs);
        let leg = &mut self.legs[place];
        leg.audio.offer(ctx, &callee.flow, &preference);
        (leg.flow, leg.peer) = (callee.flow, callee.peer);
        leg.record.peer = describe(&callee.flow);
        let label = format!("ring at {}", leg.record.peer);
        let more = callee.target.uri.as_str().to_string();
        leg.callee = Some(Box::new(callee));
        self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::SIP), label, more);
        self.invite_again(ctx, place, None);
        Ok(())
    }

    /// Sends the INVITE of a leg that is rung, the first one or another.
    fn invite_again(&mut self, ctx: &mut Context, place: usize, again: Option<Again>) {
        let hops = self.max_forwards.saturating_sub(1);
        let leg = &mut self.legs[place];
        let attempts = leg.way.as_ref().map_or(1, |way| u32::from(way.attempts));
        // All attempts have the same Call-ID (RFC 3261 §8.1.1.4), and numbers that rise.
        let again = again.unwrap_or(Again { tag: None, cseq: 1 + (attempts - 1) * 16 });
        let Some(client) = invite::send(ctx, leg, hops, Some(again)) else { return };
        leg.stage = Stage::Outgoing { client };
        ctx.index.clients.insert(client, Asked::Invite(leg.key));
        if leg.way.as_ref().is_some_and(|way| way.has_more()) {
            ctx.cancel(&mut leg.timer);
            leg.timer = Some(ctx.arm(limits::ATTEMPT_WAIT, Timer::Attempt(leg.key)));
        }
    }

    /// How the goal under way is rung at one of its places.
    fn callee(&self, ctx: &Context, place: usize, to: Place) -> Option<Callee> {
        let leg = &self.legs[place];
        let way = leg.way.as_deref()?;
        let address = leg.record.destination.clone();
        let target = |uri: Uri| Target { uri, route: Vec::new() };
        let from = way.is_anonymous.then(anonymous);
        match way.current.as_ref()? {
            Goal::Uri(uri) => {
                let flow = to.flow();
                let (peer, to) = (Peer::Uri, Some(NameAddr::new(uri.bare())));
                let (headers, codecs) = (Headers::new(), ctx.outbound_config.codecs.clone());
                let encryption = None;
                Some(Callee { peer, address, target: target(uri.clone()), flow, from, to, headers, codecs, encryption })
            }
            Goal::Provider(id) => {
                let provider = ctx.providers.get(*id)?;
                let flow = ctx.links.flow(*id, &to);
                let uri = provider.data.uri(&way.number)?;
                let shown = identity(ctx, provider, (&leg.record.source, &flow));
                let mut headers = Headers::new();
                let mut asserted = Vec::new();
                asserted.extend_from_slice(format!("<{}>", shown.uri.as_str()).as_bytes());
                headers.push(HeaderName::PAssertedIdentity, asserted);
                if way.is_anonymous {
                    headers.push(HeaderName::Privacy, "id");
                }
                for (name, value) in &provider.data.tech_headers {
                    headers.push(HeaderName::parse(name.as_bytes()), value.clone());
                }
                let to = Some(NameAddr::new(uri.bare()));
                let (peer, from) = (Peer::Provider(*id), from.or(Some(shown)));
                let own = Some(&provider.data.codecs).filter(|codecs| !codecs.is_empty());
                let codecs = own.unwrap_or(&ctx.outbound_config.codecs).clone();
                let encryption = provider.data.encryption;
                Some(Callee { peer, address, target: target(uri), flow, from, to, headers, codecs, encryption })
            }
        }
    }

    /// A provider refused, or never answered: tries the next way, unless the cause tells that it would be the same there
    /// (`spec/calls.md`), or somebody has answered already.
    pub fn try_next_way(&mut self, ctx: &mut Context, place: usize, failure: Failure) -> bool {
        let leg = &mut self.legs[place];
        let waits = matches!(leg.record.status, Status::Dialing | Status::Ringing) && leg.is_live();
        if leg.way.is_none() || !waits || matches!(failure.cause.0, 16 | 17 | 19 | 21 | 26) {
            return false;
        }
        if let Some(dialog) = leg.dialog.take() {
            ctx.index.dialogs.remove(&dialog);
        }
        if self.bridged == Some(place) {
            self.bridged = None;
        }
        let mut words = format!("cause {} ({})", failure.cause.0, failure.cause.text());
        if self.legs[place].audio.offered_secure() && matches!(failure.cause.0, 58 | 65 | 79 | 88) {
            words.push_str(": it was offered nothing but encrypted audio");
        }
        self.note_attempt(ctx, place, failure, &words);
        self.try_way(ctx, place)
    }

    /// The provider asks for our password: the INVITE is sent once more with it. False where we have none that it takes.
    pub fn answer_challenge(&mut self, ctx: &mut Context, place: usize, response: &Response) -> bool {
        let leg = &mut self.legs[place];
        let (Peer::Provider(id), Some(way), Some(callee)) = (leg.peer, leg.way.as_deref_mut(), &mut leg.callee) else {
            return false;
        };
        let register = ctx.providers.get(id).and_then(|provider| provider.data.register.clone());
        let (Some(register), Some(again)) = (register, Again::after(response)) else { return false };
        let Some(mut asked) = challenge::read(&register, response) else { return false };
        let is_wrong = way.answered.as_ref().is_some_and(|answered| answered.is_final(&asked));
        way.answers += 1;
        if is_wrong || way.answers > limits::CHALLENGES {
            return false;
        }
        callee.prove(asked.credentials(ctx, &register, (&Method::Invite, &callee.target.uri)));
        way.answered = Some(asked);
        if let Some(dialog) = leg.dialog.take() {
            ctx.index.dialogs.remove(&dialog);
        }
        let label = "the provider asks for our password: once more";
        self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::SIP), label, String::new());
        self.invite_again(ctx, place, Some(again));
        true
    }

    /// The INVITE is sent once more for another reason: an answer to a challenge counts once.
    pub(super) fn answer_challenge_again(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        let (Peer::Provider(id), Some(way), Some(callee)) = (leg.peer, leg.way.as_deref_mut(), &mut leg.callee) else {
            return;
        };
        let register = ctx.providers.get(id).and_then(|provider| provider.data.register.clone());
        if let (Some(register), Some(answered)) = (register, &mut way.answered) {
            callee.prove(answered.credentials(ctx, &register, (&Method::Invite, &callee.target.uri)));
        }
    }

    fn note_attempt(&mut self, ctx: &Context, place: usize, failure: Failure, words: &str) {
        let Some(way) = self.legs[place].way.as_deref_mut() else { return };
        let who = match &way.current {
            Some(Goal::Provider(id)) => {
                let name = ctx.providers.get(*id).map(|provider| provider.data.name.as_str());
                name.filter(|name| !name.is_empty()).unwrap_or("the provider").to_string()
            }
            Some(Goal::Uri(uri)) => uri.bare().as_str().to_string(),
            None => String::new(),
        };
        if way.failure.is_none_or(|known| failure.weight() > known.weight()) {
            way.failure = Some(failure);
        }
        let label = if way.has_more() { "left for the next one" } else { "given up" };
        self.ladder.internal(ctx.unix(), (ladder::SIP, ladder::CALL), format!("{who}: {label}"), words.to_string());
    }

    /// Nothing is left to be tried.
    fn no_way_left(&mut self, ctx: &mut Context, place: usize) {
        let failure = self.legs[place].way.as_ref().and_then(|way| way.failure);
        self.end_refused(ctx, place, failure.unwrap_or(Failure::of(Cause::NO_ROUTE)));
    }
}

/// Who calls, as a provider knows it: the caller's own number where it has one, else the one that is set for us.
fn identity(ctx: &Context, provider: &Provider, (source, flow): (&Address, &sip::Flow)) -> NameAddr {
    let data = &provider.data;
    let username = data.register.as_ref().map(|register| register.username.as_str());
    let own = (source.kind == AddressKind::Tel).then_some(source.target.as_str());
    let set = Some(data.caller_id.as_str()).filter(|number| !number.is_empty());
    let common = ctx.outbound_config.default_outgoing_source_number_id.and_then(|id| ctx.numbers.get(id));
    let common = common.map(|number| number.number.as_str());
    let user = own.or(set).or(common).or(username).unwrap_or(&source.target);
    // Who knows us by a password knows us under its own name, wherever we are today.
    let uri = match username {
        Some(_) => crate::provider::registration::sip_uri(user, &data.hostname),
        None => {
            let (host, port) = ctx.host_of(flow);
            Uri::sip(Some(user), host, port)
        }
    };
    let identity = NameAddr::new(uri);
    if source.target_name.is_empty() { identity } else { identity.with_display_name(&source.target_name) }
}

/// Sends a BYE once more with our password, where the provider asked for it. False where we have none that it takes.
pub fn answer_bye_challenge(
    ctx: &mut Context,
    (dialog, provider): (sip::dialog::DialogId, Uuid),
    response: &Response,
) -> bool {
    let register = ctx.providers.get(provider).and_then(|provider| provider.data.register.clone());
    let target = ctx.sip.dialog(dialog).map(|dialog| dialog.remote_target.clone());
    let (Some(register), Some(target)) = (register, target) else { return false };
    let Some(mut asked) = challenge::read(&register, response) else { return false };
    let credentials = asked.credentials(ctx, &register, (&Method::Bye, &target));
    ctx.sip.request_in_dialog(ctx.now, dialog, Method::Bye, credentials, None).is_ok()
}
