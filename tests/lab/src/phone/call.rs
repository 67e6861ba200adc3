//! A phone's calls: making, taking, changing and ending them.

use super::audio::Audio;
use super::client::Purpose;
use super::dialog::Dialog;
use super::sdp::{Description, Direction};
use super::{Outgoing, Phone};
use crate::wire::Message;
use crate::{REALM, Time};

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Asked for, no sign from the called side.
    Calling,
    /// The called side rings.
    Alerting,
    /// It rings here.
    Ringing,
    /// Taken here, not yet acknowledged.
    Answered,
    /// People talk.
    Up,
    /// Over.
    Ended,
}

/// One call of a phone.
#[derive(Debug, Clone)]
pub struct Call {
    /// Whether it came in.
    pub is_incoming: bool,
    /// How far it is.
    pub state: State,
    /// The last answer to its INVITE: received, or sent.
    pub status: Option<u16>,
    /// Every answer to its INVITE, in order.
    pub statuses: Vec<u16>,
    /// The Reason of whatever ended it.
    pub reason: Option<String>,
    /// Whether a BYE came, or a CANCEL.
    pub was_ended_by_peer: bool,
    /// The other end.
    pub dialog: Dialog,
    /// Its audio.
    pub audio: Audio,
    /// Answers to requests within it: method and status.
    pub answers: Vec<(String, u16)>,
    /// Methods of requests that came within it.
    pub requests: Vec<String>,
    /// The whole INVITE that made it, if it came in.
    pub invite: Option<Message>,
    pub(crate) server: Option<usize>,
    pub(crate) direction: Direction,
    pub(super) ack: Option<Vec<u8>>,
    /// The user has hung up, and whoever is called does not know it yet.
    pub(super) is_given_up: bool,
    pub(super) answer_at: Option<Time>,
    pub(super) retry_at: Option<Time>,
    pub(super) refresh_at: Option<Time>,
    pub(super) expires_at: Option<Time>,
    pub(super) rseq: u32,
}

impl Call {
    pub(super) fn new(dialog: Dialog, audio: Audio, is_incoming: bool) -> Call {
        Call {
            is_incoming,
            state: if is_incoming { State::Ringing } else { State::Calling },
            status: None,
            statuses: Vec::new(),
            reason: None,
            was_ended_by_peer: false,
            dialog,
            audio,
            answers: Vec::new(),
            requests: Vec::new(),
            invite: None,
            server: None,
            direction: Direction::SendRecv,
            ack: None,
            is_given_up: false,
            answer_at: None,
            retry_at: None,
            refresh_at: None,
            expires_at: None,
            rseq: 0,
        }
    }

    /// Whether it is not over.
    pub fn is_live(&self) -> bool {
        self.state != State::Ended
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Time> {
        let timers = [self.answer_at, self.retry_at, self.refresh_at, self.expires_at, self.audio.next_at];
        timers.into_iter().flatten().min()
    }

    /// The phone's user has gone: whatever state it is in does not matter any more.
    pub fn end_of_story(&mut self) {
        self.end();
    }

    pub(crate) fn end(&mut self) {
        self.state = State::Ended;
        self.vanish();
    }

    /// No timer runs any more.
    pub(crate) fn vanish(&mut self) {
        self.state = State::Ended;
        self.audio.next_at = None;
        (self.answer_at, self.retry_at, self.refresh_at, self.expires_at) = (None, None, None, None);
    }
}

impl Phone {
    /// Calls a number. The call is the phone's last one.
    pub fn call(&mut self, number: &str) -> usize {
        let (tag, call_id) = (self.token(), format!("{}@phone", self.token()));
        let target = format!("sip:{number}@{REALM}");
        let dialog = Dialog {
            call_id,
            own: format!("\"Phone {0}\" <sip:{0}@{REALM}>;tag={tag}", self.number),
            peer: format!("<{target}>"),
            target,
            own_cseq: 0,
            ..Dialog::default()
        };
        let audio = self.new_audio();
        let index = self.calls.len();
        self.calls.push(Call::new(dialog, audio, false));
        let offer = (!self.manner.offers_late).then(|| self.offer(index));
        let mut invite = self.calls[index].dialog.request("INVITE");
        invite = self.with_abilities(invite).with_sdp(offer.as_ref().map(Description::write));
        for (name, value) in self.manner.extra.clone() {
            invite.set(name, value);
        }
        self.calls[index].audio.said = offer;
        self.request(invite, Purpose::Invite(index));
        index
    }

