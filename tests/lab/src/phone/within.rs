//! Within a call: what the peer asks, and what the phone asks.

use std::time::Duration;

use super::call::Call;
use super::client::Purpose;
use super::manner::Codec;
use super::sdp::{Description, Direction};
use super::{Phone, State};
use crate::wire::Message;

impl Phone {
    pub(super) fn handle_reinvite(&mut self, server: usize, invite: Message) {
        let Some(index) = self.dialog_of(&invite) else {
            return self.respond(server, Message::response(&invite, 481));
        };
        self.calls[index].requests.push("INVITE".into());
        if self.has_offer_pending(index) {
            return self.respond(server, Message::response(&invite, 491));
        }
        let response = self.answer_change(index, &invite);
        self.respond(server, response);
    }

    pub(super) fn answer_change(&mut self, index: usize, request: &Message) -> Message {
        let is_update = request.method() == Some("UPDATE");
        let body = match (request.body.is_empty(), is_update) {
            (true, true) => None,
            (true, false) => {
                let offer = self.offer(index);
                self.calls[index].audio.said = Some(offer.clone());
                Some(offer.write())
            }
            (false, _) => match self.answer_offer(index, &request.body) {
                None => return Message::response(request, 488),
                answer => answer,
            },
        };
        let response = Message::response(request, 200).with("Contact", self.contact());
        let response = self.with_session(response, request);
        self.arm_session(index, &response, "uas");
        response.with_sdp(body)
    }

    pub(crate) fn handle_within(&mut self, server: usize, method: &str, request: Message) {
        let Some(index) = self.dialog_of(&request) else {
            return self.respond(server, Message::response(&request, 481));
        };
        self.calls[index].requests.push(method.into());
        match method {
            "BYE" => {
                let call = &mut self.calls[index];
                call.reason = request.header("Reason").map(str::to_string);
                call.was_ended_by_peer = true;
                call.end();
                self.respond(server, Message::response(&request, 200));
            }
            "UPDATE" if !request.body.is_empty() && self.has_offer_pending(index) => {
                self.respond(server, Message::response(&request, 491));
            }
            "UPDATE" => {
                let response = self.answer_change(index, &request);
                self.respond(server, response);
            }
            "PRACK" => {
                if let Some(invite) = self.calls[index].server {
                    self.stop_repeating(invite);
                }
                self.respond(server, Message::response(&request, 200));
            }
            "INFO" => {
                self.infos.push(request.body.clone());
                self.respond(server, Message::response(&request, 200));
            }
            _ => self.respond(server, Message::response(&request, 501)),
        }
    }

    pub(super) fn dialog_of(&mut self, request: &Message) -> Option<usize> {
        let (call_id, from, number) = (request.need("Call-ID"), request.tag("From"), request.cseq().0);
        let index = self.find(|call| call.is_live() && call.dialog.is_of(call_id, from))?;
        let last = self.calls[index].dialog.peer_cseq.replace(number);
        if last == Some(number) {
            self.complain(format!("two requests with CSeq {number}"));
        }
        Some(index)
    }

    /// Holds the call, in the phone's own manner.
    pub fn hold(&mut self) {
        self.change_direction(self.manner.hold_direction);
    }

    /// Takes the call off hold.
    pub fn resume(&mut self) {
        self.change_direction(Direction::SendRecv);
    }

    pub(super) fn change_direction(&mut self, direction: Direction) {
        let Some(index) = self.find(|call| call.state == State::Up) else { return };
        self.calls[index].direction = direction;
        self.reinvite(index);
    }

    /// Speaks something else from now on.
    pub fn change_codecs(&mut self, codecs: &[Codec]) {
        self.manner.codecs = codecs.to_vec();
        if let Some(index) = self.find(|call| call.state == State::Up) {
            self.reinvite(index);
        }
    }

    /// Listens elsewhere from now on.
    pub fn change_port(&mut self) {
        let Some(index) = self.find(|call| call.state == State::Up) else { return };
        self.calls[index].audio.local.set_port(self.next_rtp_port);
        self.next_rtp_port += 2;
        self.calls[index].audio.change_ssrc();
        self.reinvite(index);
    }

