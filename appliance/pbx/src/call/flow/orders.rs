//! What each order of a flow means for its call.

use std::sync::Arc;

use media::tone::Tone;
use media::{Playable, Sound, StreamId, Target};
use uuid::Uuid;

use super::Wait;
use crate::call::audio::Preference;
use crate::call::controls::Control;
use crate::call::joining::actions_around;
use crate::call::{Address, Affair, CALLER, Call, Direction, Ending, HangupReason, Leg, Stage};
use crate::conference::rooms;
use crate::context::Context;
use crate::errand;
use crate::event::EventKind;
use crate::flow::action::Action;
use crate::flow::digits::Until;
use crate::flow::order::{Digits, NewCall, Order};
use crate::flow::value::Value;
use crate::flow::{ActiveflowRecord, Outcome};
use crate::timers::Timer;

impl Call {
    /// Carries out an order of the flow. `None`: what comes of it will be told, or the call is over.
    pub(super) fn carry_out(&mut self, ctx: &mut Context, order: Order) -> Option<Outcome> {
        if self.is_dialling() && needs_phone(&order) {
            self.wait(ctx, Wait::Pickup(Box::new(order)), None);
            return None;
        }
        match order {
            Order::Answer => self.answer_for_flow(ctx, None),
            Order::Hangup { reason, like } => self.hang_up_for_flow(ctx, reason, like),
            Order::Play { urls } => self.play_for_flow(ctx, urls),
            Order::Talk(talk) => self.talk_for_flow(ctx, talk),
            Order::Beep => self.sound_for_flow(ctx, Playable::Tone(Box::new(Tone::BEEP)), false),
            Order::Sleep(duration) => {
                self.wait(ctx, Wait::Time, Some(duration));
                None
            }
            Order::Block => {
                self.wait(ctx, Wait::Release, None);
                None
            }
            Order::ReceiveDigits(until) => self.receive_digits(ctx, until),
            Order::SendDigits(digits) => {
                let digits = Digits { digits: digits.digits.chars().rev().collect(), ..*digits };
                self.wait(ctx, Wait::Sending(Box::new(digits)), Some(crate::Time::ZERO));
                None
            }
            Order::Mute(direction) => {
                self.control(ctx, CALLER, Control::Mute { direction, on: true });
                Some(Outcome::Done)
            }
            Order::Connect(connect) => {
                self.wait(ctx, Wait::Search(connect), None);
                ctx.flows_ready.push_back(self.key);
                None
            }
            Order::Call(new) => self.call_for_flow(ctx, new),
            Order::JoinConference(id) => match actions_around(ctx, id) {
                Some(actions) => Some(Outcome::Actions(actions)),
                None => self.join_for_flow(ctx, id),
            },
            Order::JoinConfbridge(id) => self.join_for_flow(ctx, id),
            Order::StartRecording(options) => Some(match self.start_recording(ctx, CALLER, &options) {
                Ok(_) => Outcome::Told(self.recording_variables()),
                Err(rejection) => Outcome::Failed(rejection.to_string()),
            }),
            Order::StopRecording => Some(match self.stop_recording_on_request(ctx, CALLER) {
                Ok(_) => Outcome::Done,
                Err(rejection) => Outcome::Failed(rejection.to_string()),
            }),
            Order::FetchFlow(id) => Some(match ctx.flows.get(id) {
                Some(flow) => Outcome::Actions(flow.actions.to_vec()),
                None => Outcome::Failed("there is no such flow".into()),
            }),
            Order::Fetch { url, method } => self.fetch(ctx, url, method),
            Order::SendWebhook(webhook) => self.send_webhook(ctx, webhook),
            Order::Echo(duration) => self.echo_for_flow(ctx, duration),
            Order::DetectMachine { hang_up, meanwhile } => self.detect_machine(ctx, hang_up, meanwhile),
            Order::StartExternalMedia(program) => self.start_program(ctx, program),
            Order::StopExternalMedia => Some(self.stop_program_for_flow(ctx)),
            Order::SendMessage(_) => {
                self.wait_for_place(ctx, order);
                ctx.flows_ready.push_back(self.key);
                None
            }
            Order::SendEmail(email) => self.send_email(ctx, email),
            Order::Unavailable(what) => Some(self.refuse_unavailable(ctx, what)),
        }
    }

