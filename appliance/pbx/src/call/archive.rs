//! Ladders of calls that are over: kept open for a moment, because the last answers are still on their way, then given to the store.
//!
//! Ladders are for people. Under a load that no office makes they must not cost the calls their core: beyond a number of
//! bytes a second they are counted and dropped.

use std::collections::VecDeque;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::ladder::Ladder;
use super::{Call, CallKey, LegKey};
use crate::context::Context;
use crate::exchange::Output;
use crate::sequence::Sequence;
use crate::timers::Timer;
use crate::{Time, index, limits};

/// The ladders that are still open.
#[derive(Debug, Default)]
pub struct Archive {
    open: FxHashMap<CallKey, Ended>,
    order: VecDeque<CallKey>,
    second: u64,
    spent: usize,
}

/// What is left of a call.
#[derive(Debug)]
struct Ended {
    ladder: Ladder,
    records: Vec<Uuid>,
    sip_call_ids: Vec<Bytes>,
}

impl Archive {
    /// Takes what is left of a call that is over.
    pub fn take(&mut self, ctx: &mut Context, call: Call) {
        if call.legs.is_empty() {
            return;
        }
        let key = call.key;
        let ended = Ended {
            records: call.legs.iter().map(|leg| leg.record.id).collect(),
            sip_call_ids: call
                .legs
                .iter()
                .map(|leg| Bytes::copy_from_slice(leg.record.sip_call_id.as_bytes()))
                .collect(),
            ladder: call.ladder,
        };
        if !self.affords(ctx.now, ended.ladder.weight()) {
            ctx.totals.sequences_omitted += 1;
            return forget(ctx, &ended);
        }
        self.open.insert(key, ended);
        self.order.push_back(key);
        ctx.arm(limits::LADDER_LINGER, Timer::Archive(key));
    }

    /// The ladder of a call that is over, while it is open.
    pub fn ladder(&mut self, leg: LegKey) -> Option<&mut Ladder> {
        self.open.get_mut(&leg.call).map(|ended| &mut ended.ladder)
    }

    /// The same, to be read.
    pub fn sequence(&self, leg: LegKey) -> Option<Sequence> {
        self.open.get(&leg.call).map(|ended| ended.ladder.sequence())
    }

    /// Gives a ladder to the store.
    pub fn close(&mut self, ctx: &mut Context, key: CallKey) {
        let Some(ended) = self.open.remove(&key) else { return };
        forget(ctx, &ended);
        ctx.output(Output::Sequence(Box::new(ended.ladder.sequence())));
        while self.order.front().is_some_and(|oldest| !self.open.contains_key(oldest)) {
            self.order.pop_front();
        }
        index::shrink(&mut self.open);
        if self.order.is_empty() {
            self.order.shrink_to(128);
        }
    }

    /// Gives all ladders to the store, oldest first: the process is about to end.
    pub fn close_all(&mut self, ctx: &mut Context) {
        for key in std::mem::take(&mut self.order) {
            self.close(ctx, key);
        }
    }

    fn affords(&mut self, now: Time, weight: usize) -> bool {
        if self.second != now.as_secs() {
            self.second = now.as_secs();
            self.spent = 0;
        }
        self.spent += weight;
        self.spent <= limits::SEQUENCE_BYTES_PER_SECOND
    }
}

fn forget(ctx: &mut Context, ended: &Ended) {
    for record in &ended.records {
        ctx.index.records.remove(record);
    }
    for call_id in &ended.sip_call_ids {
        ctx.index.sip_call_ids.remove(call_id);
    }
}
