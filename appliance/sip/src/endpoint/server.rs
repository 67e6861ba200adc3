//! Requests to us: their transactions, replies, and what the machines ask for.

use super::invited::{Invited, is_challenge};
use super::memory::give_back;
use super::write::{ReplyHead, ReplyParts};
use super::{Endpoint, Event, Owner, Reply, ServerId};
use crate::dialog::DialogId;
use crate::message::HeaderName;
use crate::transaction::{Action, Actions, Failure, Fingerprint, ServerInvite, ServerNonInvite, Timer, TimerTable};
use crate::{Flow, Method, Time};

/// A request to us.
pub(super) struct Server {
    pub(super) key: Fingerprint,
    /// Under what the same request by another path would be found (RFC 3261 §8.2.2.2).
    pub(super) merged: Option<Fingerprint>,
    pub(super) machine: ServerMachine,
    pub(super) flow: Flow,
    pub(super) method: Method,
    /// What replies begin with; emptied with the final one.
    pub(super) head: ReplyHead,
    /// The dialog it came in, or made.
    pub(super) dialog: Option<DialogId>,
    /// Through, and only waiting for repetitions.
    pub(super) spent: bool,
    pub(super) invite: Option<Box<Invited>>,
}

#[derive(Debug)]
pub(super) enum ServerMachine {
    Invite(ServerInvite),
    NonInvite(ServerNonInvite),
}

impl ServerMachine {
    pub(super) fn is_proceeding(&self) -> bool {
        match self {
            ServerMachine::Invite(machine) => machine.is_proceeding(),
            ServerMachine::NonInvite(machine) => machine.is_proceeding(),
        }
    }

    fn awaits(&self, timer: Timer) -> bool {
        match self {
            ServerMachine::Invite(machine) => machine.awaits(timer),
            ServerMachine::NonInvite(machine) => machine.awaits(timer),
        }
    }
}

impl Endpoint {
    /// Remembers a new request and tells the user.
    pub(super) fn add_server(&mut self, now: Time, server: Server) -> ServerId {
        self.last_server += 1;
        let id = ServerId(self.last_server);
        self.server_keys.insert(server.key, id);
        if let Some(merged) = server.merged {
            self.merged.insert(merged, id);
        }
        let is_invite = server.invite.is_some();
        let table = self.table(&server.flow);
        self.servers.insert(id, server);
        if is_invite {
            let (machine, actions) = ServerInvite::start(&table);
            if let Some(server) = self.servers.get_mut(&id) {
                server.machine = ServerMachine::Invite(machine);
            }
            self.perform_server(now, id, actions);
        }
        id
    }

    /// A request has come again, perhaps by a new way behind a NAT: it is answered from memory.
    pub(super) fn handle_repetition(&mut self, now: Time, flow: Flow, id: ServerId) {
        self.statistics.repetitions_in += 1;
        let Some(server) = self.servers.get_mut(&id) else { return };
        server.flow = flow;
        let actions = match &server.machine {
            ServerMachine::Invite(machine) => machine.handle_request(),
            ServerMachine::NonInvite(machine) => machine.handle_request(),
        };
        self.perform_server(now, id, actions);
    }

    /// The user answers.
    pub(super) fn reply(&mut self, now: Time, id: ServerId, reply: Reply) -> Option<DialogId> {
        let server = self.servers.get(&id).filter(|server| server.machine.is_proceeding())?;
        if server.invite.is_some() {
            return self.respond_to_invite(now, id, reply);
        }
        let method = server.method.clone();
        let dialog = server.dialog;
        self.respond_plainly(now, id, &reply);
        if reply.status.is_final() && !is_challenge(reply.status) && method == Method::Bye {
            self.end_dialog(dialog?);
            return None;
        }
        dialog
    }