    fn receive_digits(&mut self, ctx: &mut Context, until: Until) -> Option<Outcome> {
        let duration = until.duration;
        let run = self.run.as_mut()?;
        if run.flow.digits.collect(until) {
            run.flow.digits.finish();
            return Some(Outcome::Done);
        }
        self.wait(ctx, Wait::Digits, Some(duration));
        None
    }

    /// What this box has not is told at once, not only when the flow is over.
    pub(super) fn refuse_unavailable(&mut self, ctx: &mut Context, what: &str) -> Outcome {
        let (at, reason) = (ctx.unix(), format!("{what} is not available on this box"));
        if let Some(run) = &self.run {
            let told = ActiveflowRecord {
                current: run.record.executed.last().cloned(),
                executed: Vec::new(),
                failure: Some(reason.clone()),
                updated: at,
                ..run.record.clone()
            };
            self.ladder.event(at, "activeflow_updated");
            ctx.event(EventKind::ActiveflowUpdated(Box::new(told)));
        }
        Outcome::Failed(reason)
    }

    /// What actions after it may say of the recording that has just begun.
    fn recording_variables(&self) -> Vec<(&'static str, String)> {
        let record = &self.legs[CALLER].record;
        let id = record.recording_id.unwrap_or_default();
        vec![
            ("voipbin.recording.id", id.to_string()),
            ("voipbin.recording.reference_type", "call".into()),
            ("voipbin.recording.reference_id", record.id.to_string()),
        ]
    }

    /// Has calls made: by the exchange, once it has let go of this one.
    fn call_for_flow(&mut self, ctx: &mut Context, mut new: Box<NewCall>) -> Option<Outcome> {
        new.source = new.source.or_else(|| self.legs.first().map(called_now));
        ctx.affairs.push_back(Affair::Make { call: self.key, new });
        self.wait(ctx, Wait::Made, None);
        None
    }

    /// 200 to the phone. A phone that made no offer says in its ACK what it can do; `next` comes then.
    pub(super) fn answer_for_flow(&mut self, ctx: &mut Context, next: Option<Order>) -> Option<Outcome> {
        if self.legs[CALLER].is_up() {
            return Some(Outcome::Done);
        }
        let body = match self.describe_caller(ctx, Preference::default()) {
            Ok(body) => body,
            Err(failure) => {
                self.leave_flow(ctx);
                self.refuse(ctx, failure);
                return None;
            }
        };
        self.accept_caller(ctx, body);
        self.set_progressing(ctx, &[CALLER]);
        if self.legs[CALLER].audio.is_negotiated() {
            return Some(Outcome::Done);
        }
        self.wait(ctx, Wait::Audio(next.map(Box::new)), None);
        None
    }

    /// Sends one digit, and comes back when it and the pause after it are over.
    pub(super) fn send_next_digit(&mut self, ctx: &mut Context) {
        let stream = self.legs[CALLER].audio.stream().filter(|_| self.legs[CALLER].audio.is_negotiated());
        let Some(run) = &mut self.run else { return };
        let Wait::Sending(left) = &mut run.waits else { return };
        let Some(stream) = stream else {
            return self.resume_flow(ctx, Outcome::Failed("the phone has no audio".into()));
        };
        let Some(digit) = left.digits.pop() else { return self.resume_flow(ctx, Outcome::Done) };
        let duration_ms = u32::try_from(left.duration.as_millis()).unwrap_or(u32::MAX);
        let pause = left.duration + left.interval;
        ctx.media(media::Command::SendDigits { stream, digits: digit.into(), duration_ms });
        run.timer = Some(ctx.arm(pause, Timer::FlowWait(self.key)));
    }

    fn hang_up_for_flow(&mut self, ctx: &mut Context, reason: HangupReason, like: Option<Uuid>) -> Option<Outcome> {
        let known = like.and_then(|id| self.legs.iter().find(|leg| leg.record.id == id));
        let ending = known.and_then(|leg| leg.record.hangup_reason.zip(leg.record.hangup_cause));
        self.leave_flow(ctx);
        match ending {
            Some((reason, cause)) => self.end_all(ctx, CALLER, Ending::local(reason, super::Cause(cause))),
            None => self.hang_up_caller(ctx, reason),
        }
        None
    }

    fn play_for_flow(&mut self, ctx: &mut Context, urls: Vec<String>) -> Option<Outcome> {
        let sounds: Arc<[Sound]> = urls.into_iter().map(sound).collect();
        self.sound_for_flow(ctx, Playable::Sounds(sounds), false)
    }

