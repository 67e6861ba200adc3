//! A call that goes through a flow: the flow says what is next, the call carries it out and says what came of it.
//!
//! The flow belongs to the caller's leg. It ends when that leg ends, and ends that leg when it is at its own end. What
//! each order means for the call is in [`orders`], ringing others for it in [`connecting`], what the world is asked for it in
//! [`errands`], what is said to the phone in [`talking`], what is listened to in [`listening`], programs that hear it in
//! [`programs`], texts that are sent in [`messages`].

pub mod alone;
pub mod connecting;
pub mod errands;
pub mod listening;
pub mod messages;
pub mod orders;
pub mod programs;
pub mod talking;

use media::PlaybackId;
use uuid::Uuid;

use super::cause::Cause;
use super::setup::Whereabouts;
use super::{Affair, CALLER, Call, CallKey, Calls, Ending, Failure, HangupReason, ladder};
use crate::UnixMicros;
use crate::context::Context;
use crate::errand::{self, ErrandId};
use crate::event::EventKind;
use crate::flow::action::{Action, Catalogue};
use crate::flow::order::{Connect, Digits, Order};
use crate::flow::record::Origin;
use crate::flow::scope::Surroundings;
use crate::flow::script::Over;
use crate::flow::{Activeflow, ActiveflowRecord, Advance, End, Flow, Outcome, Script};
use crate::limits;
use crate::timers::{Timer, TimerId};

/// A flow that a call goes through.
#[derive(Debug)]
pub struct Run {
    /// What the world sees of it.
    pub record: ActiveflowRecord,
    /// Where it is.
    flow: Activeflow,
    /// What it waits for.
    waits: Wait,
    /// Until when, at the longest.
    timer: Option<TimerId>,
    /// How many activeflows came before it in its chain.
    completed: u32,
    /// While it is being found out whether a machine has answered: whether one is hung up on.
    machine: Option<bool>,
}

/// What a flow waits for.
#[derive(Debug)]
enum Wait {
    /// It does not.
    Nothing,
    /// The phone's description, in the ACK to our 200; what comes then.
    Audio(Option<Box<Order>>),
    /// The phone to be answered, which this is for.
    Pickup(Box<Order>),
    /// Calls to be made.
    Made,
    /// That it is known where somebody is, whom this is for.
    Place(Box<Order>),
    /// Time to pass, while the phone hears itself.
    Echo,
    /// To know who has answered.
    Machine,
    /// Time to pass.
    Time,
    /// Digits.
    Digits,
    /// Something to be over that is played.
    Playback {
        playback: PlaybackId,
        /// Whether a digit ends it.
        until_digit: bool,
    },
    /// The digits to be sent that are left, the last one first.
    Sending(Box<Digits>),
    /// That those are found who are to be rung.
    Search(Box<Connect>),
    /// One of the phones that ring to answer.
    Answer(Box<Connect>),
    /// The other one to hang up.
    Bridge(Box<Connect>),
    /// To be out of the conference.
    Conference,
    /// An errand to come home.
    Errand(ErrandId),
    /// A text to be spoken.
    Speech {
        errand: ErrandId,
        /// Whether a digit ends it.
        until_digit: bool,
    },
    /// Somebody to say so.
    Release,
}

impl Calls {
    /// Does the next thing of a call's flow.
    pub fn step_flow(&mut self, ctx: &mut Context, call: CallKey, places: &Whereabouts<'_>) {
        self.with_call(ctx, call, |call, ctx| call.step_flow(ctx, places));
    }
}

impl Run {
    /// A flow before its first action.
    fn new(id: Uuid, script: Script, call: (Origin, Option<Uuid>), at: UnixMicros) -> Run {
        let ((origin, call_id), completed) = (call, script.completed);
        let record = ActiveflowRecord {
            id,
            flow_id: script.flow_id,
            running: true,
            origin,
            call_id,
            follows: script.follows,
            on_complete_flow_id: script.on_complete_flow_id,
            webhook: script.webhook,
            current: None,
            executed: Vec::new(),
            failure: None,
            created: at,
            updated: at,
        };
        let flow = Activeflow::new(script.actions, script.variables);
        Run { record, flow, waits: Wait::Nothing, timer: None, completed, machine: None }
    }

