//! `connect`: others are rung for a call that goes through a flow, and brought together with it.

use super::Wait;
use crate::call::cause::Cause;
use crate::call::outbound::no_way;
use crate::call::setup::Whereabouts;
use crate::call::{Address, AddressKind, CALLER, Call, Callee, Ending, Failure, HangupReason, Presented, Way, ladder};
use crate::context::Context;
use crate::flow::Outcome;
use crate::flow::order::{Connect, Order};
use crate::limits;
use uuid::Uuid;

/// Somebody who was found.
enum Called {
    /// A phone of the box.
    Phone(Box<Callee>),
    /// Somebody beyond it.
    Outside(Address, Box<Way>),
}

/// The first conference of these destinations that is there.
fn conference_among(ctx: &Context, destinations: &[Address]) -> Option<Uuid> {
    let conferences = destinations.iter().filter(|address| address.kind == AddressKind::Conference);
    let mut found = conferences.filter_map(|address| {
        let by_id = address.target.parse().ok().and_then(|id| ctx.conferences.get(id));
        by_id.or_else(|| ctx.conferences.by_number(&address.target))
    });
    found.next().map(|conference| conference.id)
}

impl Call {
    /// Rings those whom the flow wants to be rung.
    pub(super) fn connect(&mut self, ctx: &mut Context, places: &Whereabouts<'_>) {
        let Some(run) = &mut self.run else { return };
        let Wait::Search(connect) = std::mem::replace(&mut run.waits, Wait::Nothing) else { return };
        self.failure = None;
        if let Some(conference) = conference_among(ctx, &connect.destinations) {
            // It answers at once: nobody else need be rung.
            return self.do_now(ctx, Order::JoinConference(conference));
        }
        let called = self.find_called(ctx, places, &connect);
        let presented = Presented {
            source: connect.source.clone().unwrap_or_else(|| self.legs[CALLER].record.source.clone()),
            is_anonymous: connect.anonymous || self.is_anonymous,
            ..Presented::of_caller(ctx, self)
        };
        if let Some(run) = &mut self.run {
            run.waits = Wait::Answer(connect);
        }
        let rung: usize = called.len();
        for called in called {
            // A call has a place for so many legs in all.
            if self.legs.len() >= limits::LEGS {
                self.note_failure(Failure::of(Cause::CONGESTION));
                break;
            }
            let rung = match called {
                Called::Phone(callee) => self.ring_callee(ctx, *callee, &presented),
                Called::Outside(address, way) => self.ring_out(ctx, (&address, *way), &presented),
            };
            if let Err(cause) = rung {
                self.note_failure(Failure::of(cause));
            }
        }
        if !self.is_ringing() {
            if rung == 0 {
                self.note_failure(Failure::of(Cause::ABSENT));
            }
            return self.give_up_if_silent(ctx);
        }
        let timeout = ctx.settings.dial_timeout;
        if let Some(run) = &mut self.run {
            run.timer = Some(ctx.arm(timeout, crate::timers::Timer::FlowWait(self.key)));
        }
        self.tend_audio(ctx);
    }

