//! What the world is asked and told for a call that goes through a flow.

use media::{Playable, Sound};
use uuid::Uuid;

use super::Wait;
use crate::billing::{CostType, SPENT};
use crate::call::{CALLER, Call, Calls, LegKey, ladder};
use crate::context::Context;
use crate::errand::{self, Brought, Errand, ErrandId, ErrandReport, Sender};
use crate::flow::order::{Email, Method, Webhook};
use crate::flow::{Action, Outcome};
use crate::limits;

/// The variables of the last answer that a flow waited for.
const STATUS: &str = "voipbin.webhook.status";
/// See [`STATUS`].
const BODY: &str = "voipbin.webhook.body";

/// Why an errand is not sent.
pub(super) const TOO_MANY: &str = "too many errands wait already";

impl Calls {
    /// An errand came home, for the last time or to be tried again.
    pub fn handle_errand(&mut self, ctx: &mut Context, sender: Sender, (report, again): (ErrandReport, bool)) {
        match sender {
            Sender::Flow(call) => self.with_call(ctx, call, |call, ctx| call.take_errand(ctx, report)),
            Sender::Leg(leg) => {
                self.with(ctx, leg, |call, ctx, place| {
                    call.note_errand(ctx, &report);
                    if let Ok(Brought::Spoken(sound)) = report.result {
                        call.play_spoken(ctx, place, sound);
                    }
                    if again {
                        let at = ctx.unix();
                        call.ladder.internal(at, (ladder::CALL, ladder::CALL), "is tried again", String::new());
                    }
                });
            }
            Sender::Nobody => {}
        }
    }
}

impl Call {
    pub(super) fn fetch(&mut self, ctx: &mut Context, url: String, method: Method) -> Option<Outcome> {
        let reference = self.id();
        let activeflow = self.run.as_ref()?.record.id;
        self.wait_for(ctx, Errand::Fetch { url, method, activeflow, reference })
    }

    pub(super) fn send_webhook(&mut self, ctx: &mut Context, webhook: Box<Webhook>) -> Option<Outcome> {
        if webhook.waits {
            self.forget_answer();
            return self.wait_for(ctx, Errand::Webhook(webhook));
        }
        Some(self.send_without_waiting(ctx, Errand::Webhook(webhook)))
    }

    /// Has an e-mail sent, while the flow goes on.
    pub(super) fn send_email(&mut self, ctx: &mut Context, email: Box<Email>) -> Option<Outcome> {
        if email.subject.len() > limits::EMAIL_SUBJECT {
            let reason = format!("the subject has {} octets, more than {}", email.subject.len(), limits::EMAIL_SUBJECT);
            return Some(Outcome::Failed(reason));
        }
        if !ctx.billing.suffices_for_units(CostType::Email, email.destinations.len()) {
            return Some(Outcome::Failed(SPENT.into()));
        }
        Some(self.send_without_waiting(ctx, Errand::Mail(email)))
    }

    fn send_without_waiting(&mut self, ctx: &mut Context, errand: Errand) -> Outcome {
        self.note_sent(ctx, &errand);
        let leg = LegKey { call: self.key, place: CALLER as u8 };
        match errand::send(ctx, errand, (Sender::Leg(leg), self.activeflow_id())) {
            Some(_) => Outcome::Done,
            None => Outcome::Failed(TOO_MANY.into()),
        }
    }

    /// Sends an errand, and waits until it is back.
    fn wait_for(&mut self, ctx: &mut Context, errand: Errand) -> Option<Outcome> {
        self.note_sent(ctx, &errand);
        let Some(id) = errand::send(ctx, errand, (Sender::Flow(self.key), self.activeflow_id())) else {
            return Some(Outcome::Failed(TOO_MANY.into()));
        };
        self.wait(ctx, Wait::Errand(id), Some(limits::ERRAND_WAIT));
        None
    }

    /// It takes too long.
    pub(super) fn give_errand_up(&mut self, ctx: &mut Context, id: ErrandId) {
        errand::withdraw(ctx, id);
        self.resume_flow(ctx, Outcome::Failed(format!("nothing came of it in {} s", limits::ERRAND_WAIT.as_secs())));
    }

    fn take_errand(&mut self, ctx: &mut Context, report: ErrandReport) {
        self.note_errand(ctx, &report);
        let until_digit = match self.run.as_ref().map(|run| &run.waits) {
            Some(Wait::Errand(errand)) if *errand == report.id => false,
            Some(Wait::Speech { errand, until_digit }) if *errand == report.id => *until_digit,
            _ => return,
        };
        let outcome = match report.result {
            Err(reason) => Outcome::Failed(reason),
            Ok(Brought::Actions(mut actions)) => {
                name_nameless(ctx, &mut actions);
                Outcome::Actions(actions)
            }
            Ok(Brought::Spoken(sound)) => {
                let sounds = Playable::Sounds([Sound::Spoken(sound)].into());
                let Some(outcome) = self.sound_for_flow(ctx, sounds, until_digit) else { return };
                outcome
            }
            Ok(Brought::Nothing) => Outcome::Done,
            Ok(Brought::Refused(reason)) => Outcome::Failed(reason),
            Ok(Brought::Answer { status, body }) => Outcome::Told(vec![(STATUS, status.to_string()), (BODY, body)]),
        };
        self.resume_flow(ctx, outcome);
    }

    /// Nobody is to take the answer to an earlier request for that to this one.
    fn forget_answer(&mut self) {
        if let Some(run) = &mut self.run {
            run.flow.variables.tell(STATUS, "");
            run.flow.variables.tell(BODY, "");
        }
    }

    fn note_sent(&mut self, ctx: &Context, errand: &Errand) {
        self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::CALL), errand.label(), String::new());
    }

    fn note_errand(&mut self, ctx: &Context, report: &ErrandReport) {
        let reason = match &report.result {
            Err(reason) | Ok(Brought::Refused(reason)) => reason.clone(),
            Ok(_) => String::new(),
        };
        let (label, more) = match report.words.is_empty() {
            true => (reason, String::new()),
            false => (report.words.clone(), reason),
        };
        self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::CALL), label, more);
    }
}

/// Gives those an id that came without one.
fn name_nameless(ctx: &mut Context, actions: &mut [Action]) {
    for action in actions.iter_mut().filter(|action| action.id == Uuid::nil()) {
        action.id = ctx.uuid();
    }
}
