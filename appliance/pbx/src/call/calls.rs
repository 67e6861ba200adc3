//! All calls: finds the one that an input is for, and buries it when it is over.

use bytes::Bytes;
use rustc_hash::FxHashMap;
use sip::dialog::Dialog;
use sip::header::Contact;
use sip::{Flow, Request, Transport};
use uuid::Uuid;

use super::archive::Archive;
use super::cause::Cause;
use super::ladder::{Noted, Preludes};
use super::waiting::Waiting;
use super::{Call, CallKey, Ending, HangupReason, LegKey, Peer};
use crate::command::{Rejection, Reply};
use crate::context::Context;
use crate::correction::Correction;
use crate::exchange::Output;
use crate::index;

/// The calls that are up or on their way.
#[derive(Debug, Default)]
pub struct Calls {
    // A call is large: the table, which grows and has free places, only points to it.
    calls: FxHashMap<CallKey, Box<Call>>,
    /// INVITEs on their way to becoming calls.
    pub preludes: Preludes,
    /// Those that wait for ports.
    pub waiting: Waiting,
    made: u64,
    /// Legs whose connection is gone, at least.
    stranded: usize,
    archive: Archive,
    /// Where legs are that have left the call they began in, by their names.
    pub(super) moved: FxHashMap<LegKey, LegKey>,
    /// Whether it was said that the process may end.
    drained: bool,
}

impl Calls {
    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// How many legs there are.
    pub fn legs(&self) -> usize {
        self.calls.values().map(|call| call.legs.len()).sum()
    }

    /// How many of them are guests.
    pub fn guests(&self) -> usize {
        let legs = self.calls.values().flat_map(|call| &call.legs);
        legs.filter(|leg| leg.peer == Peer::Guest && leg.is_live()).count()
    }

    /// The name of the next call.
    pub fn next_key(&mut self) -> CallKey {
        self.made += 1;
        CallKey(self.made)
    }

    /// Takes up a new call.
    pub fn insert(&mut self, ctx: &mut Context, call: Call) {
        let key = call.key;
        self.calls.insert(key, Box::new(call));
        self.bury(ctx, key);
    }

    /// Does something with the call of a leg, and buries the call if that ended it. `None` if the call is gone.
    pub fn with<R>(
        &mut self,
        ctx: &mut Context,
        leg: LegKey,
        act: impl FnOnce(&mut Call, &mut Context, usize) -> R,
    ) -> Option<R> {
        let leg = self.locate(leg);
        self.with_place(ctx, leg, act)
    }

    fn with_place<R>(
        &mut self,
        ctx: &mut Context,
        at: LegKey,
        act: impl FnOnce(&mut Call, &mut Context, usize) -> R,
    ) -> Option<R> {
        let call = self.calls.get_mut(&at.call)?;
        let result = act(call, ctx, usize::from(at.place));
        self.bury(ctx, at.call);
        Some(result)
    }

    /// Does something with a call as a whole, and buries it if that ended it.
    pub fn with_call(&mut self, ctx: &mut Context, call: CallKey, act: impl FnOnce(&mut Call, &mut Context)) {
        self.with_place(ctx, LegKey { call, place: 0 }, |call, ctx, _| act(call, ctx));
    }

    /// The call of a key.
    pub fn get(&self, key: CallKey) -> Option<&Call> {
        self.calls.get(&key).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, key: CallKey) -> Option<&mut Call> {
        self.calls.get_mut(&key).map(Box::as_mut)
    }

    /// Adds a message to the ladder of the call that its Call-ID names.
    pub fn note(&mut self, ctx: &Context, inbound: bool, message: &Bytes) {
        let Some(call_id) = super::ladder::call_id_of(message) else { return };
        let at = ctx.unix();
        let Some(leg) = ctx.index.sip_call_ids.get(call_id).copied() else {
            return self.preludes.note(call_id, Noted { at, inbound, message: message.clone() });
        };
        let leg = self.locate(leg);
        let ladder = match self.calls.get_mut(&leg.call) {
            Some(call) => Some(&mut call.ladder),
            None => self.archive.ladder(leg),
        };
        if let Some(ladder) = ladder {
            ladder.message(at, Call::column(usize::from(leg.place)), inbound, message.clone());
        }
    }

    /// The wall clock was set: what is not over is dated by the new one.
    pub fn redate(&mut self, correction: &Correction) {
        self.calls.values_mut().for_each(|call| call.redate(correction));
    }

    /// A connection is gone: its legs go on, and wait for their phones to register along another.
    pub fn handle_closed(&mut self, flow: &Flow) {
        for leg in self.calls.values_mut().flat_map(|call| &mut call.legs) {
            if flow.connection.is_some() && leg.flow.connection == flow.connection {
                leg.flow.connection = None;
                self.stranded += 1;
            }
        }
    }