    /// The variables that are about the activeflow.
    fn tell_own_variables(&mut self) {
        let record = &self.record;
        let reference = match record.origin {
            Origin::Recording(id) => id,
            Origin::Call | Origin::Api | Origin::Nothing => record.call_id.unwrap_or_default(),
        };
        let variables = &mut self.flow.variables;
        variables.tell("voipbin.activeflow.id", record.id.to_string());
        variables.tell("voipbin.activeflow.reference_type", record.origin.name());
        variables.tell("voipbin.activeflow.reference_id", reference.to_string());
        variables.tell("voipbin.activeflow.reference_activeflow_id", record.follows.unwrap_or_default().to_string());
        variables.tell("voipbin.activeflow.flow_id", record.flow_id.unwrap_or_default().to_string());
        variables.tell("voipbin.activeflow.complete_count", self.completed.to_string());
    }

    /// Writes down what has been done since it was written down last.
    fn collect(&mut self) -> Vec<(Action, String)> {
        let executed: Vec<_> = std::iter::from_fn(|| self.flow.poll_executed()).collect();
        let told: Vec<_> = executed.into_iter().map(|executed| (executed.action, executed.note)).collect();
        self.record.executed.extend(told.iter().map(|(action, _)| action.clone()));
        let surplus = self.record.executed.len().saturating_sub(limits::EXECUTED_ACTIONS);
        self.record.executed.drain(..surplus);
        told
    }
}

impl Call {
    /// Sends the call into a flow.
    pub fn enter_flow(&mut self, ctx: &mut Context, flow: &Flow) {
        if let Err(cause) = self.legs[CALLER].audio.reserve(ctx, self.lane) {
            return self.refuse(ctx, Failure::of(cause));
        }
        self.begin_flow(ctx, Script::from(flow));
        ctx.cancel(&mut self.limit);
        self.limit = Some(ctx.arm(ctx.settings.call_limit, Timer::CallLimit(self.key)));
    }

    /// The flow that runs.
    pub(super) fn activeflow_id(&self) -> Option<Uuid> {
        self.run.as_ref().map(|run| run.record.id)
    }

    /// Begins to run a flow.
    pub fn begin_flow(&mut self, ctx: &mut Context, script: Script) {
        let (id, at) = (script.id.unwrap_or_else(|| ctx.uuid()), ctx.unix());
        self.ladder.internal(at, (ladder::CALL, ladder::CALL), "start flow", script.name.clone());
        self.begin_rtp_debug(ctx);
        let mut run = Run::new(id, script, (Origin::Call, Some(self.id())), at);
        self.tell_variables(&mut run);
        self.legs[CALLER].record.flow_id = run.record.flow_id;
        self.legs[CALLER].record.activeflow_id = Some(id);
        self.start(ctx, run);
    }

    /// Has a flow run from now on.
    fn start(&mut self, ctx: &mut Context, run: Run) {
        let (id, at) = (run.record.id, ctx.unix());
        self.ladder.event(at, "activeflow_created");
        ctx.event(EventKind::ActiveflowCreated(Box::new(run.record.clone())));
        ctx.index.activeflows.insert(id, self.key);
        self.run = Some(Box::new(run));
        ctx.flows_ready.push_back(self.key);
    }

    fn tell_variables(&self, run: &mut Run) {
        let record = &self.legs[CALLER].record;
        run.tell_own_variables();
        let variables = &mut run.flow.variables;
        variables.tell("voipbin.call.id", record.id.to_string());
        variables.tell("voipbin.call.direction", record.direction.name());
        variables.tell("voipbin.call.source.type", record.source.kind.name());
        variables.tell("voipbin.call.source.target", record.source.target.clone());
        variables.tell("voipbin.call.source.target_name", record.source.target_name.clone());
        variables.tell("voipbin.call.destination.type", record.destination.kind.name());
        variables.tell("voipbin.call.destination.target", record.destination.target.clone());
        variables.tell("voipbin.call.destination.target_name", record.destination.target_name.clone());
    }

