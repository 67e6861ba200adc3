//! Transfers: what takes more than one call, the directory and the registrar.

use super::Pbx;
use crate::call::cause::Cause;
use crate::call::moving::Apart;
use crate::call::transfer::{Goal, NewTransfer, Transfer, TransferKind, TransferRecord};
use crate::call::waiting::Destination;
use crate::call::{Address, AddressKind, CALLER, CallKey, Callee, Ending, Failure, HangupReason, LegKey, Peer, setup};
use crate::command::{Rejection, Reply};
use crate::limits;

impl Pbx {
    /// A phone wants the one it talks to to go elsewhere.
    pub(super) fn refer(&mut self, leg: LegKey, goal: Goal, is_watched: bool) {
        match goal {
            Goal::Number(number) => {
                if self.transfer_to_number(leg, &number, is_watched).is_none() {
                    self.tell_transferer(leg, 487);
                }
            }
            Goal::Dialog(replaces) => {
                let tags = (&replaces.to_tag[..], &replaces.from_tag[..]);
                let dialog = self.ctx.sip.named_dialog(&replaces.call_id, tags);
                let second = dialog.and_then(|dialog| self.ctx.index.dialogs.get(&dialog)).copied();
                let status = second.map_or(481, |second| self.transfer_to_call(leg, second));
                if is_watched {
                    self.tell_transferer(leg, status);
                }
            }
        }
    }

    /// Begins a transfer that somebody asked for.
    pub(super) fn create_transfer(&mut self, asked: NewTransfer) -> Result<Reply, Rejection> {
        let numbers = self.numbers(&asked.addresses)?;
        let leg = *self.ctx.index.records.get(&asked.call).ok_or(Rejection::NotFound("call"))?;
        let Pbx { ctx, calls, .. } = self;
        let Apart { one, other } = calls.take_apart(ctx, leg).ok_or(Rejection::CallState)?;
        let by = calls.leg(one).map(|leg| leg.name().to_string()).unwrap_or_default();
        let transferee = calls.leg(other).map(|leg| leg.record.id).unwrap_or_default();
        let transfer = Transfer { by, leg: one, is_watched: false, is_recall: false };
        match asked.kind {
            TransferKind::Blind => {
                let ending = Ending::local(HangupReason::Normal, Cause::NORMAL);
                calls.with(ctx, one, |call, ctx, place| call.end_all(ctx, place, ending));
                self.ring_for(other, transfer, &numbers);
            }
            TransferKind::Attended => {
                calls.with(ctx, other, |call, ctx, _| {
                    call.transfer = Some(Box::new(transfer));
                    call.tend_audio(ctx);
                });
                calls.with(ctx, one, |call, _, _| call.consults = Some(other));
                self.ring(one, &numbers);
            }
        }
        let (id, created) = (self.ctx.uuid(), self.ctx.unix());
        Ok(Reply::Transfer(Box::new(TransferRecord { id, asked, transferee, created })))
    }

    /// One of two who consulted has gone: whoever waited talks to the other one, if there is one. Who waited may have gone, too.
    pub(super) fn end_consultation(&mut self, waits: LegKey, stays: Option<LegKey>) {
        let Some(stays) = stays else {
            return self.give_back(self.calls.locate(waits).call, Failure::of(Cause::NO_ANSWER));
        };
        let Pbx { ctx, calls, .. } = self;
        if calls.bring_together(ctx, (waits, stays)) {
            calls.with(ctx, waits, |call, _, _| call.transfer = None);
            return;
        }
        let ending = Ending::local(HangupReason::Normal, Cause::NORMAL);
        calls.with(ctx, stays, |call, ctx, place| call.end_all(ctx, place, ending));
    }

    /// Sends whom the leg talks to to whoever is dialled so. `None`: the leg talks to nobody any more.
    fn transfer_to_number(&mut self, leg: LegKey, number: &str, is_watched: bool) -> Option<()> {
        let Pbx { ctx, calls, .. } = self;
        let Apart { one, other } = calls.take_apart(ctx, leg)?;
        let by = calls.leg(one)?.name().to_string();
        let transfer = Transfer { by, leg: one, is_watched, is_recall: false };
        self.ring_for(other, transfer, &[number.to_string()]);
        Some(())
    }

    /// Sends a leg that is alone in its call to whoever of these takes it.
    fn ring_for(&mut self, leg: LegKey, transfer: Transfer, numbers: &[String]) {
        self.calls.with(&mut self.ctx, leg, |call, _, _| call.transfer = Some(Box::new(transfer)));
        self.ring(leg, numbers);
    }