    /// Whether an offer of the phone's own, or a question for one, has no answer yet (RFC 3261 §14.1, RFC 3311 §5.1).
    fn has_offer_pending(&self, index: usize) -> bool {
        let is_of_call = |purpose: &Purpose| matches!(purpose, Purpose::Reinvite(of, _) | Purpose::Update(of, Some(_)) if *of == index);
        self.clients.iter().any(|client| client.status.is_none() && is_of_call(&client.purpose))
    }

    /// Sends a re-INVITE with what the phone wants now, unless another is under way.
    pub(crate) fn reinvite(&mut self, index: usize) {
        if self.has_offer_pending(index) {
            return;
        }
        let offer = self.offer(index);
        let message = self.calls[index].dialog.request("INVITE");
        let message = self.with_abilities(message).with_sdp(Some(offer.write()));
        self.request(message, Purpose::Reinvite(index, Some(offer)));
    }

    /// Sends an UPDATE, with an offer or only as a sign of life.
    pub fn update(&mut self, has_offer: bool) {
        let Some(index) = self.find(Call::is_live) else { return };
        if has_offer && (self.calls[index].state != State::Up || self.has_offer_pending(index)) {
            return;
        }
        let offer = has_offer.then(|| self.offer(index));
        let message = self.calls[index].dialog.request("UPDATE");
        let message = self.with_abilities(message).with_sdp(offer.as_ref().map(Description::write));
        self.request(message, Purpose::Update(index, offer));
    }

    /// Sends a digit as INFO, as some phones do.
    pub fn send_digit(&mut self, digit: char) {
        let Some(index) = self.find(|call| call.state == State::Up) else { return };
        let mut info = self.calls[index].dialog.request("INFO").with("Content-Type", "application/dtmf-relay");
        info.body = format!("Signal={digit}\r\nDuration=160\r\n");
        self.request(info, Purpose::Within(index));
    }

    /// Presses a key: the digit goes with the audio (RFC 4733).
    pub fn press(&mut self, key: char) {
        if let Some(index) = self.find(|call| call.state == State::Up) {
            self.calls[index].audio.press(key);
        }
    }

    /// Asks by an INVITE without offer what the exchange would offer now.
    pub fn ask_for_offer(&mut self) {
        let Some(index) = self.find(|call| call.state == State::Up) else { return };
        if self.has_offer_pending(index) {
            return;
        }
        let message = self.calls[index].dialog.request("INVITE");
        let message = self.with_abilities(message);
        self.request(message, Purpose::Reinvite(index, None));
    }

    /// Sends any request within its call.
    pub fn send_within(&mut self, method: &str) {
        let Some(index) = self.find(Call::is_live) else { return };
        let message = self.calls[index].dialog.request(method).with("Contact", self.contact());
        self.request(message, Purpose::Within(index));
    }

    pub(crate) fn change_answered(
        &mut self,
        index: usize,
        offer: Option<Description>,
        response: &Message,
        is_invite: bool,
    ) {
        let status = response.status().expect("this is a response");
        let method = if is_invite { "INVITE" } else { "UPDATE" };
        self.calls[index].answers.push((method.into(), status));
        if !self.calls[index].is_live() {
            return;
        }
        match status {
            200..300 => {
                // Without an offer of ours, the 2xx to an INVITE has one, and the ACK the answer.
                let answer = match is_invite && offer.is_none() {
                    true => self.answer_offer(index, &response.body),
                    false => None,
                };
                if is_invite && self.manner.acknowledges {
                    self.acknowledge(index, response.cseq().0, answer);
                }
                if let Some(offer) = offer {
                    self.calls[index].audio.said = Some(offer);
                    self.accept_answer(index, &response.body);
                }
                self.arm_session(index, response, "uac");
            }
            // RFC 3261 §14.1: whoever made the call waits longer, so that the two do not meet again.
            491 => {
                let pause = if self.calls[index].is_incoming { 1_000 } else { 3_000 };
                self.calls[index].retry_at = Some(self.now + Duration::from_millis(pause));
            }
            408 | 481 => {
                self.send_bye(index);
                self.calls[index].end();
            }
            _ => {}
        }
    }
}