    /// Does the next thing of the flow, if it can go on. One at a time: what the phones are told of it leaves before the next.
    fn step_flow(&mut self, ctx: &mut Context, places: &Whereabouts<'_>) {
        let Some(run) = &mut self.run else { return };
        match run.waits {
            Wait::Nothing => {}
            Wait::Search(_) => return self.connect(ctx, places),
            Wait::Pickup(_) => return self.do_after_pickup(ctx),
            Wait::Place(_) => return self.do_in_place(ctx, places),
            _ => return,
        }
        let around = Surroundings {
            at: ctx.unix(),
            zone: &ctx.settings.time_zone,
            call: self.legs.first().map(|leg| leg.record.status),
            actions: ctx.settings.flow_actions,
        };
        let order = match run.flow.advance(around) {
            Advance::Do(order) => order,
            Advance::Finished(end) => return self.finish_flow(ctx, end),
        };
        self.note_actions(ctx);
        self.do_now(ctx, order);
    }

    /// Does what the flow wants to be done.
    fn do_now(&mut self, ctx: &mut Context, order: Order) {
        let Some(outcome) = self.carry_out(ctx, order) else { return self.note_wait(ctx) };
        match self.take_outcome(ctx, outcome) {
            Some(end) => self.finish_flow(ctx, end),
            None => ctx.flows_ready.push_back(self.key),
        }
    }

    /// The phone was answered that the flow waited for: it is done now what needed it.
    fn do_after_pickup(&mut self, ctx: &mut Context) {
        let Some(run) = self.run.as_mut().filter(|_| self.legs[CALLER].is_up()) else { return };
        if let Wait::Pickup(order) = std::mem::replace(&mut run.waits, Wait::Nothing) {
            self.do_now(ctx, *order);
        }
    }

    /// It may be known now where somebody is: it is done, or tried again, what that is for.
    fn do_in_place(&mut self, ctx: &mut Context, places: &Whereabouts<'_>) {
        let Some(run) = &mut self.run else { return };
        let Wait::Place(order) = std::mem::replace(&mut run.waits, Wait::Nothing) else { return };
        ctx.cancel(&mut run.timer);
        let outcome = match *order {
            Order::SendMessage(message) => self.send_messages(ctx, places, message),
            Order::StartExternalMedia(program) => self.start_program(ctx, program),
            other => self.carry_out(ctx, other),
        };
        if let Some(outcome) = outcome {
            self.resume_flow(ctx, outcome);
        }
    }

    /// Waits until it is known where somebody is.
    fn wait_for_place(&mut self, ctx: &mut Context, order: Order) {
        self.wait(ctx, Wait::Place(Box::new(order)), Some(limits::NAME_WAIT));
    }

    /// Somebody was looked for, and found or not.
    pub fn offer_place_to_flow(&mut self, ctx: &mut Context) {
        if let Some(Wait::Place(_)) = self.run.as_ref().map(|run| &run.waits) {
            ctx.flows_ready.push_back(self.key);
        }
    }

    /// The phone was answered.
    pub fn offer_pickup_to_flow(&mut self, ctx: &mut Context) {
        if let Some(Wait::Pickup(_)) = self.run.as_ref().map(|run| &run.waits) {
            ctx.flows_ready.push_back(self.key);
        }
    }

    /// What the flow waited for has come.
    fn resume_flow(&mut self, ctx: &mut Context, outcome: Outcome) {
        self.stop_echo(ctx);
        let Some(run) = &mut self.run else { return };
        run.waits = Wait::Nothing;
        ctx.cancel(&mut run.timer);
        run.flow.digits.finish();
        let end = self.take_outcome(ctx, outcome);
        self.tend_audio(ctx);
        match end {
            Some(end) => self.finish_flow(ctx, end),
            None => ctx.flows_ready.push_back(self.key),
        }
    }

    fn take_outcome(&mut self, ctx: &Context, outcome: Outcome) -> Option<End> {
        if let Outcome::Failed(reason) = &outcome {
            let at = ctx.unix();
            self.ladder.internal(at, (ladder::CALL, ladder::CALL), "could not be done", reason.clone());
        }
        self.run.as_mut()?.flow.resume(outcome)
    }

