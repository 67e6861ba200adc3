//! Groupcalls: several phones are rung, and the first that is answered ends the others.
//!
//! Each phone has a call of its own, which begins with us ([`crate::call::dial`]); the groupcall only counts them. All of
//! them ring at once, or one destination after the other.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::UnixMicros;
use crate::call::cause::Cause;
use crate::call::{Address, Calls, Dialling, Ending, HangupReason, Maker};
use crate::command::{Rejection, Reply};
use crate::context::Context;
use crate::correction::Correction;
use crate::event::EventKind;
use crate::flow::order::NewCall;

/// What the API shows of a groupcall, what events carry, what is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Groupcall {
    /// Its id, for ever.
    pub id: Uuid,
    /// How far it is.
    pub status: GroupcallStatus,
    /// The flow of the call that is answered.
    pub flow_id: Option<Uuid>,
    /// Who calls.
    pub source: Address,
    /// Who is called.
    pub destinations: Vec<Address>,
    /// The call that it is chained to.
    pub master_call_id: Option<Uuid>,
    /// The activeflow that had it made, if one had.
    pub made_by: Option<Uuid>,
    /// How they are rung.
    pub ring_method: RingMethod,
    /// The call that was answered.
    pub answer_call_id: Option<Uuid>,
    /// Its calls, in the order in which they were made.
    pub call_ids: Vec<Uuid>,
    /// How many of them are not over.
    pub call_count: usize,
    /// Where it is in its destinations, where one is rung after the other.
    pub dial_index: usize,
    /// When it was made.
    pub created: UnixMicros,
    /// When it changed last.
    pub updated: UnixMicros,
}

/// How far a groupcall is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupcallStatus {
    /// Somebody rings, or has the call.
    Progressing,
    /// All calls are being ended.
    HangingUp,
    /// All calls are over.
    Hangup,
}

/// How the destinations of a groupcall are rung.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RingMethod {
    /// All at once.
    #[default]
    RingAll,
    /// One after the other.
    Linear,
}

/// What [`crate::Command::CreateGroupcall`] needs.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGroupcall {
    /// Who calls whom, and what the one who answers goes through.
    pub call: NewCall,
    /// How they are rung.
    pub ring_method: RingMethod,
}

/// A groupcall to be made.
#[derive(Debug)]
pub struct Plan {
    /// Who calls.
    pub source: Address,
    /// Who is called.
    pub destinations: Vec<Address>,
    /// The flow of the call that is answered.
    pub flow_id: Option<Uuid>,
    /// Who has it made.
    pub maker: Maker,
    /// How they are rung.
    pub ring_method: RingMethod,
    /// For each destination, its calls.
    pub dials: Vec<Vec<Dialling>>,
}

/// A groupcall that is not over.
#[derive(Debug)]
struct Running {
    record: Groupcall,
    /// For each destination that is still to be rung, its calls.
    left: VecDeque<Vec<Dialling>>,
}

/// The groupcalls that are not over.
#[derive(Debug, Default)]
pub struct Groupcalls {
    by_id: FxHashMap<Uuid, Running>,
}

impl Groupcalls {
    /// The wall clock was set: what is not over is dated by the new one.
    pub fn redate(&mut self, correction: &Correction) {
        for Running { record, .. } in self.by_id.values_mut() {
            correction.redate_all([Some(&mut record.created), Some(&mut record.updated)]);
        }
    }
}

impl GroupcallStatus {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            GroupcallStatus::Progressing => "progressing",
            GroupcallStatus::HangingUp => "hangingup",
            GroupcallStatus::Hangup => "hangup",
        }
    }
}

impl RingMethod {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            RingMethod::RingAll => "ring_all",
            RingMethod::Linear => "linear",
        }
    }
}

