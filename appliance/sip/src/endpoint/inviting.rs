//! INVITEs of ours beyond the transaction: forks, the dialogs they make, ACK to 2xx, CANCEL (RFC 3261 §9.1, §13.2).

use bytes::Bytes;
use smallvec::SmallVec;

use super::client::{Audience, Client, ClientKey, ClientMachine, NewClient};
use super::quick::tag;
use super::write::RequestParts;
use super::{Body, ClientId, Endpoint, Event, Owner};
use crate::dialog::{Beginning, Dialog, DialogId, Stage};
use crate::header::{Reason, TypedHeader};
use crate::message::HeaderName;
use crate::transaction::key::KeyKind;
use crate::transaction::{Failure, Fingerprint, Timer};
use crate::{Flow, Headers, Message, Method, Request, Response, Time};

/// What is kept of an INVITE of ours beside its transaction.
pub(super) struct Inviting {
    /// The dialogs it made, or for a re-INVITE the one it is in.
    pub(super) forks: SmallVec<[Fork; 1]>,
    /// What is known of its dialogs before an answer; `None` in a re-INVITE.
    prospect: Option<Box<Dialog>>,
    /// Whether it had a body: the offer.
    pub(super) offered: bool,
    pub(super) cancel: Cancel,
    /// When it last rang; `None` before the first provisional answer.
    pub(super) rang: Option<Time>,
    /// What its ACK must repeat (RFC 3261 §13.2.2.4).
    credentials: Headers,
    /// The user has been told that it failed.
    failed: bool,
}

/// One branch of a forked INVITE, by the tag of who answered.
pub(super) struct Fork {
    peer: Fingerprint,
    pub(super) dialog: DialogId,
    answered: bool,
    /// The ACK to its 2xx, sent again when that comes again.
    ack: Option<Bytes>,
}

/// How far giving up has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cancel {
    /// Not wanted.
    No,
    /// To be sent with the first provisional answer, with this Reason (RFC 3261 §9.1).
    Wanted(Headers),
    /// Sent.
    Sent,
}

impl Inviting {
    /// An INVITE, and whether it has a body.
    pub(super) fn new(headers: &Headers, offered: bool, prospect: Option<Dialog>) -> Box<Inviting> {
        let mut credentials = Headers::new();
        credentials.copy_all(&HeaderName::Authorization, headers);
        credentials.copy_all(&HeaderName::ProxyAuthorization, headers);
        Box::new(Inviting {
            forks: SmallVec::new(),
            prospect: prospect.map(Box::new),
            offered,
            cancel: Cancel::No,
            rang: None,
            credentials,
            failed: false,
        })
    }
}

impl Endpoint {
    /// An answer to an INVITE of ours that its transaction lets through.
    pub(super) fn deliver_to_invite(&mut self, now: Time, from: (ClientKey, Flow), response: Response) {
        let status = response.status;
        if status.is_provisional() {
            self.note_ringing(now, from.0);
            self.send_wanted_cancel(now, from.0);
            self.deliver_provisional(now, from, response);
        } else if status.is_success() {
            self.deliver_acceptance(from, response);
        } else {
            self.deliver_refusal(from, response);
        }
    }

    fn deliver_provisional(&mut self, now: Time, from: (ClientKey, Flow), response: Response) {
        let within = self.clients.get(&from.0).and_then(|client| client.dialog);
        let has_tag = tag(&response.headers, HeaderName::To).is_ok_and(|tag| tag.is_some());
        if response.status.0 == 100 || !has_tag {
            return self.tell_response(from, within, response);
        }
        let Some((dialog, _)) = self.fork_of(from, &response) else {
            self.statistics.dropped += 1;
            return;
        };
        if self.take_reliable(now, (from.0, dialog), &response) {
            self.tell_response(from, Some(dialog), response);
        }
    }

    fn deliver_acceptance(&mut self, from: (ClientKey, Flow), response: Response) {
        let Some((dialog, place)) = self.fork_of(from, &response) else {
            return self.handle_unusable_acceptance(from.0);
        };
        let Some(client) = self.clients.get_mut(&from.0) else { return };
        let Some(invite) = &mut client.invite else { return };
        let fork = &mut invite.forks[place];
        if fork.answered {
            if let Some(ack) = fork.ack.clone() {
                let flow = self.dialogs.get(&dialog).map_or(client.flow, |entry| entry.dialog.flow);
                self.statistics.repeated += 1;
                self.transmit(flow, ack);
            }
            return;
        }
        fork.answered = true;
        let cseq = client.cseq;
        let hops = self.config.limits.route_set;
        if let Some(entry) = self.dialogs.get_mut(&dialog) {
            entry.dialog.confirm(&response, hops);
            entry.inviting = Some((from.0, cseq));
        }
        self.tell_response(from, Some(dialog), response);
    }