    /// Rings these for a leg that is alone in its call. One that is no phone is where it goes at once.
    fn ring(&mut self, leg: LegKey, numbers: &[String]) {
        let Pbx { ctx, calls, directory, registrar, .. } = self;
        calls.with(ctx, leg, |call, ctx, _| {
            let (mut callees, mut outside) = (Vec::new(), Vec::new());
            call.failure = None;
            for number in numbers {
                let places = setup::Whereabouts { directory, registrar };
                match setup::find(ctx, call, places, number) {
                    Ok(Destination::Phones { extension, contacts }) => {
                        callees.extend(contacts.iter().filter_map(|at| Callee::of_contact(&extension, at).ok()));
                    }
                    Ok(Destination::Outside { address, way }) => outside.push((address, way)),
                    Ok(Destination::Conference { id, .. }) if call.consults.is_none() => {
                        if call.move_into_conference(ctx, id) {
                            return call.arrive(ctx);
                        }
                        call.note_failure(Failure::of(Cause::BUSY));
                    }
                    Ok(Destination::Flow(flow)) if call.consults.is_none() => {
                        call.leave_flow(ctx);
                        call.begin_flow(ctx, (&*flow).into());
                        return call.arrive(ctx);
                    }
                    Ok(_) => call.note_failure(Failure::of(Cause::UNALLOCATED)),
                    Err(cause) => call.note_failure(Failure::of(cause)),
                }
            }
            call.ring_for_transfer(ctx, callees, outside);
        });
    }

    /// Brings together those whom a phone talks to in two calls of its own. The status is what the phone is told of it.
    fn transfer_to_call(&mut self, first: LegKey, second: LegKey) -> u16 {
        let Pbx { ctx, calls, .. } = self;
        let peer = |leg: LegKey| calls.leg(leg).map(|leg| leg.peer);
        let is_own =
            matches!((peer(first), peer(second)), (Some(Peer::Extension(a)), Some(Peer::Extension(b))) if a == b);
        if !is_own {
            return 403;
        }
        if calls.across(first).is_none() || calls.across(second).is_none() || calls.across(first) == Some(second) {
            return 481;
        }
        let (Some(one), Some(two)) = (calls.take_apart(ctx, first), calls.take_apart(ctx, second)) else { return 481 };
        let has_flow = |leg: LegKey| calls.get(calls.locate(leg).call).is_some_and(|call| call.run.is_some());
        // Whoever goes through a flow goes on with it after this.
        let pair =
            if has_flow(two.other) && !has_flow(one.other) { (two.other, one.other) } else { (one.other, two.other) };
        let status = if calls.bring_together(ctx, pair) { 200 } else { 500 };
        let ending = Ending::local(HangupReason::Normal, Cause::NORMAL);
        calls.with(ctx, two.one, |call, ctx, place| call.end_all(ctx, place, ending));
        status
    }

    /// Tells the phone that transferred how it gets on. Once that is final and good, it has a moment to hang up.
    pub(super) fn tell_transferer(&mut self, leg: LegKey, status: u16) {
        self.calls.with(&mut self.ctx, leg, |call, ctx, place| {
            call.tell_transferer(ctx, place, status);
            if status >= 200 && call.other(place).is_none() && place == CALLER {
                call.release_transferer(ctx);
            }
        });
    }

    /// Nobody took whom a phone transferred: it has them back.
    pub(super) fn give_back(&mut self, call: CallKey, failure: Failure) {
        let found = self.calls.get(call).and_then(|call| {
            let transfer = call.transfer.as_ref()?;
            Some((call.legs[CALLER].key, transfer.leg, transfer.by.clone(), transfer.is_watched, transfer.is_recall))
        });
        let Some((leg, transferer, by, is_watched, is_recall)) = found else { return };
        if is_recall {
            let ending = Ending::local(failure.cause.reason_outgoing(), failure.cause);
            self.calls.with(&mut self.ctx, leg, |call, ctx, place| {
                call.transfer = None;
                if !call.fail_bridge_for_flow(ctx, failure.cause) {
                    call.end_all(ctx, place, ending);
                }
            });
            return;
        }
        if is_watched {
            self.calls.with(&mut self.ctx, transferer, |call, ctx, place| {
                call.tell_transferer(ctx, place, failure.status);
            });
        }
        if self.calls.bring_together(&mut self.ctx, (leg, transferer)) {
            self.calls.with(&mut self.ctx, leg, |call, _, _| call.transfer = None);
            return;
        }
        let transfer = Transfer { by: by.clone(), leg: transferer, is_watched: false, is_recall: true };
        self.ring_for(leg, transfer, &[by]);
    }

    /// What is dialled to reach these.
    fn numbers(&self, addresses: &[Address]) -> Result<Vec<String>, Rejection> {
        let field = "transferee_addresses";
        if addresses.is_empty() || addresses.len() > limits::DESTINATIONS {
            return Err(Rejection::Invalid { field, reason: "must be 1 to 20 addresses" });
        }
        let mut numbers = Vec::new();
        for address in addresses {
            match address.kind {
                _ if address.target.is_empty() => {
                    return Err(Rejection::Invalid { field, reason: "has an address without a target" });
                }
                AddressKind::Extension | AddressKind::Tel => numbers.push(address.target.clone()),
                AddressKind::Conference => numbers.push(format!("conference-{}", address.target)),
                AddressKind::Agent => {
                    let reached = self.ctx.agents.reached_at(&address.target);
                    let dialled = reached.into_iter().filter(|at| at.kind != AddressKind::Sip).map(|at| at.target);
                    numbers.extend(dialled.take(limits::DESTINATIONS));
                }
                AddressKind::Sip => {
                    let reason = "must be of the types extension, tel, conference or agent";
                    return Err(Rejection::Invalid { field, reason });
                }
            }
        }
        match numbers.is_empty() {
            true => Err(Rejection::Invalid { field, reason: "names nobody who can be rung" }),
            false => Ok(numbers),
        }
    }
}
