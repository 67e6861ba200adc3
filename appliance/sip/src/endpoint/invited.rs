//! INVITEs to us beyond the transaction: the dialogs they make, 2xx until its ACK, CANCEL (RFC 3261 §9.2, §13.3).

use std::collections::VecDeque;

use bytes::Bytes;

use super::reliable::{Reliability, Unconfirmed};
use super::server::{Server, ServerMachine};
use super::write::ReplyParts;
use super::{Endpoint, Event, Owner, Reply, ServerId};
use crate::dialog::{Dialog, DialogId, Stage};
use crate::message::HeaderName;
use crate::transaction::{Action, Fingerprint, Timer, TimerTable};
use crate::{Request, StatusCode, Time, Uri};

/// What is kept of an INVITE to us beside its transaction.
pub(super) struct Invited {
    pub(super) cseq: u32,
    /// Whether it had a body: the offer.
    offered: bool,
    /// The dialog it will make; `None` once made, and in a re-INVITE.
    pub(super) prospect: Option<Box<Dialog>>,
    /// Copied into the replies that make the dialog (RFC 3261 §12.1.1).
    pub(super) record_route: Bytes,
    pub(super) reliability: Reliability,
    /// The number of the last reliable provisional reply.
    pub(super) rseq: Option<u32>,
    /// The reliable provisional reply that waits for its PRACK.
    pub(super) unconfirmed: Option<Unconfirmed>,
    /// Replies that wait for that PRACK too.
    pub(super) held: VecDeque<Reply>,
    /// The 2xx that waits for its ACK.
    answer: Option<Answer>,
}

struct Answer {
    status: StatusCode,
    bytes: Bytes,
    interval: Time,
}

impl Invited {
    pub(super) fn new(cseq: u32, request: &Request) -> Invited {
        Invited {
            cseq,
            offered: !request.body.is_empty(),
            prospect: None,
            record_route: Bytes::new(),
            reliability: Reliability::of(&request.headers),
            rseq: None,
            unconfirmed: None,
            held: VecDeque::new(),
            answer: None,
        }
    }

    /// Whether a 2xx waits for its ACK.
    pub(super) fn is_repeating(&self) -> bool {
        self.answer.is_some()
    }
}

impl Endpoint {
    fn invited(&mut self, id: ServerId) -> Option<&mut Invited> {
        self.servers.get_mut(&id)?.invite.as_deref_mut()
    }

    /// Whether an INVITE to us waits for its final reply.
    pub(super) fn is_unanswered(&self, id: ServerId) -> bool {
        self.servers.get(&id).is_some_and(|server| server.machine.is_proceeding())
    }

    /// Whether an INVITE to us waits for its final reply, or that for its ACK.
    pub(super) fn is_invite_open(&self, id: ServerId) -> bool {
        let open = |server: &Server| server.invite.as_ref().is_some_and(|invite| invite.is_repeating());
        self.servers.get(&id).is_some_and(|server| server.machine.is_proceeding() || open(server))
    }

    /// Whether the ACK to our 2xx is still to bring the answer to our offer.
    pub(super) fn awaits_answer(&self, id: ServerId) -> bool {
        let invite = self.servers.get(&id).and_then(|server| server.invite.as_ref());
        invite.is_some_and(|invite| invite.is_repeating() && !invite.offered)
    }

    /// Replies to an INVITE; what must wait for a PRACK is held back.
    pub(super) fn respond_to_invite(&mut self, now: Time, id: ServerId, reply: Reply) -> Option<DialogId> {
        let status = reply.status;
        if status.is_failure() || status.is_redirect() {
            self.refuse_invite(now, id, &reply);
            return None;
        }
        if status.0 == 100 {
            self.send_trying(now, id);
            return None;
        }
        let dialog = self.make_callee_dialog(id, reply.contact.as_ref());
        self.reply_or_hold(now, id, reply);
        dialog
    }