    /// A phone registered: its calls whose connection is gone are reached along this flow from now on (RFC 5626 §5.3). A browser,
    /// which may be anywhere by now, is known again by the name that it made up for its contact.
    pub fn handle_registered(&mut self, ctx: &mut Context, extension: Uuid, (flow, request): (Flow, &Request)) {
        if self.stranded == 0 {
            return;
        }
        self.stranded = 0;
        let contacts = request.headers.list::<Contact>().unwrap_or_default();
        for leg in self.calls.values_mut().flat_map(|call| &mut call.legs) {
            let stranded = leg.is_live() && leg.flow.transport != Transport::Udp && leg.flow.connection.is_none();
            let is_same = stranded
                && leg.peer == Peer::Extension(extension)
                && leg.flow.transport == flow.transport
                && match flow.transport.is_websocket() {
                    true => leg.dialog.and_then(|id| ctx.sip.dialog(id)).is_some_and(|dialog| names(&contacts, dialog)),
                    false => leg.flow.remote.ip() == flow.remote.ip(),
                };
            if is_same {
                leg.flow = flow;
                if let Some(dialog) = leg.dialog {
                    ctx.sip.set_dialog_flow(dialog, flow);
                }
            } else {
                self.stranded += usize::from(stranded);
            }
        }
    }

    /// Peers reach us elsewhere: whoever talks is told where.
    pub fn handle_moved(&mut self, ctx: &mut Context) {
        let mut keys: Vec<CallKey> = self.calls.keys().copied().collect();
        keys.sort();
        for key in keys {
            self.with_call(ctx, key, |call, ctx| {
                (0..call.legs.len()).for_each(|place| call.follow_address(ctx, place))
            });
        }
    }

    /// Does what somebody asked for with a leg that is still there.
    pub fn within(
        &mut self,
        ctx: &mut Context,
        record: Uuid,
        act: impl FnOnce(&mut Call, &mut Context, usize) -> Result<Reply, Rejection>,
    ) -> Result<Reply, Rejection> {
        let leg = *ctx.index.records.get(&record).ok_or(Rejection::NotFound("call"))?;
        self.with(ctx, leg, act).unwrap_or(Err(Rejection::CallState))
    }

    /// Ends a call because somebody asked for it.
    pub fn hang_up(&mut self, ctx: &mut Context, record: Uuid) -> Result<Reply, Rejection> {
        let leg = *ctx.index.records.get(&record).ok_or(Rejection::NotFound("call"))?;
        let ending = Ending::local(HangupReason::Normal, Cause::NORMAL);
        self.with(ctx, leg, |call, ctx, place| {
            if !call.legs[place].is_live() {
                return Err(Rejection::AlreadyHungUp);
            }
            call.hang_up_on_request(ctx, place, ending);
            Ok(Reply::Call(Box::new(call.legs[place].record.clone())))
        })
        .unwrap_or(Err(Rejection::AlreadyHungUp))
    }

    /// Ends every call of an extension.
    pub fn hang_up_extension(&mut self, ctx: &mut Context, extension: Uuid) {
        let concerned =
            |call: &Call| call.legs.iter().position(|leg| leg.peer == Peer::Extension(extension) && leg.is_live());
        let mut found: Vec<LegKey> = self
            .calls
            .values()
            .filter_map(|call| concerned(call).map(|place| LegKey { call: call.key, place: place as u8 }))
            .collect();
        found.sort();
        for leg in found {
            let ending = Ending::local(HangupReason::Normal, Cause::NORMAL);
            self.with_place(ctx, leg, |call, ctx, place| call.hang_up_on_request(ctx, place, ending));
        }
    }

    /// The ladder of a call that is still up, or was a moment ago.
    pub fn sequence(&self, ctx: &Context, record: Uuid) -> Result<Reply, Rejection> {
        let key = &self.locate(*ctx.index.records.get(&record).ok_or(Rejection::NotFound("call"))?);
        let live = self.calls.get(&key.call).map(|call| call.ladder.sequence());
        let sequence = live.or_else(|| self.archive.sequence(*key)).ok_or(Rejection::NotFound("call"))?;
        Ok(Reply::Sequence(sequence))
    }

    /// The last answers of a call that is over have had their time.
    pub fn archive(&mut self, ctx: &mut Context, call: CallKey) {
        self.archive.close(ctx, call);
    }

    fn bury(&mut self, ctx: &mut Context, key: CallKey) {
        if !self.calls.get(&key).is_some_and(|call| call.is_over()) {
            return;
        }
        let Some(mut call) = self.calls.remove(&key) else { return };
        ctx.cancel(&mut call.limit);
        if !self.moved.is_empty() {
            for leg in call.legs.iter().filter(|leg| !leg.record.id.is_nil()) {
                self.moved.remove(&leg.key);
            }
        }
        self.archive.take(ctx, *call);
        if self.calls.is_empty() {
            index::shrink(&mut self.calls);
            ctx.index.shrink();
            self.finish_draining(ctx);
        }
    }

    /// Says so when the process may end.
    pub fn finish_draining(&mut self, ctx: &mut Context) {
        if ctx.draining
            && self.calls.is_empty()
            && ctx.recordings.is_empty()
            && ctx.affairs.is_empty()
            && ctx.errands.is_empty()
            && !std::mem::replace(&mut self.drained, true)
        {
            self.archive.close_all(ctx);
            ctx.output(Output::Drained);
        }
    }
}

/// Whether one of the contacts is the one at the other end of a dialog.
fn names(contacts: &[Contact], dialog: &Dialog) -> bool {
    let is_it = |contact: &Contact| match contact {
        Contact::Address(contact) => {
            contact.uri().host() == dialog.remote_target.host() && contact.uri().user() == dialog.remote_target.user()
        }
        Contact::Star => false,
    };
    contacts.iter().any(is_it)
}
