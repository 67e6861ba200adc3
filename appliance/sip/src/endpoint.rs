//! The endpoint: transactions, dialogs and the rules between them behind one face.

pub mod config;
pub mod event;
pub mod limits;
pub mod outgoing;
pub mod statistics;

use bytes::Bytes;

pub use config::Config;
pub use event::{ClientId, Event, ServerId};
pub use limits::Limits;
pub use outgoing::{Body, OutgoingRequest, Reply};
pub use statistics::{Counts, Statistics};

use crate::dialog::{Dialog, DialogId};
use crate::header::Reason;
use crate::{Deadline, Flow, Headers, Method, Time, Transmit};

/// Why a request cannot be sent within a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InDialogError {
    /// The dialog is over.
    #[error("the dialog is over")]
    NoSuchDialog,
    /// An INVITE is under way in the dialog, in either direction, or not yet acknowledged (RFC 3261 §14.1).
    #[error("an INVITE is under way in the dialog")]
    InvitePending,
}

/// A SIP user agent without sockets and clock.
///
/// Inputs are `handle_*`, `request*`, `respond`, `cancel`, `ack`. After each input the caller drains [`poll_transmit`](Endpoint::poll_transmit)
/// and [`poll_event`](Endpoint::poll_event), and calls [`handle_timeout`](Endpoint::handle_timeout) when [`poll_timeout`](Endpoint::poll_timeout) says so.
pub struct Endpoint {
    config: Config,
}

impl Endpoint {
    /// An endpoint that draws its tags, branches and keys from `seed`.
    pub fn new(config: Config, seed: [u8; 32]) -> Endpoint {
        let _ = seed;
        Endpoint { config }
    }

    /// Takes one whole message: a datagram, or a framed piece of a stream.
    pub fn handle_message(&mut self, now: Time, flow: Flow, datagram: &Bytes) {
        let _ = (now, flow, datagram);
    }

    /// A connection is gone or could not be opened: requests of ours under way on it fail with [`Failure::Transport`](crate::transaction::Failure::Transport).
    pub fn handle_closed(&mut self, now: Time, flow: &Flow) {
        let _ = (now, flow);
    }

    /// The moment named by [`poll_timeout`](Endpoint::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Time) {
        let _ = now;
    }

    /// The next message to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        None
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// When [`handle_timeout`](Endpoint::handle_timeout) is due next.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        None
    }

    /// Sends a request outside a dialog, or the INVITE that is to make one.
    pub fn request(&mut self, now: Time, outgoing: OutgoingRequest) -> ClientId {
        let _ = (now, outgoing);
        ClientId(0)
    }

    /// Gives up an INVITE of ours (RFC 3261 §9.1); waits for its first provisional answer if there is none yet. Without effect once it is answered.
    pub fn cancel(&mut self, now: Time, client: ClientId, reason: Option<Reason>) {
        let _ = (now, client, reason);
    }

    /// Answers a request. To an INVITE, 101–199 and 2xx make a dialog, or confirm it: its number is returned. Without effect on a request that has its final answer.
    pub fn respond(&mut self, now: Time, server: ServerId, reply: Reply) -> Option<DialogId> {
        let _ = (now, server, reply);
        None
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
        let _ = (now, dialog, method, headers, body);
        Err(InDialogError::NoSuchDialog)
    }

    /// Acknowledges the last 2xx to an INVITE of ours in the dialog; the endpoint repeats the ACK when the 2xx is repeated.
    pub fn ack(&mut self, now: Time, dialog: DialogId, body: Option<Body>) {
        let _ = (now, dialog, body);
    }

    /// The state of a dialog, until it ends: when its BYE is answered, when its INVITE fails, or by [`drop_dialog`](Endpoint::drop_dialog).
    pub fn dialog(&self, id: DialogId) -> Option<&Dialog> {
        let _ = id;
        None
    }

    /// Whether an INVITE is under way in the dialog, in either direction (RFC 3261 §14).
    pub fn invite_pending(&self, id: DialogId) -> bool {
        let _ = id;
        false
    }

    /// Sends later requests of the dialog along another flow: the phone has registered anew from elsewhere.
    pub fn set_dialog_flow(&mut self, id: DialogId, flow: Flow) {
        let _ = (id, flow);
    }

    /// Forgets a dialog without a word to the peer.
    pub fn drop_dialog(&mut self, id: DialogId) {
        let _ = id;
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The counters.
    pub fn statistics(&self) -> Statistics {
        Statistics::default()
    }

    /// How much is held now.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }

    /// Whether nothing is left: no transaction, no dialog, nothing to send or to tell.
    pub fn is_idle(&self) -> bool {
        true
    }
}
