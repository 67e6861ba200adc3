//! What a phone is asked: requests, its answers, and their repetition (RFC 3261 §17.2).

use std::time::Duration;

use super::{PATIENCE, Phone, T1, T2};
use crate::Time;
use crate::wire::Message;

/// A request that was answered, or is being answered.
#[derive(Debug, Clone)]
pub struct Server {
    branch: String,
    method: String,
    pub(crate) request: Message,
    pub(crate) status: Option<u16>,
    response: Option<Vec<u8>>,
    repeat: Option<(Time, Duration)>,
    ends: Option<Time>,
}

impl Server {
    /// When something is due.
    pub fn deadline(&self) -> Option<Time> {
        match (self.repeat, self.ends) {
            (Some((at, _)), Some(ends)) => Some(at.min(ends)),
            (Some((at, _)), None) => Some(at),
            (None, ends) => ends,
        }
    }
}

impl Phone {
    /// A request came.
    pub(crate) fn handle_request(&mut self, request: Message) {
        let method = request.method().expect("this is a request").to_string();
        let branch = request.branch().to_string();
        if request.header("Max-Forwards").is_none() {
            self.complain(format!("no Max-Forwards in {method}"));
        }
        if method == "ACK" {
            return self.handle_ack(&request);
        }
        if let Some(server) = self.servers.iter().find(|server| server.branch == branch && server.method == method) {
            if let Some(response) = server.response.clone() {
                self.send_bytes(response);
            }
            return;
        }
        if !self.manner.answers_requests && method != "INVITE" {
            return;
        }
        let index = self.servers.len();
        self.servers.push(Server {
            branch,
            method: method.clone(),
            request: request.clone(),
            status: None,
            response: None,
            repeat: None,
            ends: None,
        });
        if self.asks(index, &request) {
            return;
        }
        match method.as_str() {
            "REGISTER" => self.handle_register(index, &request),
            "INVITE" => self.handle_invite(index, request),
            "CANCEL" => self.handle_cancel(index, &request),
            "OPTIONS" => self.handle_options(index, &request),
            "NOTIFY" => self.handle_notify(index, &request),
            "MESSAGE" => self.respond(index, Message::response(&request, 200)),
            _ => self.handle_within(index, &method, request),
        }
    }

    fn handle_options(&mut self, index: usize, request: &Message) {
        self.options += 1;
        let response = Message::response(request, 200).with("Allow", crate::ALLOW);
        self.respond(index, response);
    }

    /// Sends an answer; a final one is repeated for INVITE until it is acknowledged.
    pub(crate) fn respond(&mut self, index: usize, mut response: Message) {
        if let Some(seen) = self.manner.sees_exchange_at {
            let via = response.need("Via").replace(";rport", &format!(";received={};rport={}", seen.ip(), seen.port()));
            response.set("Via", via);
        }
        let bytes = response.write();
        let is_datagram = self.is_datagram();
        let (now, server) = (self.now, &mut self.servers[index]);
        let status = response.status().expect("this is a response");
        server.status = Some(status);
        server.response = Some(bytes.clone());
        server.repeat = None;
        if status >= 200 {
            server.ends = Some(now + PATIENCE);
            let is_repeated = server.method == "INVITE" && (status < 300 || is_datagram);
            server.repeat = is_repeated.then_some((now + T1, T1));
        } else if response.header("RSeq").is_some() {
            server.repeat = Some((now + T1, T1));
        }
        self.send_bytes(bytes);
    }

    /// The request that a transaction began with.
    pub(crate) fn asked(&self, index: usize) -> Message {
        self.servers[index].request.clone()
    }

    /// The provisional answer was acknowledged by PRACK, or the final one by ACK.
    pub(crate) fn stop_repeating(&mut self, index: usize) {
        self.servers[index].repeat = None;
    }

    fn handle_ack(&mut self, ack: &Message) {
        let number = ack.cseq().0;
        let is_of = |server: &&mut Server| {
            server.method == "INVITE"
                && server.request.need("Call-ID") == ack.need("Call-ID")
                && server.request.cseq().0 == number
        };
        let Some(server) = self.servers.iter_mut().find(is_of) else { return };
        server.repeat = None;
        if server.status.is_some_and(|status| status < 300) {
            self.call_acknowledged(ack);
        }
    }

    fn handle_cancel(&mut self, index: usize, cancel: &Message) {
        let branch = cancel.branch();
        let is_it = |server: &Server| server.method == "INVITE" && server.branch == branch;
        let invite = self.servers.iter().position(is_it);
        let status = if invite.is_some() { 200 } else { 481 };
        self.respond(index, Message::response(cancel, status));
        let Some(invite) = invite.filter(|invite| self.servers[*invite].status.is_none_or(|status| status < 200))
        else {
            return;
        };
        self.call_cancelled(invite, cancel.header("Reason").map(str::to_string));
    }

    /// Repeats what was not acknowledged, forgets what is long over.
    pub(crate) fn run_servers(&mut self) {
        let now = self.now;
        for index in 0..self.servers.len() {
            let server = &mut self.servers[index];
            let Some((at, pause)) = server.repeat.filter(|(at, _)| *at <= now) else { continue };
            let pause = (pause * 2).min(T2);
            server.repeat = Some((at + pause, pause));
            let bytes = server.response.clone().expect("only an answer is repeated");
            self.send_bytes(bytes);
        }
        // Indices into the list must stay valid, so what is over stays in place without a deadline.
        for server in self.servers.iter_mut().filter(|server| server.ends.is_some_and(|ends| ends <= now)) {
            server.repeat = None;
            server.ends = None;
        }
    }
}
