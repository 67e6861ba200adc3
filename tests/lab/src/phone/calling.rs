//! The calling side: what becomes of a phone's INVITE.

use super::client::Purpose;
use super::sdp::Sdp;
use super::{Phone, State};
use crate::wire::Message;

impl Phone {
    pub(crate) fn call_progresses(&mut self, index: usize, response: &Message) {
        let status = response.status().expect("this is a response");
        let call = &mut self.calls[index];
        call.status = Some(status);
        call.statuses.push(status);
        if !call.is_live() || status == 100 {
            return;
        }
        call.state = State::Alerting;
        call.dialog.learn_from_response(response);
        if !response.body.is_empty() {
            self.accept_answer(index, &response.body);
        }
        if response.all("Require").any(|value| value.contains("100rel")) {
            let rack = format!("{} {}", response.need("RSeq"), response.need("CSeq"));
            let prack = self.calls[index].dialog.request("PRACK").with("RAck", rack);
            self.request(prack, Purpose::Within(index));
        }
    }

    pub(crate) fn call_answered(&mut self, index: usize, response: &Message) {
        let call = &mut self.calls[index];
        call.status = response.status();
        call.statuses.extend(response.status());
        call.dialog.learn_from_response(response);
        // A CANCEL that came too late changes nothing: the call is up, and has to be ended (RFC 3261 §9.1).
        let is_wanted = call.is_live() && !call.is_given_up;
        if is_wanted {
            call.state = State::Up;
        }
        let invite_number = response.cseq().0;
        let answer = self.answer_late_offer(index, response);
        if self.manner.acknowledges {
            self.acknowledge(index, invite_number, answer);
        }
        self.arm_session(index, response, "uac");
        if !is_wanted {
            self.send_bye(index);
            self.calls[index].end();
        }
    }

    /// The 2xx to an INVITE without offer has one: the ACK carries the answer. Otherwise the 2xx has the answer.
    pub(super) fn answer_late_offer(&mut self, index: usize, response: &Message) -> Option<String> {
        if self.calls[index].audio.said.is_some() || !self.manner.offers_late {
            if !response.body.is_empty() {
                self.accept_answer(index, &response.body);
            }
            return None;
        }
        let answer = self.answer_offer(index, &response.body);
        if answer.is_none() {
            self.complain("the 2xx to an INVITE without offer has none that can be answered");
        }
        answer
    }

    pub(super) fn acknowledge(&mut self, index: usize, number: u32, answer: Option<String>) {
        let mut ack = self.calls[index].dialog.request("ACK");
        ack.set("CSeq", format!("{number} ACK"));
        let via = self.via();
        ack.headers.insert(0, ("Via".into(), via));
        let bytes = ack.with("Max-Forwards", "70").with_sdp(answer).write();
        self.calls[index].ack = Some(bytes.clone());
        self.send_bytes(bytes);
    }

    pub(crate) fn repeat_ack(&mut self, index: usize) {
        if let Some(ack) = self.calls[index].ack.clone().filter(|_| self.manner.acknowledges) {
            self.send_bytes(ack);
        }
    }

    pub(crate) fn call_refused(&mut self, index: usize, response: &Message) {
        let call = &mut self.calls[index];
        call.status = response.status();
        call.statuses.extend(response.status());
        call.reason = response.header("Reason").map(str::to_string);
        call.end();
    }

    pub(super) fn accept_answer(&mut self, index: usize, body: &str) {
        let (now, call) = (self.now, &mut self.calls[index]);
        let Some(said) = call.audio.said.clone() else { return };
        let agreed = Sdp::read(body).and_then(|answer| call.audio.agree(now, said, answer, true));
        self.settle_audio(index, agreed);
    }

    pub(super) fn answer_offer(&mut self, index: usize, body: &str) -> Option<String> {
        let offer = match Sdp::read(body) {
            Ok(offer) => offer,
            Err(error) => {
                self.complain(error);
                return None;
            }
        };
        if self.manner.takes_savp_alone && !offer.is_secure {
            return None;
        }
        let (now, call) = (self.now, &mut self.calls[index]);
        let answer = call.audio.answer(&offer, (&self.manner.codecs, self.manner.secrecy), call.direction)?;
        let text = answer.write();
        let agreed = call.audio.agree(now, answer, offer, false);
        self.settle_audio(index, agreed);
        Some(text)
    }

    pub(super) fn settle_audio(&mut self, index: usize, agreed: Result<(), String>) {
        if let Err(error) = agreed {
            self.complain(error);
        }
        if !self.manner.talks {
            self.calls[index].audio.next_at = None;
        }
    }
}