    /// Sends a provisional or successful reply.
    pub(super) fn send_invite_reply(&mut self, now: Time, id: ServerId, reply: &Reply) {
        let Some(bytes) = self.write_invite_reply(id, reply, None) else { return };
        self.pass_reply(now, id, (reply.status, bytes.clone()));
        if reply.status.is_success() {
            self.start_repeating(now, id, (reply.status, bytes));
        }
    }

    pub(super) fn write_invite_reply(&mut self, id: ServerId, reply: &Reply, rseq: Option<u32>) -> Option<Bytes> {
        let server = self.servers.get(&id)?;
        let invite = server.invite.as_ref()?;
        let entry = server.dialog.and_then(|dialog| self.dialogs.get(&dialog));
        let contact = reply.contact.as_ref().or(entry.map(|entry| &entry.dialog.local_target));
        let makes_dialog = !reply.status.is_redirect() && !reply.status.is_failure();
        let parts = ReplyParts {
            status: reply.status.0,
            reason: reply.reason,
            contact: contact.filter(|_| makes_dialog && !reply.headers.contains(&HeaderName::Contact)),
            lines: if makes_dialog { &invite.record_route } else { b"" },
            rseq,
            abilities: reply.status.is_success(),
            headers: Some(&reply.headers),
            body: reply.body.as_ref(),
        };
        Some(self.writer.reply(&server.head, &parts))
    }