    fn respond_plainly(&mut self, now: Time, id: ServerId, reply: &Reply) {
        let Some(server) = self.servers.get(&id) else { return };
        let refreshes = server.method == Method::Update && reply.status.is_success();
        let ours = server.dialog.filter(|_| refreshes).and_then(|dialog| self.dialogs.get(&dialog));
        let contact = reply.contact.as_ref().or(ours.map(|entry| &entry.dialog.local_target));
        let asked = server.method == Method::Options && reply.status.is_success();
        let bytes = self.writer.reply(
            &server.head,
            &ReplyParts {
                status: reply.status.0,
                reason: reply.reason,
                contact: contact.filter(|_| !reply.headers.contains(&HeaderName::Contact)),
                abilities: asked || reply.status.0 == 405,
                headers: Some(&reply.headers),
                body: reply.body.as_ref(),
                ..ReplyParts::default()
            },
        );
        if is_challenge(reply.status) {
            return self.challenge(id, bytes);
        }
        let table = self.table(&server.flow);
        let Some(server) = self.servers.get_mut(&id) else { return };
        let ServerMachine::NonInvite(machine) = &mut server.machine else { return };
        let actions = machine.handle_reply(reply.status, bytes, &table);
        self.perform_server(now, id, actions);
        if reply.status.is_final() {
            self.spend_server(id);
        }
    }

    pub(super) fn perform_server(&mut self, now: Time, id: ServerId, actions: Actions) {
        for action in actions {
            match action {
                Action::Send(bytes) => {
                    if let Some(server) = self.servers.get(&id) {
                        let flow = server.flow;
                        self.transmit(flow, bytes);
                    }
                }
                Action::Arm(timer, length) => self.arm(now, (timer, length), Owner::Server(id)),
                // The ACK to a refusal did not come; the user has no interest in it.
                Action::Fail(Failure::Timeout) => self.statistics.timeouts += 1,
                Action::Fail(_) | Action::Deliver => {}
                Action::Finish => self.remove_server(id),
            }
        }
    }

    pub(super) fn remove_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.remove(&id) else { return };
        self.server_keys.remove(&server.key);
        if server.spent {
            self.spent.live -= 1;
            self.spent_servers -= 1;
        }
        if let Some(merged) = server.merged {
            self.merged.remove(&merged);
        }
        if server.invite.is_some()
            && let Some(entry) = server.dialog.and_then(|dialog| self.dialogs.get_mut(&dialog))
        {
            entry.invited.take_if(|invited| *invited == id);
        }
        give_back(&mut self.servers);
        give_back(&mut self.server_keys);
        give_back(&mut self.merged);
    }

    /// Notes that a transaction is through, and drops what only replies needed. A non-INVITE request is looked for among other paths no
    /// more; an INVITE is, as another copy of it would make another phone ring.
    pub(super) fn spend_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.get_mut(&id).filter(|server| !server.spent) else { return };
        server.spent = true;
        server.head = ReplyHead::default();
        if server.invite.is_none()
            && let Some(merged) = server.merged.take()
        {
            self.merged.remove(&merged);
        }
        self.spent_servers += 1;
        self.add_spent(Owner::Server(id));
    }

    pub(super) fn handle_server_timer(&mut self, now: Time, timer: Timer, id: ServerId) {
        match timer {
            Timer::Answer => return self.repeat_answer(now, id),
            Timer::Trying => return self.send_trying(now, id),
            _ => {}
        }
        let Some(server) = self.servers.get_mut(&id).filter(|server| server.machine.awaits(timer)) else { return };
        let unacknowledged = server.invite.as_ref().is_some_and(|invite| timer == Timer::L && invite.is_repeating());
        let dialog = server.dialog.filter(|_| unacknowledged);
        let table = TimerTable::new(self.config.timings, server.flow.transport.is_reliable());
        let actions = match &mut server.machine {
            ServerMachine::Invite(machine) => machine.handle_timer(timer, &table),
            ServerMachine::NonInvite(machine) => machine.handle_timer(timer),
        };
        self.statistics.repeated += u64::from(timer == Timer::G);
        self.perform_server(now, id, actions);
        if let Some(dialog) = dialog.filter(|dialog| self.dialogs.contains_key(dialog)) {
            self.tell(Event::Unacknowledged { dialog });
        }
    }

    pub(super) fn server_awaits(&self, timer: Timer, id: ServerId) -> bool {
        self.servers.get(&id).is_some_and(|server| match timer {
            Timer::Answer => server.invite.as_ref().is_some_and(|invite| invite.is_repeating()),
            _ => server.machine.awaits(timer),
        })
    }
}