    /// A 2xx no dialog can be made of, because it is unreadable or one too many. The user must hear of the first.
    fn handle_unusable_acceptance(&mut self, key: ClientKey) {
        self.statistics.dropped += 1;
        let Some(invite) = self.clients.get(&key).and_then(|client| client.invite.as_ref()) else { return };
        if !invite.failed && !invite.forks.iter().any(|fork| fork.answered) {
            self.end_early_dialogs(key);
            if let Some(invite) = self.clients.get_mut(&key).and_then(|client| client.invite.as_mut()) {
                invite.failed = true;
            }
            self.tell(Event::Failed { client: ClientId(key.token), failure: Failure::Overload });
        }
    }

    fn deliver_refusal(&mut self, from: (ClientKey, Flow), response: Response) {
        self.end_early_dialogs(from.0);
        let within = self.clients.get(&from.0).and_then(|client| client.dialog);
        self.spend_client(from.0);
        self.tell_response(from, within, response);
    }

    fn tell_response(&mut self, (key, flow): (ClientKey, Flow), dialog: Option<DialogId>, response: Response) {
        let dialog = dialog.filter(|id| self.dialogs.contains_key(id));
        self.tell(Event::Response { client: ClientId(key.token), dialog, flow, response: Box::new(response) });
    }

    /// The dialog of an answer and its place among the forks; a new one is made where the tag is new.
    fn fork_of(&mut self, (key, flow): (ClientKey, Flow), response: &Response) -> Option<(DialogId, usize)> {
        let tag = tag(&response.headers, HeaderName::To).ok()?.unwrap_or_default();
        let peer = self.secret.fingerprint(KeyKind::Fork, &[&tag]);
        let client = self.clients.get(&key)?;
        let invite = client.invite.as_ref()?;
        let place = invite.forks.iter().position(|fork| fork.peer == peer);
        if let Some(place) = place {
            let Fork { dialog, answered, .. } = invite.forks[place];
            // An early dialog that was ended meanwhile is made anew by its 2xx, so that it can be acknowledged and ended.
            if answered || self.dialogs.contains_key(&dialog) || response.status.is_provisional() {
                return Some((dialog, place));
            }
        }
        let within = client.dialog;
        let dialog = match within {
            Some(dialog) => dialog,
            None => self.make_fork(key, flow, response)?,
        };
        let fork = Fork { peer, dialog, answered: false, ack: None };
        let forks = &mut self.clients.get_mut(&key)?.invite.as_mut()?.forks;
        let place = place.unwrap_or(forks.len());
        if place == forks.len() {
            forks.push(fork);
        } else {
            forks[place] = fork;
        }
        Some((dialog, place))
    }

    fn make_fork(&mut self, key: ClientKey, flow: Flow, response: &Response) -> Option<DialogId> {
        let limits = self.config.limits;
        let id = self.new_dialog_id();
        let client = self.clients.get(&key)?;
        if client.invite.as_ref()?.forks.len() >= limits.forks || self.dialogs.len() >= limits.dialogs {
            return None;
        }
        let prospect = client.invite.as_ref()?.prospect.as_ref()?;
        let same_peer = client.flow.transport == flow.transport && client.flow.remote == flow.remote;
        let flow = if same_peer { flow } else { client.flow };
        let begin = Beginning { id, flow, hops: limits.route_set };
        let dialog = Dialog::for_caller(prospect, response, begin).ok()?;
        let cseq = client.cseq;
        self.add_dialog(dialog)?;
        if let Some(entry) = self.dialogs.get_mut(&begin.id) {
            entry.inviting = Some((key, cseq));
        }
        Some(begin.id)
    }

    /// Ends the dialogs of an INVITE that were not confirmed: it is over.
    pub(super) fn end_early_dialogs(&mut self, key: ClientKey) {
        let Some(client) = self.clients.get(&key) else { return };
        let Some(invite) = &client.invite else { return };
        if let Some(entry) = client.dialog.and_then(|id| self.dialogs.get_mut(&id)) {
            entry.inviting.take_if(|(inviting, _)| *inviting == key && invite.forks.iter().all(|fork| !fork.answered));
            return;
        }
        let early: SmallVec<[DialogId; 4]> =
            invite.forks.iter().filter(|fork| !fork.answered).map(|fork| fork.dialog).collect();
        for id in early {
            if self.dialogs.get(&id).is_some_and(|entry| entry.dialog.stage != Stage::Confirmed) {
                self.end_dialog(id);
            }
        }
    }

