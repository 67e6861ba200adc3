//! What a phone asks: requests, their repetition, and what follows from the answers (RFC 3261 §17.1).

use std::time::Duration;

use super::digest::Challenge;
use super::sdp::Description;
use super::{PATIENCE, Phone, T1, T2};
use crate::Time;
use crate::wire::{Message, Start};

/// What a request is for.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// Registering, or the opposite.
    Register,
    /// The first INVITE of a call.
    Invite(usize),
    /// Changing a call by INVITE.
    Reinvite(usize, Option<Description>),
    /// Changing a call by UPDATE.
    Update(usize, Option<Description>),
    /// Ending a call.
    Bye(usize),
    /// Giving up a call.
    Cancel,
    /// Anything else within a call.
    Within(usize),
    /// Anything else.
    Other,
}

/// A request under way, or answered a while ago.
#[derive(Debug, Clone)]
pub struct Client {
    /// The branch of its Via.
    pub branch: String,
    /// Its method.
    pub method: String,
    /// The final status, once there is one.
    pub status: Option<u16>,
    pub(crate) purpose: Purpose,
    pub(crate) message: Message,
    pub(crate) is_proceeding: bool,
    cancels_when_proceeding: bool,
    ack: Option<Vec<u8>>,
    proofs: u32,
    repeat: Option<(Time, Duration)>,
    ends: Time,
}

impl Client {
    /// When something is due.
    pub fn deadline(&self) -> Option<Time> {
        Some(self.repeat.map_or(self.ends, |(at, _)| at.min(self.ends)))
    }

    fn is_invite(&self) -> bool {
        self.method == "INVITE"
    }
}

impl Phone {
    /// The last request of that method that it sent, as long as it is remembered.
    pub fn last_request(&self, method: &str) -> Option<&Message> {
        self.clients.iter().rev().find(|client| client.method == method).map(|client| &client.message)
    }

    /// Sends a request with whatever every request needs, and repeats it until it is answered.
    pub(crate) fn request(&mut self, message: Message, purpose: Purpose) {
        self.request_again(message, purpose, 0);
    }

    fn request_again(&mut self, mut message: Message, purpose: Purpose, proofs: u32) {
        let Start::Request(method, uri) = message.start.clone() else { return };
        message.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Via") && !name.contains("uthorization"));
        let via = self.via();
        message.headers.insert(0, ("Via".into(), via));
        if message.header("Max-Forwards").is_none() {
            message = message.with("Max-Forwards", self.manner.max_forwards.to_string());
        }
        let proves = proofs > 0 || (self.manner.reuses_nonce && matches!(method.as_str(), "REGISTER" | "INVITE"));
        if let Some(challenge) = self.challenge.as_mut().filter(|_| proves) {
            let own = (self.number.clone(), self.password.clone());
            let (user, password) = self.manner.proves_as.as_ref().unwrap_or(&own);
            let (name, value) = challenge.prove(user, password, &method, &uri);
            message = message.with(name, value);
        }
        self.send(&message);
        self.clients.push(Client {
            branch: message.branch().into(),
            method,
            status: None,
            purpose,
            message,
            is_proceeding: false,
            cancels_when_proceeding: false,
            ack: None,
            proofs,
            repeat: self.is_datagram().then_some((self.now + T1, T1)),
            ends: self.now + PATIENCE,
        });
    }

    /// Gives up the INVITE of a call; waits for a sign of life first (RFC 3261 §9.1).
    pub(crate) fn cancel_invite(&mut self, call: usize) {
        let is_it = |client: &&mut Client| {
            matches!(client.purpose, Purpose::Invite(of) if of == call) && client.status.is_none()
        };
        let Some(client) = self.clients.iter_mut().find(is_it) else { return };
        match client.is_proceeding {
            true => {
                let invite = client.message.clone();
                self.send_cancel(&invite);
            }
            false => client.cancels_when_proceeding = true,
        }
    }

    fn send_cancel(&mut self, invite: &Message) {
        let Start::Request(_, uri) = &invite.start else { return };
        let mut cancel = Message::request("CANCEL", uri);
        for name in ["Via", "From", "To", "Call-ID", "Max-Forwards", "Route"] {
            cancel.headers.extend(invite.all(name).map(|value| (name.to_string(), value.to_string())));
        }
        cancel = cancel.with("CSeq", format!("{} CANCEL", invite.cseq().0));
        self.send(&cancel);
        self.clients.push(Client {
            branch: cancel.branch().into(),
            method: "CANCEL".into(),
            status: None,
            purpose: Purpose::Cancel,
            message: cancel,
            is_proceeding: false,
            cancels_when_proceeding: false,
            ack: None,
            proofs: 0,
            repeat: self.is_datagram().then_some((self.now + T1, T1)),
            ends: self.now + PATIENCE,
        });
    }

