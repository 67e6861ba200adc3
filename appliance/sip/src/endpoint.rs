//! The endpoint: transactions, dialogs and the rules between them behind one face.
//!
//! A message takes this way: `receive` reads it and finds its transaction; `admit` lets a new request in or refuses it; `server` and
//! `client` own the transactions and do what their machines ask for; `invited` and `inviting` are what INVITE has beyond that, `reliable`
//! is RFC 3262; `dialogs` holds the dialogs. Everything the endpoint writes is written in `write`.
//!
//! Deliberate deviations, each with its reason:
//! - A request longer than 1,300 bytes stays on UDP (RFC 3261 §18.1.1 would have it moved to TCP): phones behind NATs are not reachable over TCP.
//! - A response goes back along the flow of its request whatever Via says: `rport` counts as asked for (RFC 3581).
//! - CANCEL, and requests refused by the endpoint itself, have no server transaction: repeated, they are answered anew with the same reply.
//! - A challenge (401, 407) is sent statelessly (RFC 3261 §8.2.7 recommends it): it is not repeated, and a repeated request is told again.
//! - Max-Forwards 0 is refused with 483 although we are no proxy: what comes in is passed on. REGISTER is not, and is let in.
//! - A merged request (482) is looked for as long as its twin is unanswered, for INVITE as long as its transaction lives; REGISTER is not looked for.

mod admit;
mod client;
pub mod config;
mod dialogs;
pub mod event;
mod invited;
mod inviting;
pub mod limits;
mod memory;
pub mod outgoing;
mod quick;
mod random;
mod receive;
mod reliable;
mod server;
pub mod statistics;
mod streams;
mod write;

use std::collections::VecDeque;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

pub use config::Config;
pub use event::{ClientId, Event, ServerId};
pub use limits::Limits;
pub use outgoing::{Body, OutgoingRequest, Reply};
pub use statistics::{Counts, Statistics};

use crate::dialog::{self, Dialog, DialogId, Role, Stage};
use crate::header::Reason;
use crate::message::Text;
use crate::transaction::{Fingerprint, KeySecret, Timer, TimerQueue};
use crate::{Deadline, Flow, Headers, Method, Reached, Time, Transmit};
use client::{Audience, Client, ClientKey, NewClient};
use dialogs::{DialogEntry, Within};
use inviting::Inviting;
use memory::{Spent, give_back_queue};
use random::Random;
use server::Server;
use write::{RequestParts, Writer, contact_of};

/// Why a request cannot be sent within a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InDialogError {
    /// The dialog is over, or ending.
    #[error("the dialog is over")]
    NoSuchDialog,
    /// An INVITE is under way in the dialog, in either direction, or not yet acknowledged (RFC 3261 §14.1).
    #[error("an INVITE is under way in the dialog")]
    InvitePending,
}

/// Whose timer it is, who uses a connection, what is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Client(ClientKey),
    Server(ServerId),
    /// A reliable provisional reply, by its RSeq.
    Provisional(ServerId, u32),
    Dialog(DialogId),
}

/// A SIP user agent without sockets and clock.
///
/// Inputs are `handle_*`, `request*`, `respond`, `cancel`, `ack`. After each input the caller drains [`poll_transmit`](Endpoint::poll_transmit)
/// and [`poll_event`](Endpoint::poll_event), and calls [`handle_timeout`](Endpoint::handle_timeout) when [`poll_timeout`](Endpoint::poll_timeout) says so.
pub struct Endpoint {
    config: Config,
    /// The time of the last input.
    now: Time,
    random: Random,
    secret: KeySecret,
    writer: Writer,
    // Names drawn by us and fingerprints keyed with our secret need no hasher that withstands chosen keys.
    clients: FxHashMap<ClientKey, Client>,
    servers: FxHashMap<ServerId, Server>,
    server_keys: FxHashMap<Fingerprint, ServerId>,
    merged: FxHashMap<Fingerprint, ServerId>,
    dialogs: FxHashMap<DialogId, DialogEntry>,
    dialog_keys: FxHashMap<Fingerprint, DialogId>,
    streams: FxHashMap<Fingerprint, SmallVec<[Owner; 2]>>,
    last_server: u64,
    last_dialog: u64,
    spent: Spent,
    spent_clients: usize,
    spent_servers: usize,
    timers: TimerQueue<Owner>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    statistics: Statistics,
}