    /// Lets the phone hear something, as early media where it was not answered; the flow goes on after it.
    pub(super) fn sound_for_flow(&mut self, ctx: &mut Context, what: Playable, until_digit: bool) -> Option<Outcome> {
        let stream = match self.let_hear(ctx) {
            Ok(stream) => stream,
            Err(reason) => return Some(Outcome::Failed(reason)),
        };
        let playback = ctx.index.new_playback();
        ctx.media(media::Command::Play { playback, to: Target::Stream(stream), what });
        self.wait(ctx, Wait::Playback { playback, until_digit }, None);
        None
    }

    /// The stream of the phone, which can hear something from now on: as early media where it was not answered.
    pub(super) fn let_hear(&mut self, ctx: &mut Context) -> Result<StreamId, String> {
        if let Stage::Incoming { server } = self.legs[CALLER].stage
            && !self.legs[CALLER].audio.is_negotiated()
        {
            if self.offer.is_none() {
                return Err("the phone hears nothing before it is answered".into());
            }
            match self.describe_caller(ctx, Preference::default()) {
                Ok(body) => {
                    let answer = sip::endpoint::Reply::new(183).with_body(body).reliably();
                    if let Some(dialog) = ctx.sip.respond(ctx.now, server, answer) {
                        ctx.index.dialogs.insert(dialog, self.legs[CALLER].key);
                        self.legs[CALLER].dialog = Some(dialog);
                    }
                }
                Err(failure) => return Err(failure.cause.text().into()),
            }
        }
        self.legs[CALLER].audio.stream().ok_or_else(|| "the phone has no audio".into())
    }

    fn join_for_flow(&mut self, ctx: &mut Context, id: Uuid) -> Option<Outcome> {
        if !self.legs[CALLER].is_up() {
            match self.answer_for_flow(ctx, Some(Order::JoinConference(id))) {
                Some(Outcome::Done) => {}
                other => return other,
            }
        }
        let caller = (self.legs[CALLER].key, self.id());
        let Some(place) = rooms::enter(ctx, id, caller) else {
            return Some(Outcome::Failed("there is no such conference, or no place in it".into()));
        };
        self.legs[CALLER].seat = Some((id, place));
        self.wait(ctx, Wait::Conference, None);
        self.join_conference(ctx, CALLER);
        None
    }
}

/// Who is at our end of a leg: whom it calls, or who called it for us.
pub(super) fn called_now(leg: &Leg) -> Address {
    match leg.record.direction {
        Direction::Incoming => leg.record.destination.clone(),
        Direction::Outgoing => leg.record.source.clone(),
    }
}

/// Whether an order has to wait for a phone that rings to be answered: all that is heard, pressed or said.
fn needs_phone(order: &Order) -> bool {
    match order {
        Order::Answer | Order::Play { .. } | Order::Talk(_) | Order::Beep | Order::Echo(_) => true,
        Order::ReceiveDigits(_) | Order::SendDigits(_) | Order::DetectMachine { .. } => true,
        Order::Connect(_) | Order::JoinConference(_) | Order::JoinConfbridge(_) => true,
        Order::StartRecording(_) | Order::StartExternalMedia(_) | Order::Mute(_) => true,
        Order::Hangup { .. } | Order::Sleep(_) | Order::Block | Order::Call(_) => false,
        Order::StopRecording | Order::StopExternalMedia | Order::Unavailable(_) => false,
        Order::Fetch { .. } | Order::FetchFlow(_) | Order::SendWebhook(_) => false,
        Order::SendMessage(_) | Order::SendEmail(_) => false,
    }
}

/// Where a sound is: a URL of the web, or a file among the box's sounds.
fn sound(url: String) -> Sound {
    match url.strip_prefix("file:") {
        Some(name) => Sound::File(name.trim_start_matches('/').into()),
        None if url.contains("://") => Sound::Url(url),
        None => Sound::File(url),
    }
}

/// Characters of an option that the ladder shows.
const OPTION: usize = 500;

/// An action in a line of the ladder: its options after variables were filled in, and what came of it.
pub(super) fn describe(action: &Action, note: &str) -> String {
    let mut words = String::new();
    let shown =
        action.option.map_texts(&mut |text| if text.contains("://") { errand::shown(text) } else { text.into() });
    if let Value::Map(entries) = &shown {
        for (name, value) in entries {
            words.extend(format!("{name}: {value}").chars().take(OPTION));
            words.push('\n');
        }
    }
    words.push_str(note);
    words.truncate(words.trim_end().len());
    words
}
