//! What is said to a phone: somebody speaks the text ([`crate::errand`]), and what he spoke is played.

use media::{Playable, Sound, Target};

use super::Wait;
use crate::call::{CALLER, Call, ladder};
use crate::command::{Rejection, Reply};
use crate::context::Context;
use crate::errand::{self, Errand, Sender, Speech};
use crate::flow::Outcome;
use crate::flow::order::{Order, Talk};
use crate::limits;

/// Characters of a text that the ladder shows.
const SHOWN: usize = 200;

impl Call {
    /// Has something said for the flow. Who is not answered yet is answered first.
    pub(super) fn talk_for_flow(&mut self, ctx: &mut Context, talk: Box<Talk>) -> Option<Outcome> {
        if !self.legs[CALLER].is_up() {
            match self.answer_for_flow(ctx, Some(Order::Talk(talk.clone()))) {
                Some(Outcome::Done) => {}
                other => return other,
            }
        }
        if talk.until_digit && self.run.as_ref()?.flow.digits.is_pending() {
            return Some(Outcome::Done);
        }
        let Talk { text, language, provider, voice, until_digit, meanwhile } = *talk;
        let speech = Speech { text, language, provider, voice, is_free: false };
        if let Err(reason) = speech.check() {
            return Some(Outcome::Failed(reason));
        }
        let sender = match meanwhile {
            true => Sender::Leg(self.legs[CALLER].key),
            false => Sender::Flow(self.key),
        };
        match self.have_spoken(ctx, speech, sender) {
            None => Some(Outcome::Failed(super::errands::TOO_MANY.into())),
            Some(_) if meanwhile => Some(Outcome::Done),
            Some(id) => {
                self.wait(ctx, Wait::Speech { errand: id, until_digit }, Some(limits::ERRAND_WAIT));
                None
            }
        }
    }

    /// Has something said to a leg because somebody asked for it.
    pub fn talk_on_request(&mut self, ctx: &mut Context, place: usize, speech: Speech) -> Result<Reply, Rejection> {
        let leg = &self.legs[place];
        if !leg.is_live() {
            return Err(Rejection::AlreadyHungUp);
        }
        if !leg.is_up() || !leg.audio.is_negotiated() {
            return Err(Rejection::NotAnswered);
        }
        let (key, record) = (leg.key, leg.record.clone());
        match self.have_spoken(ctx, speech, Sender::Leg(key)) {
            Some(_) => Ok(Reply::Call(Box::new(record))),
            None => Err(Rejection::Exhausted(super::errands::TOO_MANY)),
        }
    }

    fn have_spoken(&mut self, ctx: &mut Context, speech: Speech, sender: Sender) -> Option<errand::ErrandId> {
        let at = ctx.unix();
        let errand = Errand::Speak(Box::new(speech));
        if let Errand::Speak(speech) = &errand {
            let shown = speech.text.chars().take(SHOWN).collect();
            self.ladder.internal(at, (ladder::CALL, ladder::MEDIA), errand.label(), shown);
        }
        errand::send(ctx, errand, (sender, self.activeflow_id()))
    }

    /// Plays what was spoken to a leg whose flow, if it has one, does not wait for it.
    pub(super) fn play_spoken(&mut self, ctx: &mut Context, place: usize, sound: String) {
        let Some(stream) = self.legs[place].audio.stream().filter(|_| self.legs[place].is_up()) else { return };
        let playback = ctx.index.new_playback();
        let what = Playable::Sounds([Sound::Spoken(sound)].into());
        ctx.media(media::Command::Play { playback, to: Target::Stream(stream), what });
    }
}

impl Speech {
    /// Whether somebody can be asked to say it; why not, in words.
    pub fn check(&self) -> Result<(), String> {
        let characters = self.text.chars().count();
        match characters {
            _ if self.text.trim().is_empty() => Err("there is nothing to say".into()),
            _ if characters > limits::SPEECH => {
                Err(format!("the text has {characters} characters, more than {}", limits::SPEECH))
            }
            _ => Ok(()),
        }
    }
}
