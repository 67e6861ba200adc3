//! The called side: ringing, answering, refusing.

use std::time::Duration;

use super::call::Call;
use super::dialog::Dialog;
use super::manner::{OnInvite, TooShort};
use super::sdp::Description;
use super::{Phone, State};
use crate::wire::{Message, parameter};

impl Phone {
    pub(crate) fn handle_invite(&mut self, server: usize, invite: Message) {
        if invite.tag("To").is_some() {
            return self.handle_reinvite(server, invite);
        }
        let tag = self.token();
        if let Some(least) = self.least_session(&invite) {
            let mut refusal = Message::response(&invite, 422).with("Min-SE", least.to_string());
            refusal.set("To", format!("{};tag={tag}", invite.need("To")));
            return self.respond(server, refusal);
        }
        let audio = self.new_audio();
        let index = self.calls.len();
        let mut call = Call::new(Dialog::from_invite(&invite, &tag), audio, true);
        (call.server, call.invite) = (Some(server), Some(invite.clone()));
        self.calls.push(call);
        let trying = Message::response(&invite, 100);
        match self.manner.on_invite {
            OnInvite::Ring => self.ring(index, 180, None),
            OnInvite::AnswerAfter(after) => {
                self.calls[index].answer_at = Some(self.now + after);
                self.ring(index, 180, None);
            }
            OnInvite::Answer => self.answer_call(index),
            OnInvite::EarlyMedia => {
                let answer = self.answer_offer(index, &invite.body);
                self.ring(index, 183, answer);
            }
            OnInvite::Refuse(status) => self.reject(status),
            OnInvite::OnlyTrying => self.respond(server, trying),
            OnInvite::Ignore => {}
        }
    }

    /// How long a session has to be, where the one asked for is too short.
    fn least_session(&self, invite: &Message) -> Option<u32> {
        let asked: u32 = invite.header("Session-Expires")?.split(';').next()?.trim().parse().ok()?;
        match self.manner.refuses_sessions {
            TooShort::None => None,
            TooShort::Below(least) => (asked < least).then_some(least),
            TooShort::Any => Some(asked + 1),
        }
    }

    pub(super) fn ring(&mut self, index: usize, status: u16, answer: Option<String>) {
        let server = self.calls[index].server.expect("a call that rings came in by an INVITE");
        let invite = self.asked(server);
        let mut response = self.with_own_tag(Message::response(&invite, status), index).with_sdp(answer);
        let can_be_reliable =
            invite.all("Supported").chain(invite.all("Require")).any(|value| value.contains("100rel"));
        if self.manner.reliable_provisionals && can_be_reliable {
            self.calls[index].rseq += 1;
            response = response.with("Require", "100rel").with("RSeq", self.calls[index].rseq.to_string());
        }
        self.respond(server, response);
    }

    pub(super) fn answer_call(&mut self, index: usize) {
        let server = self.calls[index].server.expect("a call that rings came in by an INVITE");
        let invite = self.asked(server);
        let is_described = self.calls[index].audio.said.is_some();
        let body = match (invite.body.is_empty(), is_described) {
            (_, true) => self.calls[index].audio.said.as_ref().map(Description::write),
            (true, false) => {
                let offer = self.offer(index);
                self.calls[index].audio.said = Some(offer.clone());
                Some(offer.write())
            }
            (false, false) => self.answer_offer(index, &invite.body),
        };
        if body.is_none() {
            return self.reject(488);
        }
        let response = self.with_own_tag(Message::response(&invite, 200), index);
        let response = self.with_session(response.with("Allow", crate::ALLOW), &invite);
        let call = &mut self.calls[index];
        (call.state, call.status, call.answer_at) = (State::Answered, Some(200), None);
        self.arm_session(index, &response, "uas");
        self.respond(server, response.with_sdp(body));
    }

    /// Agrees to a session timer that was asked for (RFC 4028 §9).
    pub(super) fn with_session(&self, response: Message, request: &Message) -> Message {
        let can = self.manner.session_expires.is_some();
        match request.header("Session-Expires").filter(|_| can) {
            Some(asked) => {
                let refresher = parameter(asked, "refresher").unwrap_or(self.manner.refresher);
                let seconds = asked.split(';').next().unwrap_or(asked).trim();
                response.with("Require", "timer").with("Session-Expires", format!("{seconds};refresher={refresher}"))
            }
            None => response,
        }
    }

    /// Takes up the timer that a 2xx agreed on. `own`: which of the two the phone was.
    pub(super) fn arm_session(&mut self, index: usize, response: &Message, own: &str) {
        let Some(agreed) = response.header("Session-Expires").filter(|_| self.manner.session_expires.is_some()) else {
            return;
        };
        let seconds: u64 = agreed.split(';').next().and_then(|value| value.trim().parse().ok()).unwrap_or(0);
        let is_mine = parameter(agreed, "refresher") == Some(own);
        let lasts = Duration::from_secs(seconds);
        let call = &mut self.calls[index];
        call.refresh_at = (is_mine && self.manner.refreshes_session).then_some(self.now + lasts / 2);
        call.expires_at = (!is_mine).then_some(self.now + lasts);
    }

    pub(crate) fn call_acknowledged(&mut self, ack: &Message) {
        let call_id = ack.need("Call-ID");
        let Some(index) = self.find(|call| call.dialog.is_of(call_id, ack.tag("From"))) else { return };
        if self.calls[index].state == State::Answered {
            self.calls[index].state = State::Up;
        }
        if !ack.body.is_empty() {
            self.accept_answer(index, &ack.body);
        }
    }

    pub(crate) fn call_cancelled(&mut self, server: usize, reason: Option<String>) {
        let Some(index) = self.find(|call| call.server == Some(server)) else { return };
        let call = &mut self.calls[index];
        (call.reason, call.was_ended_by_peer, call.status) = (reason, true, Some(487));
        call.end();
        let response = self.with_own_tag(Message::response(&self.asked(server), 487), index);
        self.respond(server, response);
    }
}
