//! Requests of ours: their transactions, and what the machines ask for.

use bytes::Bytes;

use super::inviting::Inviting;
use super::memory::give_back;
use super::random::{read_hex, write_hex};
use super::{ClientId, Endpoint, Event, Owner};
use crate::dialog::DialogId;
use crate::header::{CSeq, Via};
use crate::message::HeaderName;
use crate::transaction::key::MAGIC_COOKIE;
use crate::transaction::{Action, Actions, ClientInvite, ClientNonInvite, Failure, Timer, TimerTable};
use crate::{Flow, Method, Response, StatusCode, Time};

/// The name of a client transaction. Its token is the random part of the branch, so that only who has seen the request can answer it; a
/// CANCEL shares the branch of its INVITE (RFC 3261 §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ClientKey {
    pub(super) token: u64,
    pub(super) cancel: bool,
}

/// A request of ours.
pub(super) struct Client {
    pub(super) machine: ClientMachine,
    pub(super) flow: Flow,
    pub(super) method: Method,
    pub(super) cseq: u32,
    /// The dialog it was sent within.
    pub(super) dialog: Option<DialogId>,
    /// Who wants to know how it goes.
    pub(super) audience: Audience,
    /// Through, and only waiting for repetitions.
    pub(super) spent: bool,
    pub(super) invite: Option<Box<Inviting>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// The user asked for it.
    User,
    /// The endpoint sent it by itself: CANCEL, and most PRACKs.
    Nobody,
}

#[allow(clippy::large_enum_variant)]
pub(super) enum ClientMachine {
    Invite(ClientInvite),
    NonInvite(ClientNonInvite),
}

impl ClientMachine {
    fn awaits(&self, timer: Timer) -> bool {
        match self {
            ClientMachine::Invite(machine) => machine.awaits(timer),
            ClientMachine::NonInvite(machine) => machine.awaits(timer),
        }
    }
}

/// A request ready to be sent.
pub(super) struct NewClient {
    pub(super) key: ClientKey,
    pub(super) flow: Flow,
    pub(super) method: Method,
    pub(super) cseq: u32,
    pub(super) dialog: Option<DialogId>,
    pub(super) audience: Audience,
    pub(super) invite: Option<Box<Inviting>>,
}

impl Endpoint {
    /// A key no transaction has.
    pub(super) fn new_client_key(&mut self) -> ClientKey {
        loop {
            let key = ClientKey { token: self.random.token(), cancel: false };
            if !self.clients.contains_key(&key) {
                return key;
            }
        }
    }

    /// Sends a request and remembers it.
    pub(super) fn start_client(&mut self, now: Time, new: NewClient, request: Bytes) {
        let key = new.key;
        if self.clients.len() - self.spent_clients >= self.config.limits.client_transactions && !key.cancel {
            self.statistics.overload += 1;
            return self.fail_unsent(new);
        }
        let table = self.table(&new.flow);
        let (machine, actions) = if new.method == Method::Invite {
            let (machine, actions) = ClientInvite::start(request, &table);
            (ClientMachine::Invite(machine), actions)
        } else {
            let (machine, actions) = ClientNonInvite::start(request, &table);
            (ClientMachine::NonInvite(machine), actions)
        };
        let NewClient { flow, method, cseq, dialog, audience, invite, .. } = new;
        self.use_stream(&flow, Owner::Client(key));
        self.clients.insert(key, Client { machine, flow, method, cseq, dialog, audience, spent: false, invite });
        self.perform_client(now, key, actions);
    }

    fn fail_unsent(&mut self, new: NewClient) {
        if let Some(entry) = new.dialog.and_then(|dialog| self.dialogs.get_mut(&dialog)) {
            entry.inviting.take_if(|(key, _)| *key == new.key);
        }
        if new.method == Method::Bye
            && let Some(dialog) = new.dialog
        {
            self.end_dialog(dialog);
        }
        if new.audience == Audience::User {
            self.tell(Event::Failed { client: ClientId(new.key.token), failure: Failure::Overload });
        }
    }

    pub(super) fn table(&self, flow: &Flow) -> TimerTable {
        TimerTable::new(self.config.timings, flow.transport.is_reliable())
    }

