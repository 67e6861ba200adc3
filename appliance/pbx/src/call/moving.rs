//! Legs that leave their call for another one: what a transfer is made of.
//!
//! A leg keeps its name, whatever call it is in: timers, dialogs and streams that know it by that name find it where it is
//! now ([`Calls::locate`]). What it leaves behind is a place where nobody is.

use bytes::Bytes;
use sip::Flow;
use smallvec::SmallVec;
use uuid::Uuid;

use super::ladder::{self, Ladder};
use super::leg::new_record;
use super::{Address, AddressKind, CALLER, Call, CallKey, Calls, Direction, Leg, LegKey, Peer, Stage};
use crate::UnixMicros;
use crate::context::Context;
use crate::event::EventKind;
use crate::limits;
use crate::timers::Timer;

/// The two sides of a bridge that is taken apart, each alone in a call of its own, by their names.
#[derive(Debug, Clone, Copy)]
pub struct Apart {
    /// The leg that was asked about.
    pub one: LegKey,
    /// Whom it talked to.
    pub other: LegKey,
}

impl Calls {
    /// Where the leg with this name is.
    pub fn locate(&self, name: LegKey) -> LegKey {
        self.moved.get(&name).copied().unwrap_or(name)
    }

    /// The leg with this name.
    pub fn leg(&self, name: LegKey) -> Option<&Leg> {
        let at = self.locate(name);
        self.get(at.call)?.legs.get(usize::from(at.place))
    }

    /// The name of whoever is at the other side of a leg's bridge.
    pub fn across(&self, name: LegKey) -> Option<LegKey> {
        let at = self.locate(name);
        let call = self.get(at.call)?;
        let other = &call.legs[call.other(usize::from(at.place))?];
        (call.legs[usize::from(at.place)].is_up() && other.is_up()).then_some(other.key)
    }

    /// Takes a bridge apart: whoever was rung goes into a call of its own, whoever the call began with stays. `None`: there is no
    /// bridge.
    pub fn take_apart(&mut self, ctx: &mut Context, leg: LegKey) -> Option<Apart> {
        let other = self.across(leg)?;
        let at = self.locate(leg);
        let name = self.get(at.call)?.legs[usize::from(at.place)].key;
        let stays = usize::from(at.place) == CALLER;
        let goes = if stays { other } else { name };
        let new = self.next_key();
        let place = usize::from(self.locate(goes).place);
        let call = self.get_mut(at.call)?;
        call.part(ctx);
        let leg = call.take_out(ctx.unix(), place);
        let lane = call.lane;
        self.note_move(ctx, &leg, LegKey { call: new, place: CALLER as u8 });
        let call = Call::of_leg(ctx, (new, lane), leg);
        self.insert(ctx, call);
        self.with_call(ctx, at.call, |call, ctx| call.tend_audio(ctx));
        self.with_call(ctx, new, |call, ctx| call.tend_audio(ctx));
        Some(Apart { one: name, other })
    }

    /// Brings a leg that is alone in its call into the call of another one, and the two together. False: one of them is gone.
    pub fn bring_together(&mut self, ctx: &mut Context, (stays, comes): (LegKey, LegKey)) -> bool {
        let (into, from) = (self.locate(stays), self.locate(comes));
        let is_up = |at: LegKey| self.get(at.call).is_some_and(|call| call.legs[usize::from(at.place)].is_up());
        let has_room = self.get(into.call).is_some_and(|call| call.legs.len() < limits::LEGS);
        if into.call == from.call || usize::from(into.place) != CALLER || !is_up(into) || !is_up(from) || !has_room {
            return false;
        }
        let Some(place) = self.carry(ctx, (into.call, comes)) else { return false };
        self.with_call(ctx, into.call, |call, ctx| call.join_moved(ctx, place));
        self.with_call(ctx, from.call, |_, _| ());
        true
    }