    /// It waits now; so does what is told of it.
    fn note_wait(&mut self, ctx: &mut Context) {
        let at = ctx.unix();
        let Some(run) = &mut self.run else { return };
        run.record.current = run.record.executed.last().cloned();
        run.record.updated = at;
        let told = ActiveflowRecord { executed: Vec::new(), ..run.record.clone() };
        ctx.event(EventKind::ActiveflowUpdated(Box::new(told)));
    }

    /// Draws the actions that ran.
    fn note_actions(&mut self, ctx: &mut Context) {
        let at = ctx.unix();
        let Some(run) = &mut self.run else { return };
        for (action, note) in run.collect() {
            let info = Catalogue::find(&action.name);
            let name = info.map_or("unknown action", |info| info.name);
            let words = orders::describe(&action, &note);
            self.ladder.internal(at, (ladder::CALL, ladder::CALL), name, words);
        }
    }

    /// The flow is at its end, and with it the call.
    fn finish_flow(&mut self, ctx: &mut Context, end: End) {
        self.note_actions(ctx);
        let failure = match end {
            End::Finished => None,
            End::Failed { action, name, reason } => Some(format!("{name} ({action}): {reason}")),
            End::Exhausted { action, name } => Some(format!("{name} ({action}): more actions than a flow may run")),
        };
        if let (Some(run), Some(failure)) = (&mut self.run, &failure) {
            run.record.failure = Some(failure.clone());
            ctx.totals.flows_failed += 1;
        }
        self.leave_flow(ctx);
        let reason = if failure.is_some() { HangupReason::Failed } else { HangupReason::Normal };
        self.hang_up_caller(ctx, reason);
    }

    /// Ends the call for a reason of VoIPBIN's.
    fn hang_up_caller(&mut self, ctx: &mut Context, reason: HangupReason) {
        if self.legs.is_empty() {
            return;
        }
        let cause = match reason {
            HangupReason::Busy => Cause::BUSY,
            HangupReason::Failed => Cause::NO_RESPONSE,
            HangupReason::NoAnswer | HangupReason::Dialout => Cause::NO_ANSWER,
            HangupReason::Normal | HangupReason::Cancel | HangupReason::Timeout | HangupReason::Amd => Cause::NORMAL,
        };
        match self.legs[CALLER].is_up() {
            true => self.end_all(ctx, CALLER, Ending::local(reason, Cause::NORMAL)),
            false => self.end_all(ctx, CALLER, Ending::local(reason, cause)),
        }
    }

    /// The call ends, or goes through no flow any longer.
    pub fn leave_flow(&mut self, ctx: &mut Context) {
        let at = ctx.unix();
        if let Some(recording) = self.legs.first().and_then(|leg| leg.recording) {
            self.hand_variables_over(ctx, recording);
        }
        self.stop_echo(ctx);
        let Some(mut run) = self.run.take() else { return };
        ctx.cancel(&mut run.timer);
        if let Wait::Errand(errand) | Wait::Speech { errand, .. } = run.waits {
            errand::withdraw(ctx, errand);
        }
        ctx.index.activeflows.remove(&run.record.id);
        run.collect();
        run.record.running = false;
        run.record.current = None;
        run.record.updated = at;
        let over = Over {
            id: run.record.id,
            next: run.record.on_complete_flow_id,
            completed: run.completed,
            variables: &run.flow.variables,
        };
        match Script::after(ctx, &over) {
            Some(Ok(script)) => ctx.affairs.push_back(Affair::Run(Box::new(script), Origin::Nothing)),
            Some(Err(reason)) => {
                ctx.totals.flows_failed += 1;
                run.record.failure.get_or_insert(reason);
            }
            None => {}
        }
        if self.legs.is_empty() {
            ctx.affairs.extend(self.chained.drain(..));
        }
        let words = run.record.failure.clone().unwrap_or_default();
        self.ladder.internal(at, (ladder::CALL, ladder::CALL), "end of the flow", words);
        self.ladder.event(at, "activeflow_updated");
        ctx.event(EventKind::ActiveflowUpdated(Box::new(run.record)));
    }