    fn find_called(&mut self, ctx: &Context, places: &Whereabouts<'_>, connect: &Connect) -> Vec<Called> {
        let at = ctx.unix();
        let mut called = Vec::new();
        for address in &self.with_agents(ctx, &connect.destinations) {
            let target = address.target.as_str();
            self.ladder.internal(at, (ladder::CALL, ladder::REGISTRAR), format!("where is {target}?"), String::new());
            if matches!(address.kind, AddressKind::Tel | AddressKind::Sip) {
                match Way::to(ctx, address, connect.anonymous || self.is_anonymous) {
                    Ok(way) => called.push(Called::Outside(address.clone(), Box::new(way))),
                    Err(cause) => {
                        let words = no_way(cause);
                        self.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), words, String::new());
                        self.note_failure(Failure::of(cause));
                    }
                }
                continue;
            }
            if address.kind != AddressKind::Extension {
                let words = match address.kind {
                    AddressKind::Conference => "no such conference".into(),
                    kind => format!("{} is not reached from this box yet", kind.name()),
                };
                self.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), words, String::new());
                self.note_failure(Failure::of(Cause::UNALLOCATED));
                continue;
            }
            let by_id = target.parse().ok().and_then(|id| places.directory.get(id));
            let Some(extension) = places.directory.by_number(target).or(by_id) else {
                self.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), "no such extension", String::new());
                self.note_failure(Failure::of(Cause::UNALLOCATED));
                continue;
            };
            let mut contacts = places.registrar.contacts(extension.id, at);
            contacts.retain(|binding| binding.flow != self.legs[CALLER].flow);
            let words = format!("{} contact(s)", contacts.len());
            self.ladder.internal(at, (ladder::REGISTRAR, ladder::CALL), words, String::new());
            if contacts.is_empty() {
                self.note_failure(Failure::of(Cause::ABSENT));
            }
            for binding in &contacts {
                match Callee::of_contact(extension, binding) {
                    Ok(callee) => called.push(Called::Phone(Box::new(callee))),
                    Err(cause) => self.note_failure(Failure::of(cause)),
                }
            }
        }
        called
    }

    /// The destinations with every agent's addresses in its place.
    pub(super) fn with_agents(&mut self, ctx: &Context, destinations: &[Address]) -> Vec<Address> {
        let at = ctx.unix();
        let mut all = Vec::new();
        for address in destinations {
            if address.kind != AddressKind::Agent {
                all.push(address.clone());
                continue;
            }
            let reached = ctx.agents.reached_at(&address.target);
            let words = format!("the agent {} is at {} address(es)", address.target, reached.len());
            self.ladder.internal(at, (ladder::CALL, ladder::REGISTRAR), words, String::new());
            if reached.is_empty() {
                self.note_failure(Failure::of(Cause::UNALLOCATED));
            }
            all.extend(reached);
        }
        all.truncate(limits::DESTINATIONS);
        all
    }

    /// Whether the flow rings somebody.
    pub fn rings_for_flow(&self) -> bool {
        matches!(self.run.as_ref().map(|run| &run.waits), Some(Wait::Answer(_)))
    }

    /// Whether what a phone sends before it answers is passed on.
    pub fn wants_early_media(&self) -> bool {
        match self.run.as_ref().map(|run| &run.waits) {
            Some(Wait::Answer(connect)) => connect.early_media,
            Some(_) => false,
            None => true,
        }
    }

    /// One of those who were rung has the call.
    pub fn note_answered_for_flow(&mut self, ctx: &mut Context) {
        let rings = self.rings_for_flow();
        let Some(run) = self.run.as_mut().filter(|_| rings) else { return };
        if let Wait::Answer(connect) = std::mem::replace(&mut run.waits, Wait::Nothing) {
            ctx.cancel(&mut run.timer);
            run.waits = Wait::Bridge(connect);
        }
        self.tend_audio(ctx);
    }

    /// It has rung long enough.
    pub(super) fn nobody_answered(&mut self, ctx: &mut Context) {
        let at = ctx.unix();
        self.ladder.internal(at, (ladder::CALL, ladder::CALL), "nobody answered in time", String::new());
        self.end_called(ctx, Ending::local(HangupReason::NoAnswer, Cause::NO_ANSWER));
        self.note_failure(Failure::of(Cause::NO_ANSWER));
        self.give_up_if_silent(ctx);
    }

    /// Ends all legs but the caller's.
    pub fn end_called(&mut self, ctx: &mut Context, ending: Ending) {
        for place in 1..self.legs.len() {
            if self.legs[place].is_live() {
                self.end_leg(ctx, place, ending);
            }
        }
    }

    /// Nobody of those who were rung is there any more: the flow goes on. `false`: there is none, the call is to end.
    pub fn return_from_ringing(&mut self, ctx: &mut Context) -> bool {
        if !self.rings_for_flow() {
            return false;
        }
        self.bridged = None;
        let failure = self.failure.take().unwrap_or(Failure::of(Cause::NO_ANSWER));
        self.resume_or_relay(ctx, failure.cause, failure.cause.text());
        true
    }

    /// The one whom the caller talked to is gone: the flow goes on. `false`: there is none, the call is to end.
    pub fn return_from_bridge(&mut self, ctx: &mut Context, place: usize, cause: Cause) -> bool {
        let bridged = matches!(self.run.as_ref().map(|run| &run.waits), Some(Wait::Bridge(_)));
        if place == CALLER || !bridged || !self.legs[CALLER].is_live() {
            return false;
        }
        self.bridged = None;
        self.resume_or_relay(ctx, cause, "");
        true
    }

    /// Whoever the caller talked to is gone, and there was nobody to take their place. `false`: there is no flow to go on with.
    pub fn fail_bridge_for_flow(&mut self, ctx: &mut Context, cause: Cause) -> bool {
        let bridged = matches!(self.run.as_ref().map(|run| &run.waits), Some(Wait::Bridge(_)));
        if bridged {
            self.resume_or_relay(ctx, cause, cause.text());
        }
        bridged
    }

    fn resume_or_relay(&mut self, ctx: &mut Context, cause: Cause, failed: &str) {
        let relays = match self.run.as_ref().map(|run| &run.waits) {
            Some(Wait::Answer(connect) | Wait::Bridge(connect)) => connect.relay_reason,
            _ => false,
        };
        if relays {
            self.leave_flow(ctx);
            let reason = if failed.is_empty() { HangupReason::Normal } else { cause.reason_incoming() };
            return self.end_all(ctx, CALLER, Ending::local(reason, cause));
        }
        let outcome = if failed.is_empty() { Outcome::Done } else { Outcome::Failed(failed.into()) };
        self.resume_flow(ctx, outcome);
    }
}
