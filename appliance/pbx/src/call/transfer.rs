//! Transfers as a call sees them: what a phone asks for (RFC 3515, RFC 5589), what it is told of how it gets on, and what
//! happens to whoever is transferred.
//!
//! Whoever is transferred is alone in a call that rings somebody else. Where nobody takes it, whoever transferred has it
//! back: at once where the phone is still there, else it is rung. What concerns more than one call is an [`Affair`], done in
//! [`crate::exchange::transfers`].

use std::time::Duration;

use sip::endpoint::{Body, Reply, ServerId};
use sip::header::{ReferTo, Replaces, TypedHeader};
use sip::message::HeaderName;
use sip::uri::unescape;
use sip::{Headers, Method, Request};
use uuid::Uuid;

use super::callee::Presented;
use super::cause::Cause;
use super::outbound::Way;
use super::setup::dialled;
use super::{Address, Affair, CALLER, Call, Callee, Ending, Failure, HangupReason, LegKey, Peer, ladder};
use crate::UnixMicros;
use crate::context::Context;
use crate::event::EventKind;
use crate::reply;
use crate::timers::Timer;

/// How long a phone that transferred may stay once it knows that it worked.
const FAREWELL: Duration = Duration::from_secs(5);

/// Somebody who is on the way from one to another.
#[derive(Debug)]
pub struct Transfer {
    /// Who transferred: a number that the box can ring.
    pub by: String,
    /// The leg of whoever transferred, by its name.
    pub leg: LegKey,
    /// Whether that phone wants to know how it gets on.
    pub is_watched: bool,
    /// Whether whoever transferred is being rung.
    pub is_recall: bool,
}

/// How whoever is transferred comes to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferKind {
    /// The two talk first; whoever is transferred waits.
    Attended,
    /// At once.
    Blind,
}

/// A transfer that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTransfer {
    /// How.
    pub kind: TransferKind,
    /// The call that transfers whom it talks to.
    pub call: Uuid,
    /// To whom: whoever takes it first.
    pub addresses: Vec<Address>,
}

/// A transfer that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRecord {
    /// Its id.
    pub id: Uuid,
    /// What was asked for.
    pub asked: NewTransfer,
    /// The call that is transferred.
    pub transferee: Uuid,
    /// When it was begun.
    pub created: UnixMicros,
}

/// Where a REFER leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// To whoever is dialled so.
    Number(String),
    /// To whom the phone talks in another call of its own.
    Dialog(Box<Replaces>),
}

impl Call {
    /// REFER: the phone wants the one it talks to to go elsewhere.
    pub(super) fn handle_refer(&mut self, ctx: &mut Context, place: usize, server: ServerId, request: &Request) {
        let goal = match goal_of(request) {
            Ok(goal) => goal,
            Err(refusal) => {
                ctx.sip.respond(ctx.now, server, *refusal);
                return;
            }
        };
        // Whoever is beyond the box may not have it ring others.
        let is_ours = matches!(self.legs[place].peer, Peer::Extension(_));
        let is_bridged =
            is_ours && self.legs[place].is_up() && self.other(place).is_some_and(|other| self.legs[other].is_up());
        if !is_bridged {
            let at = ctx.unix();
            self.ladder.internal(at, (ladder::SIP, ladder::CALL), "nobody is there to be transferred", String::new());
            ctx.sip.respond(ctx.now, server, Reply::new(603));
            return;
        }
        let is_watched = request.headers.get_str(&REFER_SUB).is_none_or(|word| !word.trim().starts_with("false"));
        let mut accepted = Reply::new(202);
        if !is_watched {
            accepted.headers.push(REFER_SUB, "false");
        }
        ctx.sip.respond(ctx.now, server, accepted);
        let leg = self.legs[place].key;
        if is_watched {
            self.tell_transferer(ctx, place, 100);
        }
        ctx.affairs.push_back(Affair::Refer { leg, goal, is_watched });
    }

    /// NOTIFY with how the transfer gets on (RFC 3515 §2.4.5). After a final status, the phone has a moment to hang up.
    pub fn tell_transferer(&mut self, ctx: &mut Context, place: usize, status: u16) {
        let Some(dialog) = self.legs[place].dialog.filter(|_| self.legs[place].is_up()) else { return };
        let mut headers = Headers::new();
        headers.push(HeaderName::Event, "refer");
        let state = if status < 200 { "active;expires=180" } else { "terminated;reason=noresource" };
        headers.push(HeaderName::SubscriptionState, state);
        let content = format!("SIP/2.0 {status} {}\r\n", sip::message::StatusCode(status).default_reason());
        let body = Body { content_type: "message/sipfrag;version=2.0".into(), content: content.into() };
        // A phone that does not know the dialog any more is about to end.
        let _ = ctx.sip.request_in_dialog(ctx.now, dialog, Method::Notify, headers, Some(body));
    }

    /// The transfer is done: whoever asked for it has a moment to hang up.
    pub fn release_transferer(&mut self, ctx: &mut Context) {
        ctx.cancel(&mut self.limit);
        self.limit = Some(ctx.arm(FAREWELL, Timer::TransferDone(self.key)));
    }