    /// Somebody asked for the end of the flow.
    pub fn stop_flow(&mut self, ctx: &mut Context) -> Option<ActiveflowRecord> {
        let mut record = self.run.as_ref()?.record.clone();
        self.finish_flow(ctx, End::Finished);
        (record.running, record.current, record.updated) = (false, None, ctx.unix());
        Some(record)
    }

    /// The phone pressed a key that the flow may be waiting for.
    pub fn offer_key_to_flow(&mut self, ctx: &mut Context, place: usize, digit: char) {
        let Some(run) = self.run.as_mut().filter(|_| place == CALLER) else { return };
        // Who talks with somebody, or is in a conference, presses keys for them.
        if matches!(run.waits, Wait::Bridge(_) | Wait::Conference) {
            return;
        }
        let enough = run.flow.digits.press(digit);
        match run.waits {
            Wait::Digits if enough => self.resume_flow(ctx, Outcome::Done),
            Wait::Playback { playback, until_digit: true } => {
                ctx.media(media::Command::StopPlayback { playback });
                self.resume_flow(ctx, Outcome::Done);
            }
            Wait::Speech { errand, until_digit: true } => {
                errand::withdraw(ctx, errand);
                self.resume_flow(ctx, Outcome::Done);
            }
            _ => {}
        }
    }

    /// Something that was played is over.
    pub fn offer_playback_to_flow(&mut self, ctx: &mut Context, ended: PlaybackId) {
        if let Some(Wait::Playback { playback, .. }) = self.run.as_ref().map(|run| &run.waits)
            && *playback == ended
        {
            self.resume_flow(ctx, Outcome::Done);
        }
    }

    /// The phone's description has come.
    pub fn offer_audio_to_flow(&mut self, ctx: &mut Context) {
        let Some(run) = &mut self.run else { return };
        let Wait::Audio(next) = &mut run.waits else { return };
        let Some(order) = next.take() else { return self.resume_flow(ctx, Outcome::Done) };
        run.waits = Wait::Nothing;
        self.do_now(ctx, *order);
    }

    /// The time is over that the flow waits at the longest.
    pub fn handle_flow_wait(&mut self, ctx: &mut Context) {
        let Some(run) = &mut self.run else { return };
        run.timer = None;
        match run.waits {
            Wait::Time | Wait::Digits | Wait::Echo => self.resume_flow(ctx, Outcome::Done),
            Wait::Machine => self.resume_flow(ctx, Outcome::Failed("nobody can tell who has answered".into())),
            Wait::Place(_) => {
                self.resume_flow(ctx, Outcome::Failed("it takes too long to find out where that is".into()));
            }
            Wait::Sending(_) => self.send_next_digit(ctx),
            Wait::Answer(_) => self.nobody_answered(ctx),
            Wait::Errand(errand) | Wait::Speech { errand, .. } => self.give_errand_up(ctx, errand),
            _ => {}
        }
    }

    /// The call is out of its conference: sent away, or the conference is over. `false`: there is no flow to go on with.
    pub fn return_from_conference(&mut self, ctx: &mut Context) -> bool {
        if !matches!(self.run.as_ref().map(|run| &run.waits), Some(Wait::Conference)) {
            return false;
        }
        let leg = &mut self.legs[CALLER];
        if let (Some(seat), Some(stream)) = (leg.seat.take(), leg.audio.stream()) {
            crate::conference::rooms::leave(ctx, seat);
            ctx.media(media::Command::Disconnect { stream });
        }
        self.resume_flow(ctx, Outcome::Done);
        true
    }

    /// Waits from now on, for so long at the longest.
    fn wait(&mut self, ctx: &mut Context, waits: Wait, longest: Option<crate::Time>) {
        let key = self.key;
        let Some(run) = &mut self.run else { return };
        run.waits = waits;
        ctx.cancel(&mut run.timer);
        run.timer = longest.map(|longest| ctx.arm(longest, Timer::FlowWait(key)));
    }
}
