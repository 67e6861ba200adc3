//! A flow that runs by itself: because somebody asked for it, or another flow or a recording is over. It goes through the
//! same steps as that of a call, in a [`Call`] without legs; what needs a phone is passed over.
//!
//! Here, too, a flow has other calls made (`call`), some of which end with it.

use uuid::Uuid;

use super::{Run, Wait};
use crate::call::ladder::{self, Ladder};
use crate::call::{Affair, Call, CallKey, Calls};
use crate::command::Rejection;
use crate::context::Context;
use crate::event::EventKind;
use crate::exchange::outgoing::Made;
use crate::flow::record::Origin;
use crate::flow::{ActiveflowRecord, End, Outcome, Script};
use crate::limits;
use crate::timers::Timer;

impl Calls {
    /// Begins to run a flow that no call goes through.
    pub fn run_alone(
        &mut self,
        ctx: &mut Context,
        script: Script,
        origin: Origin,
    ) -> Result<ActiveflowRecord, Rejection> {
        if self.len() >= limits::CALLS {
            return Err(Rejection::Exhausted("there are as many calls and activeflows as the exchange can hold"));
        }
        let key = self.next_key();
        let call = Call::without_legs(ctx, key, (script, origin));
        let record = call.run.as_ref().map(|run| run.record.clone()).expect("it has just begun to run");
        self.insert(ctx, call);
        Ok(record)
    }
}

impl Call {
    fn without_legs(ctx: &mut Context, key: CallKey, (script, origin): (Script, Origin)) -> Call {
        let id = script.id.unwrap_or_else(|| ctx.uuid());
        let mut run = Run::new(id, script, (origin, None), ctx.unix());
        run.tell_own_variables();
        let mut call = Call {
            limit: Some(ctx.arm(ctx.settings.call_limit, Timer::CallLimit(key))),
            ..Call::new(ctx, key, Ladder::new((id, "flow".into(), String::new()), Vec::new()))
        };
        call.start(ctx, run);
        call
    }

    /// A flow without a call has run as long as it may.
    pub fn end_alone(&mut self, ctx: &mut Context) {
        if let Some(run) = &mut self.run {
            run.record.failure = Some("it has run as long as it may".into());
        }
        self.finish_flow(ctx, End::Finished);
    }

    /// The calls were made that the flow wanted, or could not be.
    pub fn take_made(&mut self, ctx: &mut Context, made: Result<Made, Rejection>, is_chained: bool) {
        let at = ctx.unix();
        let made = match made {
            Ok(made) => made,
            Err(rejection) => return self.resume_made(ctx, Outcome::Failed(rejection.to_string())),
        };
        let ids: Vec<Uuid> = made.calls.iter().map(|call| call.id).collect();
        let words: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        self.ladder.internal(at, (ladder::CALL, ladder::CALL), "calls were made", words.join("\n"));
        if is_chained {
            self.chained.extend(made.ends());
            if let Some(leg) = self.legs.first_mut() {
                leg.record.chained_call_ids.extend(ids);
                self.state(ctx, crate::call::CALLER, EventKind::CallUpdated);
            }
        }
        self.resume_made(ctx, Outcome::Done);
    }

    /// The flow that runs after a recording begins with the variables of this one.
    pub fn hand_variables_over(&self, ctx: &mut Context, recording: media::RecordingId) {
        if let Some(run) = &self.run {
            ctx.recordings.hand_over(recording, &run.flow.variables);
        }
    }

    fn resume_made(&mut self, ctx: &mut Context, outcome: Outcome) {
        if let Some(Wait::Made) = self.run.as_ref().map(|run| &run.waits) {
            self.resume_flow(ctx, outcome);
        }
    }
}

impl Made {
    /// How all of it ends.
    pub fn ends(&self) -> Vec<Affair> {
        let single = self.calls.iter().filter(|call| call.groupcall_id.is_none());
        let groups = self.groupcalls.iter().map(|groupcall| Affair::HangUpGroupcall(groupcall.id));
        single.map(|call| Affair::HangUp(call.id)).chain(groups).collect()
    }
}