    /// Takes the call that rings.
    pub fn answer(&mut self) {
        if let Some(index) = self.find(|call| call.state == State::Ringing) {
            self.answer_call(index);
        }
    }

    /// Refuses the call that rings.
    pub fn reject(&mut self, status: u16) {
        let Some(index) = self.find(|call| call.state == State::Ringing) else { return };
        let server = self.calls[index].server.expect("a call that rings came in by an INVITE");
        self.calls[index].status = Some(status);
        self.calls[index].end();
        let response = self.with_own_tag(Message::response(&self.asked(server), status), index);
        self.respond(server, response);
    }

    /// Ends whatever there is: BYE, CANCEL or a refusal, as the state asks for.
    pub fn hang_up(&mut self) {
        let Some(index) = self.find(Call::is_live) else { return };
        match self.calls[index].state {
            State::Calling | State::Alerting => {
                self.calls[index].is_given_up = true;
                self.cancel_invite(index);
            }
            State::Ringing => self.reject(486),
            State::Answered | State::Up => {
                self.send_bye(index);
                self.calls[index].end();
            }
            State::Ended => {}
        }
    }

    pub(super) fn send_bye(&mut self, index: usize) {
        let bye = self.calls[index].dialog.request("BYE");
        self.request(bye, Purpose::Bye(index));
    }

    /// Its newest call that is not over.
    pub fn live(&self) -> Option<&Call> {
        self.calls.iter().rev().find(|call| call.is_live())
    }

    /// Its newest call.
    pub fn last(&self) -> &Call {
        self.calls.last().unwrap_or_else(|| panic!("{} has no call", self.number))
    }

    /// Whether its newest live call is in that state.
    pub fn is(&self, state: State) -> bool {
        match self.live() {
            Some(call) => call.state == state,
            None => state == State::Ended,
        }
    }

    pub(crate) fn find(&self, wanted: impl Fn(&Call) -> bool) -> Option<usize> {
        self.calls.iter().rposition(wanted)
    }

    pub(super) fn new_audio(&mut self) -> Audio {
        let local = std::net::SocketAddr::new(self.address.ip(), self.next_rtp_port);
        self.next_rtp_port += 2;
        let ssrc = u32::from_str_radix(&self.token(), 16).expect("a token is hexadecimal");
        Audio::new(local, ssrc)
    }

    pub(super) fn offer(&self, index: usize) -> Description {
        let call = &self.calls[index];
        let mut offer = call.audio.offer(&self.manner.codecs, self.manner.secrecy, call.direction);
        if self.manner.holds_by_address && call.direction != Direction::SendRecv {
            offer.named_address = Some([0, 0, 0, 0].into());
            offer.direction = Direction::SendRecv;
        }
        offer
    }

    pub(super) fn with_abilities(&self, message: Message) -> Message {
        let mut supported = Vec::new();
        supported.extend(self.manner.reliable_provisionals.then_some("100rel"));
        supported.extend(self.manner.session_expires.map(|_| "timer"));
        let mut message = message.with("Contact", self.contact()).with("Allow", crate::ALLOW);
        if !supported.is_empty() {
            message = message.with("Supported", supported.join(", "));
        }
        if let Some(seconds) = self.manner.session_expires {
            message = message.with("Session-Expires", seconds.to_string()).with("Min-SE", "90");
        }
        message
    }

    pub(super) fn with_own_tag(&self, mut response: Message, index: usize) -> Message {
        response.set("To", self.calls[index].dialog.own.clone());
        response.with("Contact", self.contact())
    }

    /// Does what is due in the calls.
    pub(crate) fn run_calls(&mut self) {
        for index in 0..self.calls.len() {
            let now = self.now;
            let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
            if is_due(self.calls[index].answer_at) {
                self.answer_call(index);
            }
            if is_due(self.calls[index].retry_at) {
                self.calls[index].retry_at = None;
                self.reinvite(index);
            }
            if is_due(self.calls[index].refresh_at) {
                self.calls[index].refresh_at = None;
                match self.manner.refreshes_by_update {
                    true => self.update(false),
                    false => self.reinvite(index),
                }
            }
            if is_due(self.calls[index].expires_at) {
                self.send_bye(index);
                self.calls[index].end();
            }
            let from = self.calls[index].audio.local;
            while let Some((to, packet)) = self.calls[index].audio.speak(now, self.voice) {
                self.outbox.push_back(Outgoing::Rtp { from, to, packet });
            }
        }
    }
}