    /// A response has come: finds its transaction by branch and CSeq (RFC 3261 §17.1.3).
    pub(super) fn handle_response(&mut self, now: Time, flow: Flow, response: Response) {
        self.statistics.responses_in += 1;
        let Some(key) = self.response_key(&response) else {
            self.statistics.stray_responses += 1;
            return;
        };
        self.learn_connection(key, &flow);
        let Some(client) = self.clients.get_mut(&key) else { return };
        let table = TimerTable::new(self.config.timings, client.flow.transport.is_reliable());
        let status = response.status;
        let actions = match &mut client.machine {
            ClientMachine::NonInvite(machine) => machine.handle_response(status, &table),
            ClientMachine::Invite(machine) => {
                let writer = &mut self.writer;
                machine.handle_response(status, &table, |invite| writer.refusal_ack(invite, &response))
            }
        };
        let mut response = Some(response);
        for action in actions {
            match (action, response.take()) {
                (Action::Deliver, Some(response)) => self.deliver(now, (key, flow), response),
                (action, kept) => {
                    response = kept;
                    self.perform_client(now, key, Actions::from_iter([action]));
                }
            }
        }
    }

    fn response_key(&self, response: &Response) -> Option<ClientKey> {
        let headers = &response.headers;
        let mut vias = headers.get_all(&HeaderName::Via);
        vias.next()?;
        // More than one Via: it was meant for somebody else (RFC 3261 §8.1.3.3).
        if vias.next().is_some() || !(100..700).contains(&response.status.0) {
            return None;
        }
        let via: Via = headers.typed().ok()?;
        let branch = via.branch?;
        let token = read_hex(branch.strip_prefix(MAGIC_COOKIE)?)?;
        let cseq: CSeq = headers.typed().ok()?;
        let key = ClientKey { token, cancel: cseq.method == Method::Cancel };
        let client = self.clients.get(&key)?;
        (client.method == cseq.method && client.cseq == cseq.number).then_some(key)
    }

    /// The connection the daemon opened for a request is known by its first answer.
    fn learn_connection(&mut self, key: ClientKey, flow: &Flow) {
        let Some(client) = self.clients.get_mut(&key) else { return };
        let learns = |known: &Flow| {
            known.connection.is_none() && known.transport == flow.transport && known.remote == flow.remote
        };
        if learns(&client.flow) {
            client.flow.connection = flow.connection;
        }
        if let Some(entry) = client.dialog.and_then(|dialog| self.dialogs.get_mut(&dialog))
            && learns(&entry.dialog.flow)
        {
            entry.dialog.flow.connection = flow.connection;
        }
    }

    fn deliver(&mut self, now: Time, from: (ClientKey, Flow), response: Response) {
        match self.clients.get(&from.0) {
            Some(client) if client.invite.is_some() => self.deliver_to_invite(now, from, response),
            Some(_) => self.deliver_to_non_invite(now, from, response),
            None => {}
        }
    }

    fn deliver_to_non_invite(&mut self, now: Time, (key, flow): (ClientKey, Flow), response: Response) {
        let Some(client) = self.clients.get(&key) else { return };
        let (dialog, audience) = (client.dialog, client.audience);
        let method = client.method.clone();
        if response.status.is_final() {
            self.spend_client(key);
        }
        if let Some(id) = dialog.filter(|_| response.status.is_final()) {
            match method {
                Method::Bye => self.handle_bye_answered(now, id, response.status),
                Method::Update if response.status.is_success() => {
                    if let Some(entry) = self.dialogs.get_mut(&id) {
                        entry.dialog.refresh_target(&response.headers);
                    }
                }
                _ => {}
            }
        }
        if audience == Audience::User {
            let (client, response) = (ClientId(key.token), Box::new(response));
            self.tell(Event::Response { client, dialog, flow, response });
        }
    }

    /// A challenged BYE may be tried again with credentials; anything else ends the dialog (RFC 3261 §15.1.1).
    fn handle_bye_answered(&mut self, now: Time, id: DialogId, status: StatusCode) {
        if matches!(status.0, 401 | 407) {
            let wait = self.table_of_dialog(id).length(Timer::Ending);
            self.arm(now, (Timer::Ending, wait), Owner::Dialog(id));
        } else {
            self.end_dialog(id);
        }
    }