    pub(super) fn send_ack(&mut self, dialog: DialogId, body: Option<&Body>) {
        let branch = self.random.token();
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return };
        let Some((key, cseq)) = entry.inviting else { return };
        let state = &entry.dialog;
        // Unanswered, there is nothing to acknowledge; forgotten, it was answered.
        let mut invite = self.clients.get_mut(&key).and_then(|client| client.invite.as_mut());
        let is_answered = |fork: &Fork| fork.dialog == dialog && fork.answered;
        if invite.as_ref().is_some_and(|invite| !invite.forks.iter().any(is_answered)) {
            return;
        }
        let no_credentials = Headers::new();
        let headers = invite.as_ref().map_or(&no_credentials, |invite| &invite.credentials);
        let target = state.target();
        let ack = self.writer.request(&RequestParts {
            method: &Method::Ack,
            uri: &target.uri,
            flow: &state.flow,
            branch,
            max_forwards: 70,
            route: &target.route,
            from: (&state.local, Some(&state.local_tag)),
            to: (&state.remote, Some(&state.remote_tag).filter(|tag| !tag.is_empty())),
            call_id: &state.call_id,
            cseq,
            contact: None,
            headers,
            body,
        });
        let forks = invite.iter_mut().flat_map(|invite| &mut invite.forks);
        for fork in forks.filter(|fork| is_answered(fork)) {
            fork.ack = Some(ack.clone());
        }
        let flow = state.flow;
        entry.inviting = None;
        self.transmit(flow, ack);
        self.spend_acknowledged(key);
    }

    /// With its last 2xx acknowledged an INVITE of ours only waits for repetitions, and further forks.
    fn spend_acknowledged(&mut self, key: ClientKey) {
        let Some(client) = self.clients.get(&key) else { return };
        let Some(invite) = &client.invite else { return };
        if invite.forks.iter().all(|fork| !fork.answered || fork.ack.is_some()) {
            self.spend_client(key);
        }
    }

    pub(super) fn start_cancel(&mut self, now: Time, key: ClientKey, reason: Option<&Reason>) {
        let Some(client) = self.clients.get_mut(&key) else { return };
        let undecided = client.is_calling_invite() || client.is_proceeding_invite();
        let Some(invite) = client.invite.as_mut().filter(|invite| undecided && invite.cancel == Cancel::No) else {
            return;
        };
        let mut headers = Headers::new();
        if let Some(reason) = reason {
            headers.push(HeaderName::Reason, reason.to_bytes());
        }
        invite.cancel = Cancel::Wanted(headers);
        if client.is_proceeding_invite() {
            self.send_wanted_cancel(now, key);
        }
    }

    fn send_wanted_cancel(&mut self, now: Time, key: ClientKey) {
        let Some(client) = self.clients.get_mut(&key) else { return };
        let Some(invite) = &mut client.invite else { return };
        if !matches!(invite.cancel, Cancel::Wanted(_)) {
            return;
        }
        let Cancel::Wanted(headers) = std::mem::replace(&mut invite.cancel, Cancel::Sent) else { return };
        let (flow, cseq) = (client.flow, client.cseq);
        let Some(request) = read_invite(client) else { return };
        let to = request.headers.get(&HeaderName::To).map_or(&b""[..], |to| to);
        let bytes = self.writer.beside_invite(&Method::Cancel, &request, (to, &headers));
        let new = NewClient {
            key: ClientKey { cancel: true, ..key },
            flow,
            method: Method::Cancel,
            cseq,
            dialog: None,
            audience: Audience::Nobody,
            invite: None,
        };
        self.start_client(now, new, bytes);
        let wait = self.table(&flow).length(Timer::Cancelled);
        self.arm(now, (Timer::Cancelled, wait), Owner::Client(key));
    }

    fn note_ringing(&mut self, now: Time, key: ClientKey) {
        let ringing = self.config.ringing;
        let Some(invite) = self.clients.get_mut(&key).and_then(|client| client.invite.as_mut()) else { return };
        if invite.rang.replace(now).is_none() {
            self.arm(now, (Timer::C, ringing), Owner::Client(key));
        }
    }

    /// Timer C: cancels, unless it has rung again since, then waits once more.
    pub(super) fn handle_ringing_too_long(&mut self, now: Time, key: ClientKey) {
        let ringing = self.config.ringing;
        let Some(client) = self.clients.get(&key).filter(|client| client.is_proceeding_invite()) else { return };
        let rang = client.invite.as_ref().and_then(|invite| invite.rang).unwrap_or_default();
        if rang + ringing > now {
            return self.arm(now, (Timer::C, ringing), Owner::Client(key));
        }
        let reason = Reason::sip(408, "Request Timeout");
        self.start_cancel(now, key, Some(&reason));
    }

    /// No final answer in 64·T1 after CANCEL: the INVITE counts as cancelled (RFC 3261 §9.1).
    pub(super) fn handle_cancel_unanswered(&mut self, now: Time, key: ClientKey) {
        let Some(client) = self.clients.get_mut(&key).filter(|client| client.is_proceeding_invite()) else { return };
        let ClientMachine::Invite(machine) = &mut client.machine else { return };
        let actions = machine.fail(Failure::Timeout);
        self.perform_client(now, key, actions);
    }
}

/// The INVITE as we sent it.
fn read_invite(client: &Client) -> Option<Request> {
    match Message::parse(client.invite_bytes()?) {
        Ok(Message::Request(request)) => Some(request),
        _ => None,
    }
}