    /// Carries a leg that is alone in its call into another one, and says where it is there. What is left of its call is to be
    /// buried.
    pub(super) fn carry(&mut self, ctx: &mut Context, (into, comes): (CallKey, LegKey)) -> Option<usize> {
        let from = self.locate(comes);
        let place = self.get(into).filter(|_| from.call != into)?.legs.len();
        let call = self.get_mut(from.call)?;
        call.leave_flow(ctx);
        call.transfer = None;
        let chained = std::mem::take(&mut call.chained);
        let leg = call.take_out(ctx.unix(), usize::from(from.place));
        self.note_move(ctx, &leg, LegKey { call: into, place: place as u8 });
        let call = self.get_mut(into)?;
        call.chained.extend(chained);
        Some(call.take_in(ctx, leg))
    }

    /// Has a leg found where it is from now on.
    fn note_move(&mut self, ctx: &mut Context, leg: &Leg, to: LegKey) {
        self.moved.insert(leg.key, to);
        ctx.index.records.insert(leg.record.id, to);
        ctx.index.sip_call_ids.insert(Bytes::copy_from_slice(leg.record.sip_call_id.as_bytes()), to);
    }
}

impl Call {
    /// A call that begins with a leg of another one.
    fn of_leg(ctx: &mut Context, (key, lane): (CallKey, media::Lane), leg: Leg) -> Call {
        let column = (leg.record.id, leg.name().to_string(), leg.record.peer.clone());
        let mut ladder = Ladder::new(column, Vec::new());
        ladder.internal(ctx.unix(), (ladder::CALL, ladder::CALL), "out of another call", "by a transfer".into());
        Call {
            lane,
            legs: SmallVec::from_iter([leg]),
            limit: Some(ctx.arm(ctx.settings.call_limit, Timer::CallLimit(key))),
            ..Call::new(ctx, key, ladder)
        }
    }

    /// The two who were bridged hear each other no longer.
    fn part(&mut self, ctx: &mut Context) {
        let Some(bridged) = self.bridged.take() else { return };
        let label = "disconnect";
        self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), label, "a transfer begins".into());
        if let Some(stream) = self.legs[bridged].audio.stream() {
            ctx.media(media::Command::Disconnect { stream });
        }
    }

    /// Takes a leg out. Its place is empty from now on.
    fn take_out(&mut self, at: UnixMicros, place: usize) -> Leg {
        let leg = &mut self.legs[place];
        let empty = nobody(leg.key, leg.flow, at);
        let between = (ladder::CALL, Call::column(place));
        let leg = std::mem::replace(leg, empty);
        self.ladder.internal(at, between, "into another call", "by a transfer".into());
        leg
    }

    /// Takes a leg of another call in, and says where it is now.
    fn take_in(&mut self, ctx: &mut Context, mut leg: Leg) -> usize {
        leg.record.master_call_id = Some(self.id());
        self.legs[CALLER].record.chained_call_ids.push(leg.record.id);
        self.ladder.add_phone(leg.record.id, leg.name().to_string(), leg.record.peer.clone());
        self.legs.push(leg);
        ctx.cancel(&mut self.limit);
        self.limit = Some(ctx.arm(ctx.settings.call_limit, Timer::CallLimit(self.key)));
        self.legs.len() - 1
    }

    fn join_moved(&mut self, ctx: &mut Context, place: usize) {
        self.bridge(ctx, place);
        self.tend_audio(ctx);
        for place in [CALLER, place] {
            self.state(ctx, place, EventKind::CallUpdated);
        }
    }
}

impl Leg {
    /// What its phone is called: the number of whoever is at it.
    pub fn name(&self) -> &str {
        &self.party().target
    }

    /// Whoever is at its phone.
    pub fn party(&self) -> &Address {
        match self.record.direction {
            Direction::Incoming => &self.record.source,
            Direction::Outgoing => &self.record.destination,
        }
    }
}

/// A place where nobody is.
fn nobody(key: LegKey, flow: Flow, at: UnixMicros) -> Leg {
    let nowhere = || Address { kind: AddressKind::Sip, target: String::new(), target_name: String::new() };
    let record = new_record(Uuid::nil(), Direction::Outgoing, (nowhere(), nowhere()), at);
    Leg::new(key, record, (Peer::Uri, flow), Stage::Over)
}