    /// Hands a reply to the transaction.
    pub(super) fn pass_reply(&mut self, now: Time, id: ServerId, (status, bytes): (StatusCode, Bytes)) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let table = TimerTable::new(self.config.timings, server.flow.transport.is_reliable());
        let ServerMachine::Invite(machine) = &mut server.machine else { return };
        let actions = machine.handle_reply(status, bytes, &table);
        self.perform_server(now, id, actions);
    }

    /// 100 Trying: asked for by the user, or due because he has not answered for 200 ms.
    pub(super) fn send_trying(&mut self, now: Time, id: ServerId) {
        if !self.server_awaits(Timer::Trying, id) {
            return;
        }
        if let Some(bytes) = self.write_invite_reply(id, &Reply::new(100), None) {
            self.pass_reply(now, id, (StatusCode(100), bytes));
        }
    }

    fn refuse_invite(&mut self, now: Time, id: ServerId, reply: &Reply) {
        let Some(bytes) = self.write_invite_reply(id, reply, None) else { return };
        if is_challenge(reply.status) {
            return self.challenge(id, bytes);
        }
        self.pass_reply(now, id, (reply.status, bytes));
        let Some(server) = self.servers.get_mut(&id) else { return };
        let dialog = server.dialog;
        if let Some(invite) = &mut server.invite {
            invite.unconfirmed = None;
            invite.held.clear();
            invite.prospect = None;
        }
        self.end_unconfirmed(id, dialog);
        self.spend_server(id);
    }

    /// Ends the early dialog an INVITE has made.
    pub(super) fn end_unconfirmed(&mut self, id: ServerId, dialog: Option<DialogId>) {
        let Some(entry) = dialog.and_then(|dialog| self.dialogs.get(&dialog)) else { return };
        if entry.dialog.stage != Stage::Confirmed && entry.invited == Some(id) {
            self.end_dialog(entry.dialog.id);
        }
    }

    /// Sends a challenge and forgets the request: who is not known yet shall not make us remember, nor repeat, anything (RFC 3261 §8.2.7).
    /// Should the challenge be lost, the request comes again and is told again; its To tag will be the same.
    pub(super) fn challenge(&mut self, id: ServerId, bytes: Bytes) {
        let Some(server) = self.servers.get(&id) else { return };
        let (flow, dialog) = (server.flow, server.dialog);
        self.transmit(flow, bytes);
        self.end_unconfirmed(id, dialog);
        self.remove_server(id);
    }

    /// The dialog of an INVITE to us: made now, unless it is there already.
    fn make_callee_dialog(&mut self, id: ServerId, contact: Option<&Uri>) -> Option<DialogId> {
        let server = self.servers.get_mut(&id)?;
        if let Some(prospect) = server.invite.as_mut()?.prospect.take() {
            let mut dialog = *prospect;
            dialog.flow = server.flow;
            dialog.local_target = self.writer.own_contact(&server.flow);
            let made = self.add_dialog(dialog)?;
            self.servers.get_mut(&id)?.dialog = Some(made);
            self.dialogs.get_mut(&made)?.invited = Some(id);
        }
        let dialog = self.servers.get(&id)?.dialog?;
        let entry = self.dialogs.get_mut(&dialog)?;
        if let Some(contact) = contact {
            entry.dialog.local_target = contact.clone();
        }
        Some(dialog)
    }

    /// A 2xx is repeated by the endpoint, on every transport, until its ACK comes (RFC 3261 §13.3.1.4).
    fn start_repeating(&mut self, now: Time, id: ServerId, (status, bytes): (StatusCode, Bytes)) {
        let Some(server) = self.servers.get(&id) else { return };
        let (interval, dialog) = (self.table(&server.flow).length(Timer::Answer), server.dialog);
        if let Some(entry) = dialog.and_then(|dialog| self.dialogs.get_mut(&dialog))
            && entry.dialog.stage == Stage::Early
        {
            entry.dialog.stage = Stage::Confirmed;
        }
        if let Some(invite) = self.invited(id) {
            invite.answer = Some(Answer { status, bytes, interval });
            invite.unconfirmed = None;
            invite.held.clear();
        }
        self.arm(now, (Timer::Answer, interval), Owner::Server(id));
    }

    pub(super) fn repeat_answer(&mut self, now: Time, id: ServerId) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let table = TimerTable::new(self.config.timings, server.flow.transport.is_reliable());
        let Some(answer) = server.invite.as_mut().and_then(|invite| invite.answer.as_mut()) else { return };
        answer.interval = table.backed_off(answer.interval);
        let (status, bytes, interval) = (answer.status, answer.bytes.clone(), answer.interval);
        self.statistics.repeated += 1;
        self.pass_reply(now, id, (status, bytes));
        self.arm(now, (Timer::Answer, interval), Owner::Server(id));
    }

    /// The dialog is over, or its ACK came: a 2xx is repeated no more.
    pub(super) fn stop_repeating(&mut self, id: ServerId) -> bool {
        let was = self.invited(id).is_some_and(|invite| invite.answer.take().is_some());
        if was {
            self.spend_server(id);
        }
        was
    }

    /// An ACK: to a refusal it belongs to the transaction, to a 2xx to the dialog (RFC 3261 §13.3.1.4, §17.2.1).
    pub(super) fn handle_ack(
        &mut self,
        now: Time,
        key: Fingerprint,
        (request, cseq, dialog): (&Request, u32, Option<DialogId>),
    ) {
        if let Some(id) = self.server_keys.get(&key).copied() {
            let Some(server) = self.servers.get_mut(&id) else { return };
            let table = TimerTable::new(self.config.timings, server.flow.transport.is_reliable());
            let ServerMachine::Invite(machine) = &mut server.machine else { return };
            let actions = machine.handle_ack(&table);
            if !actions.contains(&Action::Deliver) {
                return self.perform_server(now, id, actions);
            }
        }
        let server = dialog.and_then(|dialog| self.dialogs.get(&dialog)).and_then(|entry| entry.invited);
        let matching = server.filter(|id| self.invited(*id).is_some_and(|invite| invite.cseq == cseq));
        match (dialog, matching) {
            (Some(dialog), Some(id)) if self.stop_repeating(id) => {
                self.tell(Event::Acknowledged { dialog, body: request.body.clone() });
            }
            (Some(_), Some(_)) => self.statistics.repetitions_in += 1,
            _ => self.statistics.stray_acks += 1,
        }
    }
}

/// 401 and 407.
pub(super) fn is_challenge(status: StatusCode) -> bool {
    matches!(status.0, 401 | 407)
}