impl Endpoint {
    /// An endpoint that draws its tags, branches and keys from `seed`.
    pub fn new(config: Config, seed: [u8; 32]) -> Endpoint {
        let mut random = Random::new(seed);
        let secret = KeySecret::new(random.secret());
        let writer = Writer::new(&config);
        Endpoint {
            config,
            now: Time::ZERO,
            random,
            secret,
            writer,
            clients: FxHashMap::default(),
            servers: FxHashMap::default(),
            server_keys: FxHashMap::default(),
            merged: FxHashMap::default(),
            dialogs: FxHashMap::default(),
            dialog_keys: FxHashMap::default(),
            streams: FxHashMap::default(),
            last_server: 0,
            last_dialog: 0,
            spent: Spent::default(),
            spent_clients: 0,
            spent_servers: 0,
            timers: TimerQueue::default(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            statistics: Statistics::default(),
        }
    }

    /// Takes one whole message: a datagram, or a framed piece of a stream.
    pub fn handle_message(&mut self, now: Time, flow: Flow, datagram: &Bytes) {
        self.now = now;
        self.receive(now, flow, datagram);
        self.sweep_timers();
    }

    /// A connection is gone or could not be opened: requests of ours under way on it fail with [`Failure::Transport`](crate::transaction::Failure::Transport).
    pub fn handle_closed(&mut self, now: Time, flow: &Flow) {
        self.now = now;
        self.close_stream(now, flow);
    }

    /// The moment named by [`poll_timeout`](Endpoint::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        while let Some((timer, owner)) = self.timers.pop_due(now) {
            match owner {
                Owner::Client(key) => self.handle_client_timer(now, timer, key),
                Owner::Server(id) => self.handle_server_timer(now, timer, id),
                Owner::Provisional(id, rseq) => self.handle_provisional_timer(now, timer, (id, rseq)),
                Owner::Dialog(id) => self.handle_dialog_timer(timer, id),
            }
        }
        self.sweep_timers();
    }

    /// The next message to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.transmits.pop_front();
        match transmit {
            Some(_) => self.statistics.sent += 1,
            None => give_back_queue(&mut self.transmits),
        }
        transmit
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() {
            give_back_queue(&mut self.events);
        }
        event
    }

    /// When [`handle_timeout`](Endpoint::handle_timeout) is due next.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.timers.deadline()
    }

    /// Sends a request outside a dialog, or the INVITE that is to make one.
    pub fn request(&mut self, now: Time, outgoing: OutgoingRequest) -> ClientId {
        self.now = now;
        let OutgoingRequest { method, uri, flow, from, to, headers, body, .. } = &outgoing;
        let key = self.new_client_key();
        let mut prospect = self.prospect(&outgoing);
        let is_invite = *method == Method::Invite;
        if outgoing.contact.is_none() && is_invite {
            prospect.local_target = self.writer.own_contact(flow);
        }
        let target = dialog::target(&outgoing.route, uri);
        let cseq = prospect.local_cseq;
        let request = self.writer.request(&RequestParts {
            method,
            uri: &target.uri,
            flow,
            branch: key.token,
            max_forwards: outgoing.max_forwards,
            route: &target.route,
            from: (from, Some(&prospect.local_tag)),
            to: (to, None),
            call_id: &prospect.call_id,
            cseq,
            contact: Some(&prospect.local_target).filter(|_| is_invite || outgoing.contact.is_some()),
            headers,
            body: body.as_ref(),
        });
        let offered = body.is_some();
        let invite = is_invite.then(|| Inviting::new(headers, offered, Some(prospect)));
        let (flow, method, audience) = (*flow, method.clone(), Audience::User);
        self.start_client(now, NewClient { key, flow, method, cseq, dialog: None, audience, invite }, request);
        ClientId(key.token)
    }

    /// What is known of the dialogs a request of ours may make.
    fn prospect(&mut self, outgoing: &OutgoingRequest) -> Dialog {
        let OutgoingRequest { uri, flow, from, from_tag, to, call_id, cseq, contact, .. } = outgoing;
        Dialog {
            id: DialogId(0),
            stage: Stage::Early,
            role: Role::Caller,
            call_id: call_id.clone().unwrap_or_else(|| self.random.call_id()),
            local_tag: from_tag.clone().unwrap_or_else(|| self.random.tag()),
            remote_tag: Text::default(),
            local: from.clone(),
            remote: to.clone(),
            local_cseq: cseq.unwrap_or(1),
            remote_cseq: None,
            route_set: Vec::new(),
            remote_target: uri.clone(),
            local_target: contact.as_ref().unwrap_or(uri).clone(),
            flow: *flow,
        }
    }

    /// Gives up an INVITE of ours (RFC 3261 §9.1); waits for its first provisional answer if there is none yet. Without effect once it is answered.
    pub fn cancel(&mut self, now: Time, client: ClientId, reason: Option<Reason>) {
        self.now = now;
        self.start_cancel(now, ClientKey { token: client.0, cancel: false }, reason.as_ref());
    }

    /// Answers a request. To an INVITE, 101–199 and 2xx make a dialog, or confirm it: its number is returned. Without effect on a request that has its final answer.
    pub fn respond(&mut self, now: Time, server: ServerId, reply: Reply) -> Option<DialogId> {
        self.now = now;
        self.reply(now, server, reply)
    }

    /// Forgets a request without a word: whoever sent it shall not learn that we are here. Repeated, it is told again.
    pub fn ignore(&mut self, server: ServerId) {
        let unanswered = self.servers.get(&server).filter(|server| server.machine.is_proceeding());
        let Some(dialog) = unanswered.map(|server| server.dialog) else { return };
        self.end_unconfirmed(server, dialog);
        self.remove_server(server);
    }

    /// The dialog with this Call-ID and (local, remote) tags, as Replaces (RFC 3891) and Join name one.
    pub fn named_dialog(&self, call_id: &[u8], tags: (&[u8], &[u8])) -> Option<DialogId> {
        self.find_dialog(call_id, tags)
    }

    /// Sends a request within a dialog: re-INVITE, UPDATE, INFO, BYE, PRACK … A PRACK without RAck in `headers` acknowledges the last reliable answer.
    /// After BYE the dialog is ending; it is gone when the BYE is answered.
    pub fn request_in_dialog(
        &mut self,
        now: Time,
        dialog: DialogId,
        method: Method,
        headers: Headers,
        body: Option<Body>,
    ) -> Result<ClientId, InDialogError> {
        self.now = now;
        let within = Within { method, headers: &headers, body: body.as_ref(), audience: Audience::User };
        self.send_in_dialog(now, dialog, within)
    }

    /// Acknowledges the last 2xx to an INVITE of ours in the dialog; the endpoint repeats the ACK when the 2xx is repeated.
    pub fn ack(&mut self, now: Time, dialog: DialogId, body: Option<Body>) {
        self.now = now;
        self.send_ack(dialog, body.as_ref());
    }

    /// The state of a dialog, until it ends: when its BYE is answered, when its INVITE fails, or by [`drop_dialog`](Endpoint::drop_dialog).
    pub fn dialog(&self, id: DialogId) -> Option<&Dialog> {
        self.dialogs.get(&id).map(|entry| &entry.dialog)
    }

    /// Whether an INVITE is under way in the dialog, in either direction (RFC 3261 §14).
    pub fn invite_pending(&self, id: DialogId) -> bool {
        self.has_invite_pending(id)
    }

    /// Sends later requests of the dialog along another flow: the phone has registered anew from elsewhere.
    pub fn set_dialog_flow(&mut self, id: DialogId, flow: Flow) {
        self.move_dialog(id, flow);
    }

    /// Where peers reach us.
    pub fn reached(&self) -> &Reached {
        self.writer.reached()
    }

    /// Peers reach us elsewhere from now on. What comes next in dialogs, re-INVITEs above all, says so.
    pub fn set_reached(&mut self, reached: Reached) {
        let old = self.writer.set_reached(reached);
        for entry in self.dialogs.values_mut() {
            let flow = entry.dialog.flow;
            // Whoever was given a Contact by the user keeps it.
            if entry.dialog.local_target == contact_of(flow.transport, old.at(&flow)) {
                entry.dialog.local_target = self.writer.own_contact(&flow);
            }
        }
    }

    /// Takes up a dialog that was written down, under a new number; `None` if one with the same Call-ID and tags is there.
    pub fn adopt_dialog(&mut self, dialog: Dialog) -> Option<DialogId> {
        let id = self.new_dialog_id();
        self.add_dialog(Dialog { id, ..dialog })
    }

    /// Forgets a dialog without a word to the peer.
    pub fn drop_dialog(&mut self, id: DialogId) {
        self.end_dialog(id);
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The counters.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// How much is held now.
    pub fn counts(&self) -> Counts {
        Counts {
            clients: self.clients.len(),
            servers: self.servers.len(),
            spent: self.spent.live,
            dialogs: self.dialogs.len(),
            timers: self.timers.len(),
        }
    }

    /// Whether nothing is left: no transaction, no dialog, nothing to send or to tell.
    pub fn is_idle(&self) -> bool {
        let maps = self.clients.is_empty() && self.servers.is_empty() && self.dialogs.is_empty();
        let keys = self.server_keys.is_empty() && self.merged.is_empty() && self.dialog_keys.is_empty();
        let queues = self.transmits.is_empty() && self.events.is_empty() && self.spent.live == 0;
        maps && keys && queues && self.streams.is_empty()
    }

    fn transmit(&mut self, flow: Flow, bytes: Bytes) {
        if !bytes.is_empty() {
            self.transmits.push_back(Transmit { flow, bytes });
        }
    }

    fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Whether a timer still means something to its owner.
    fn awaits(&self, timer: Timer, owner: Owner) -> bool {
        match owner {
            Owner::Client(key) => self.client_awaits(timer, key),
            Owner::Server(id) => self.server_awaits(timer, id),
            Owner::Provisional(id, rseq) => self.provisional_awaits((id, rseq)),
            Owner::Dialog(id) => self.dialogs.contains_key(&id),
        }
    }
}
