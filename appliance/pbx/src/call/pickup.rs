//! Pickup: an INVITE that takes the place of another phone in its call (Replaces, RFC 3891), while that phone rings or once it
//! talks.
//!
//! The dialog that is named is one between the box and the other phone; whoever knows its tags has been told of them by that
//! phone. The one who picks up begins a call of its own, is answered in it, and then moves to the other one. What
//! concerns both calls is an [`Affair`], done in [`crate::exchange::pickups`].

use media::Lane;
use sip::endpoint::Reply;
use sip::header::Replaces;
use sip::{Headers, Request};

use super::audio::Preference;
use super::{Affair, CALLER, Call, Calls, Failure, LegKey, Stage, ladder};
use crate::authentication::Caller;
use crate::context::Context;
use crate::limits;
use crate::reply;

/// Whose place is taken.
#[derive(Debug, Clone)]
pub struct Pickup {
    /// The leg that has to go, by its name.
    pub leg: LegKey,
    /// Where the audio of whom it talks to runs.
    pub lane: Lane,
    /// What whom it talks to speaks.
    pub preference: Preference,
}

impl Pickup {
    /// Whom an INVITE wants to replace, if it wants that.
    pub fn wanted(
        ctx: &Context,
        calls: &Calls,
        (caller, request): (&Caller, &Request),
    ) -> Result<Option<Pickup>, Box<Reply>> {
        let Some(replaces) = read(&request.headers)? else { return Ok(None) };
        // Whoever is beyond the box has no business with the calls of others.
        if !matches!(caller, Caller::Extension(_)) {
            return Err(Box::new(Reply::new(403)));
        }
        let tags = (&replaces.to_tag[..], &replaces.from_tag[..]);
        let dialog = ctx.sip.named_dialog(&replaces.call_id, tags);
        let name = dialog.and_then(|dialog| ctx.index.dialogs.get(&dialog)).copied();
        let (name, leg) = name.and_then(|name| Some((name, calls.leg(name)?))).ok_or_else(|| refused(481))?;
        let at = calls.locate(name);
        let call = calls.get(at.call).ok_or_else(|| refused(481))?;
        let other = match leg.stage {
            Stage::Up if replaces.early_only => return Err(refused(486)),
            // Alone, in a conference or with a flow: there is nobody whom another phone could talk to.
            Stage::Up => calls.across(name).and_then(|other| calls.leg(other)).ok_or_else(|| refused(603))?,
            // One that the box began for no caller of its own.
            Stage::Outgoing { .. } if usize::from(at.place) == CALLER => return Err(refused(603)),
            Stage::Outgoing { .. } => &call.legs[CALLER],
            // An early dialog that the other side began is none that may be replaced (RFC 3891 §3).
            _ => return Err(refused(481)),
        };
        let preference = match &call.offer {
            Some(_) if !other.audio.is_negotiated() => Preference::of_caller(call.offer.as_ref()),
            _ => Preference::of_leg(&other.audio),
        };
        Ok(Some(Pickup { leg: name, lane: call.lane, preference }))
    }
}

fn refused(status: u16) -> Box<Reply> {
    Box::new(Reply::new(status))
}

/// The one Replaces of an INVITE; two are a mistake (RFC 3891 §3).
fn read(headers: &Headers) -> Result<Option<Replaces>, Box<Reply>> {
    let replaces = headers.list::<Replaces>().map_err(|_| reply::bad_request("Replaces"))?;
    match replaces.len() {
        0 | 1 => Ok(replaces.into_iter().next()),
        _ => Err(reply::bad_request("Replaces")),
    }
}

impl Calls {
    /// Gives a call that rings to a phone that is alone in a call of its own. False: one of them is gone.
    pub fn pick_up(&mut self, ctx: &mut Context, (rings, comes): (LegKey, LegKey)) -> bool {
        let into = self.locate(rings).call;
        let waits = self.get(into).is_some_and(|call| call.legs[CALLER].is_live() && call.legs.len() < limits::LEGS);
        if !waits || !self.leg(comes).is_some_and(|leg| leg.is_up()) {
            return false;
        }
        let from = self.locate(comes).call;
        let Some(place) = self.carry(ctx, (into, comes)) else { return false };
        self.with_call(ctx, into, |call, ctx| {
            let name = call.legs[place].name().to_string();
            call.ladder.internal(ctx.unix(), (ladder::SIP, ladder::CALL), "picked up", name);
            call.give_to(ctx, place);
        });
        self.with_call(ctx, from, |_, _| ());
        true
    }
}

impl Call {
    /// Answers the phone that picks up; then it takes the place of the other one.
    pub fn take_place(&mut self, ctx: &mut Context, pickup: &Pickup) {
        if let Err(cause) = self.legs[CALLER].audio.reserve(ctx, self.lane) {
            return self.refuse(ctx, Failure::of(cause));
        }
        let body = match self.describe_caller(ctx, pickup.preference.clone()) {
            Ok(body) => body,
            Err(failure) => return self.refuse(ctx, failure),
        };
        self.accept_caller(ctx, body);
        self.set_progressing(ctx, &[CALLER]);
        ctx.affairs.push_back(Affair::Pickup { replaced: pickup.leg, by: self.legs[CALLER].key });
    }
}