    /// An answer came.
    pub(crate) fn handle_response(&mut self, response: Message) {
        let (branch, (_, method)) = (response.branch().to_string(), response.cseq());
        let Some(index) = self.clients.iter().position(|client| client.branch == branch && client.method == method)
        else {
            return;
        };
        let status = response.status().expect("this is a response");
        let client = &mut self.clients[index];
        if client.status.is_some() {
            return self.handle_repeated_final(index, status);
        }
        if status < 200 {
            return self.handle_provisional(index, &response);
        }
        client.status = Some(status);
        client.repeat = None;
        client.ends = self.now + PATIENCE;
        if client.is_invite() && status >= 300 {
            self.acknowledge_refusal(index, &response);
        }
        if matches!(status, 401 | 407) && self.prove_again(index, &response) {
            return;
        }
        let client = self.clients[index].clone();
        self.handle_final(client, response);
    }

    fn handle_provisional(&mut self, index: usize, response: &Message) {
        let client = &mut self.clients[index];
        let wants_cancel = !client.is_proceeding && client.cancels_when_proceeding;
        client.is_proceeding = true;
        if client.is_invite() {
            client.repeat = None;
            client.ends = self.now + Duration::from_secs(300);
        }
        let (purpose, invite) = (client.purpose.clone(), client.message.clone());
        if wants_cancel {
            self.send_cancel(&invite);
        }
        if let Purpose::Invite(call) = purpose {
            self.call_progresses(call, response);
        }
    }

    fn handle_repeated_final(&mut self, index: usize, status: u16) {
        let client = &self.clients[index];
        match (&client.purpose, client.ack.clone()) {
            (_, Some(ack)) => self.send_bytes(ack),
            (Purpose::Invite(call) | Purpose::Reinvite(call, _), None) if status < 300 => self.repeat_ack(*call),
            _ => {}
        }
    }

    /// RFC 3261 §17.1.1.3: the ACK of a refusal belongs to the transaction.
    fn acknowledge_refusal(&mut self, index: usize, response: &Message) {
        let invite = &self.clients[index].message;
        let Start::Request(_, uri) = &invite.start else { return };
        let mut ack = Message::request("ACK", uri).with("Via", invite.need("Via"));
        for name in ["Route", "From", "Call-ID", "Max-Forwards"] {
            ack.headers.extend(invite.all(name).map(|value| (name.to_string(), value.to_string())));
        }
        let ack = ack.with("To", response.need("To")).with("CSeq", format!("{} ACK", invite.cseq().0)).write();
        self.clients[index].ack = Some(ack.clone());
        self.send_bytes(ack);
    }

    /// Answers a challenge: once, and once more if only the nonce was stale. A proof that was sent unasked does not count.
    fn prove_again(&mut self, index: usize, response: &Message) -> bool {
        let Some(challenge) = Challenge::choose(response, self.manner.algorithm) else { return false };
        let client = self.clients[index].clone();
        let allowed = if challenge.is_stale { 2 } else { 1 };
        self.challenge = Some(challenge);
        if client.proofs >= allowed {
            self.challenge = None;
            return false;
        }
        let mut message = client.message;
        let (number, method) = message.cseq();
        message.set("CSeq", format!("{} {method}", number + 1));
        match client.purpose {
            Purpose::Register => self.registration.cseq = number + 1,
            Purpose::Invite(call) | Purpose::Reinvite(call, _) => self.calls[call].dialog.own_cseq = number + 1,
            _ => {}
        }
        self.request_again(message, client.purpose, client.proofs + 1);
        true
    }

    fn handle_final(&mut self, client: Client, response: Message) {
        let status = response.status().expect("this is a response");
        match client.purpose {
            Purpose::Register => self.registered(&response),
            Purpose::Invite(call) if status < 300 => self.call_answered(call, &response),
            Purpose::Invite(call) => self.call_refused(call, &response),
            Purpose::Reinvite(call, offer) => self.change_answered(call, offer, &response, true),
            Purpose::Update(call, offer) => self.change_answered(call, offer, &response, false),
            Purpose::Within(call) => self.calls[call].answers.push((client.method, status)),
            Purpose::Bye(_) | Purpose::Cancel | Purpose::Other => {}
        }
    }

    /// Repeats what was not answered, gives up what never will be, forgets what is long over.
    pub(crate) fn run_clients(&mut self) {
        let mut given_up = Vec::new();
        for index in 0..self.clients.len() {
            let now = self.now;
            let client = &mut self.clients[index];
            if client.ends <= now {
                if client.status.is_none() {
                    given_up.push(client.clone());
                }
            } else if let Some((at, pause)) = client.repeat.filter(|(at, _)| *at <= now) {
                let longest = if client.is_invite() { PATIENCE } else { T2 };
                let pause = if client.is_proceeding { T2 } else { (pause * 2).min(longest) };
                client.repeat = Some((at + pause, pause));
                let bytes = client.message.write();
                self.send_bytes(bytes);
            }
        }
        let now = self.now;
        self.clients.retain(|client| client.ends > now);
        for client in given_up {
            let timeout = Message::response(&client.message, 408);
            self.handle_final(client, timeout);
        }
    }
}