    /// It did not.
    pub fn handle_transfer_done(&mut self, ctx: &mut Context) {
        self.limit = None;
        self.end_all(ctx, CALLER, Ending::local(HangupReason::Normal, Cause::NORMAL));
    }

    /// Rings those to whom the first leg is transferred: phones, and whoever is beyond the box.
    pub fn ring_for_transfer(&mut self, ctx: &mut Context, callees: Vec<Callee>, outside: Vec<(Address, Box<Way>)>) {
        let presented = Presented::of_caller(ctx, self);
        for callee in callees {
            if let Err(cause) = self.ring_callee(ctx, callee, &presented) {
                self.note_failure(Failure::of(cause));
            }
        }
        for (address, way) in outside {
            if let Err(cause) = self.ring_out(ctx, (&address, *way), &presented) {
                self.note_failure(Failure::of(cause));
            }
        }
        if !self.is_ringing() {
            return self.give_up_if_silent(ctx);
        }
        ctx.cancel(&mut self.limit);
        self.limit = Some(ctx.arm(ctx.settings.dial_timeout, Timer::DialTimeout(self.key)));
        self.tend_audio(ctx);
    }

    /// Whoever is transferred is where nobody has to answer.
    pub fn arrive(&mut self, ctx: &mut Context) {
        let Some(transfer) = self.transfer.take() else { return };
        self.tend_audio(ctx);
        if transfer.is_watched {
            ctx.affairs.push_back(Affair::TransferProgress { leg: transfer.leg, status: 200 });
        }
    }

    /// Whether the first leg is being transferred, and waits for somebody.
    pub fn rings_for_transfer(&self) -> bool {
        self.transfer.is_some() && self.bridged.is_none()
    }

    /// Somebody rings.
    pub(super) fn note_ringing_for_transfer(&mut self, ctx: &mut Context) {
        if let Some(transfer) = self.transfer.as_ref().filter(|transfer| transfer.is_watched) {
            ctx.affairs.push_back(Affair::TransferProgress { leg: transfer.leg, status: 180 });
        }
    }

    /// Somebody has taken the call.
    pub(super) fn note_answered_for_transfer(&mut self, ctx: &mut Context) {
        if self.transfer.is_none() {
            return;
        }
        self.arrive(ctx);
        self.state(ctx, CALLER, EventKind::CallUpdated);
    }

    /// Whoever of those who consult is at `place` has gone while a third one waits. `false`: nobody waits.
    pub(super) fn return_from_consultation(&mut self, ctx: &mut Context, place: usize) -> bool {
        let stays = if place == CALLER { self.bridged } else { Some(CALLER) };
        let stays = stays.filter(|stays| self.legs[*stays].is_up());
        let Some(waits) = self.consults.take() else { return false };
        let stays = stays.map(|stays| self.legs[stays].key);
        if stays.is_some() {
            self.bridged = None;
        }
        ctx.affairs.push_back(Affair::Consulted { waits, stays });
        stays.is_some()
    }

    /// Nobody took the call: whoever transferred has it back. `false`: it is no transfer.
    pub fn return_from_transfer(&mut self, ctx: &mut Context) -> bool {
        if self.return_from_consultation(ctx, usize::MAX) {
            return true;
        }
        if !self.rings_for_transfer() || !self.legs[CALLER].is_up() {
            return false;
        }
        let failure = self.failure.take().unwrap_or(Failure::of(Cause::NO_ANSWER));
        ctx.cancel(&mut self.limit);
        self.limit = Some(ctx.arm(ctx.settings.call_limit, Timer::CallLimit(self.key)));
        ctx.affairs.push_back(Affair::TransferFailed { call: self.key, failure });
        true
    }

    /// Whoever is transferred hung up.
    pub(super) fn abandon_transfer(&mut self, ctx: &mut Context) {
        if let Some(transfer) = self.transfer.take()
            && transfer.is_watched
        {
            ctx.affairs.push_back(Affair::TransferProgress { leg: transfer.leg, status: 487 });
        }
    }
}

const REFER_SUB: HeaderName = HeaderName::Other(bytes::Bytes::from_static(b"Refer-Sub"));

/// What a REFER asks for.
fn goal_of(request: &Request) -> Result<Goal, Box<Reply>> {
    let refer_to = request.headers.typed::<ReferTo>().map_err(|_| reply::bad_request("Refer-To"))?;
    let uri = refer_to.uri();
    if uri.param("method").is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
        return Err(Box::new(Reply::new(603)));
    }
    if let Some((_, replaces)) = uri.headers().find(|(name, _)| name.eq_ignore_ascii_case("Replaces")) {
        let replaces = bytes::Bytes::copy_from_slice(unescape(replaces).as_bytes());
        let replaces = Replaces::parse(&replaces).map_err(|_| reply::bad_request("Replaces"))?;
        return Ok(Goal::Dialog(Box::new(replaces)));
    }
    match dialled(uri) {
        number if number.is_empty() => Err(Box::new(Reply::new(416))),
        number => Ok(Goal::Number(number)),
    }
}