    /// Does what a client machine asks for.
    pub(super) fn perform_client(&mut self, now: Time, key: ClientKey, actions: Actions) {
        for action in actions {
            match action {
                Action::Send(bytes) => {
                    if let Some(client) = self.clients.get(&key) {
                        let flow = client.flow;
                        self.transmit(flow, bytes);
                    }
                }
                Action::Arm(timer, length) => self.arm(now, (timer, length), Owner::Client(key)),
                Action::Fail(failure) => self.handle_client_failed(key, failure),
                Action::Finish => self.finish_client(key),
                // Only a response is delivered, by `handle_response` itself.
                Action::Deliver => {}
            }
        }
    }

    fn handle_client_failed(&mut self, key: ClientKey, failure: Failure) {
        match failure {
            Failure::Timeout => self.statistics.timeouts += 1,
            Failure::Transport => self.statistics.transport_failures += 1,
            Failure::Overload => self.statistics.overload += 1,
        }
        let Some(client) = self.clients.get(&key) else { return };
        let (audience, dialog, bye) = (client.audience, client.dialog, client.method == Method::Bye);
        if let Some(id) = dialog.filter(|_| bye) {
            self.end_dialog(id);
        }
        self.end_early_dialogs(key);
        if audience == Audience::User {
            self.tell(Event::Failed { client: ClientId(key.token), failure });
        }
    }

    /// The machine is terminated: dialogs that were never confirmed go with it (RFC 3261 §13.2.2.4).
    fn finish_client(&mut self, key: ClientKey) {
        self.end_early_dialogs(key);
        self.remove_client(key);
    }

    pub(super) fn remove_client(&mut self, key: ClientKey) {
        let Some(client) = self.clients.remove(&key) else { return };
        if client.spent {
            self.spent.live -= 1;
            self.spent_clients -= 1;
        }
        self.leave_stream(&client.flow, Owner::Client(key));
        give_back(&mut self.clients);
    }

    /// Notes that a transaction has nothing more to tell.
    pub(super) fn spend_client(&mut self, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(&key)
            && !client.spent
        {
            client.spent = true;
            self.spent_clients += 1;
            self.add_spent(Owner::Client(key));
        }
    }

    pub(super) fn handle_client_timer(&mut self, now: Time, timer: Timer, key: ClientKey) {
        match timer {
            Timer::C => return self.handle_ringing_too_long(now, key),
            Timer::Cancelled => return self.handle_cancel_unanswered(now, key),
            _ => {}
        }
        let Some(client) = self.clients.get_mut(&key) else { return };
        if !client.machine.awaits(timer) {
            return;
        }
        let table = TimerTable::new(self.config.timings, client.flow.transport.is_reliable());
        let actions = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.handle_timer(timer),
            ClientMachine::NonInvite(machine) => machine.handle_timer(timer, &table),
        };
        self.statistics.repeated += u64::from(matches!(timer, Timer::A | Timer::E));
        self.perform_client(now, key, actions);
    }

    pub(super) fn handle_client_transport_error(&mut self, now: Time, key: ClientKey) {
        let Some(client) = self.clients.get_mut(&key) else { return };
        let actions = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.handle_transport_error(),
            ClientMachine::NonInvite(machine) => machine.handle_transport_error(),
        };
        self.perform_client(now, key, actions);
    }

    pub(super) fn client_awaits(&self, timer: Timer, key: ClientKey) -> bool {
        self.clients.get(&key).is_some_and(|client| match timer {
            Timer::C | Timer::Cancelled => client.is_proceeding_invite(),
            _ => client.machine.awaits(timer),
        })
    }
}

impl Client {
    /// Whether it is an INVITE that is neither accepted nor refused, but known to somebody.
    pub(super) fn is_proceeding_invite(&self) -> bool {
        matches!(&self.machine, ClientMachine::Invite(ClientInvite::Proceeding(_)))
    }

    /// Whether it is an INVITE nobody has answered at all.
    pub(super) fn is_calling_invite(&self) -> bool {
        matches!(&self.machine, ClientMachine::Invite(ClientInvite::Calling(_)))
    }

    /// The INVITE as it was sent, while something may be made from it.
    pub(super) fn invite_bytes(&self) -> Option<&Bytes> {
        match &self.machine {
            ClientMachine::Invite(machine) => machine.request(),
            ClientMachine::NonInvite(_) => None,
        }
    }
}

/// Appends the branch of a client transaction (RFC 3261 §8.1.1.7).
pub(super) fn write_branch(token: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC_COOKIE);
    write_hex(token, out);
}