impl Groupcalls {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

impl Calls {
    /// Makes a groupcall, and the calls of it that ring first; they are returned too.
    pub fn dial_group(&mut self, ctx: &mut Context, plan: Plan) -> (Groupcall, Vec<crate::call::CallRecord>) {
        let (id, at) = (ctx.uuid(), ctx.unix());
        let Plan { source, destinations, flow_id, maker, ring_method, dials } = plan;
        let record = Groupcall {
            id,
            status: GroupcallStatus::Progressing,
            flow_id,
            source,
            destinations,
            master_call_id: maker.master,
            made_by: maker.activeflow,
            ring_method,
            answer_call_id: None,
            call_ids: Vec::new(),
            call_count: 0,
            dial_index: 0,
            created: at,
            updated: at,
        };
        let mut running = Running { record, left: dials.into() };
        let made = self.dial_next(ctx, &mut running);
        let record = running.record.clone();
        ctx.event(EventKind::GroupcallCreated(Box::new(record.clone())));
        ctx.groupcalls.by_id.insert(id, running);
        (record, made)
    }

    /// Rings the next destination, or all of them.
    fn dial_next(&mut self, ctx: &mut Context, running: &mut Running) -> Vec<crate::call::CallRecord> {
        let id = running.record.id;
        let next: Vec<Dialling> = match running.record.ring_method {
            RingMethod::RingAll => running.left.drain(..).flatten().collect(),
            RingMethod::Linear => running.left.pop_front().unwrap_or_default(),
        };
        let dial = |dialling| self.dial(ctx, Dialling { groupcall: Some(id), ..dialling });
        let made: Vec<_> = next.into_iter().map(dial).collect();
        running.record.call_ids.extend(made.iter().map(|call| call.id));
        running.record.call_count += made.len();
        made
    }

    /// One of its calls was answered: the others end.
    pub fn handle_group_answered(&mut self, ctx: &mut Context, groupcall: Uuid, call: Uuid) {
        let at = ctx.unix();
        let Some(running) = ctx.groupcalls.by_id.get_mut(&groupcall) else { return };
        let others = running.record.call_ids.clone().into_iter().filter(|other| *other != call);
        let is_first = running.record.answer_call_id.is_none();
        let ending = Ending::local(HangupReason::Normal, Cause::ANSWERED_ELSEWHERE);
        if !is_first {
            return self.end_for_group(ctx, call, ending);
        }
        running.left.clear();
        running.record.answer_call_id = Some(call);
        running.record.updated = at;
        let told = Box::new(running.record.clone());
        ctx.event(EventKind::GroupcallProgressing(told));
        for other in others {
            self.end_for_group(ctx, other, ending);
        }
    }

    fn end_for_group(&mut self, ctx: &mut Context, call: Uuid, ending: Ending) {
        let Some(leg) = ctx.index.records.get(&call).copied() else { return };
        self.with(ctx, leg, |call, ctx, place| call.end_leg(ctx, place, ending));
    }

    /// One of its calls is over: the next destination rings, or the groupcall is over too.
    pub fn handle_group_over(&mut self, ctx: &mut Context, groupcall: Uuid) {
        let at = ctx.unix();
        let Some(mut running) = ctx.groupcalls.by_id.remove(&groupcall) else { return };
        running.record.call_count = running.record.call_count.saturating_sub(1);
        running.record.updated = at;
        while running.record.call_count == 0 && !running.left.is_empty() {
            running.record.dial_index += 1;
            self.dial_next(ctx, &mut running);
            ctx.event(EventKind::GroupcallUpdated(Box::new(running.record.clone())));
        }
        if running.record.call_count > 0 {
            ctx.groupcalls.by_id.insert(groupcall, running);
            return;
        }
        running.record.status = GroupcallStatus::Hangup;
        ctx.event(EventKind::GroupcallHangup(Box::new(running.record)));
        crate::index::shrink(&mut ctx.groupcalls.by_id);
    }

    /// Ends all calls of a groupcall, because somebody asked for it.
    pub fn hang_up_group(&mut self, ctx: &mut Context, groupcall: Uuid) -> Result<Reply, Rejection> {
        let at = ctx.unix();
        let running = ctx.groupcalls.by_id.get_mut(&groupcall).ok_or(Rejection::NotFound("groupcall"))?;
        running.left.clear();
        running.record.status = GroupcallStatus::HangingUp;
        running.record.updated = at;
        let record = running.record.clone();
        ctx.event(EventKind::GroupcallUpdated(Box::new(record.clone())));
        for call in &record.call_ids {
            // Those that are over already are no mistake of whoever asks.
            let _ = self.hang_up(ctx, *call);
        }
        Ok(Reply::Groupcall(Box::new(record)))
    }
}
