//! What is listened to for a flow: `echo` lets the phone hear itself, `amd` finds out who has answered.

use std::time::Duration;

use media::Answerer;

use super::Wait;
use crate::call::{CALLER, Call, HangupReason, ladder};
use crate::context::Context;
use crate::flow::Outcome;
use crate::limits;

/// The variable that says who has answered.
const AMD: &str = "voipbin.call.amd";

impl Call {
    /// Lets the phone hear itself for a while.
    pub(super) fn echo_for_flow(&mut self, ctx: &mut Context, duration: Duration) -> Option<Outcome> {
        let stream = match self.let_hear(ctx) {
            Ok(stream) => stream,
            Err(reason) => return Some(Outcome::Failed(reason)),
        };
        ctx.media(media::Command::Echo { stream, on: true });
        self.wait(ctx, Wait::Echo, Some(duration));
        None
    }

    /// The phone hears itself no longer, if it did.
    pub(super) fn stop_echo(&mut self, ctx: &mut Context) {
        let echoes = matches!(self.run.as_ref().map(|run| &run.waits), Some(Wait::Echo));
        let leg = self.legs.first().filter(|leg| echoes && leg.is_live());
        if let Some(stream) = leg.and_then(|leg| leg.audio.stream()) {
            ctx.media(media::Command::Echo { stream, on: false });
        }
    }

    /// Listens for who has answered. The flow may go on meanwhile.
    pub(super) fn detect_machine(&mut self, ctx: &mut Context, hang_up: bool, meanwhile: bool) -> Option<Outcome> {
        let leg = &self.legs[CALLER];
        let stream = leg.audio.stream().filter(|_| leg.is_up() && leg.audio.is_negotiated());
        let Some(stream) = stream else { return Some(Outcome::Failed("nobody has answered".into())) };
        self.run.as_mut()?.machine = Some(hang_up);
        ctx.media(media::Command::DetectMachine { stream });
        if meanwhile {
            return Some(Outcome::Done);
        }
        self.wait(ctx, Wait::Machine, Some(limits::MACHINE_WAIT));
        None
    }

    /// It is known who has answered.
    pub fn handle_judged(&mut self, ctx: &mut Context, place: usize, answerer: Answerer) {
        let Some(run) = self.run.as_mut().filter(|_| place == CALLER) else { return };
        let Some(hang_up) = run.machine.take() else { return };
        let (word, words) = match answerer {
            Answerer::Human => ("human", "a person has answered"),
            Answerer::Machine => ("machine", "a machine has answered"),
            Answerer::Unsure => ("unsure", "it cannot be told who has answered"),
        };
        run.flow.variables.tell(AMD, word);
        let waits = matches!(run.waits, Wait::Machine);
        self.ladder.media(ctx.unix(), (ladder::MEDIA, ladder::CALL), words, String::new());
        if hang_up && answerer == Answerer::Machine {
            self.leave_flow(ctx);
            self.hang_up_caller(ctx, HangupReason::Amd);
        } else if waits {
            self.resume_flow(ctx, Outcome::Done);
        }
    }
}
