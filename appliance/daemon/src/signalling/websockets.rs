//! SIP by WebSocket: the HTTP threads carry it, and here it meets the exchange.

use bytes::Bytes;
use rustc_hash::FxHashMap;
use sip::transport::ConnectionId;
use sip::{Flow, Transmit};
use tokio::sync::OwnedSemaphorePermit;

use super::inbox::{Arrival, Inbox};
use crate::sip_sockets::Counters;

/// What the HTTP threads report, of each socket in order.
#[derive(Debug)]
pub enum Report {
    /// A browser has opened one; what it is to be sent goes in here.
    Opened(Flow, api::sip_socket::Sender),
    /// It has sent a message, whose place is free once this is dropped.
    Heard(Flow, Bytes, OwnedSemaphorePermit),
    /// It speaks for these extensions.
    Vouched(Flow, Vec<String>),
    /// It is gone.
    Closed(Flow),
}

/// The sockets that are open.
#[derive(Debug, Default)]
pub struct Websockets {
    by_id: FxHashMap<ConnectionId, api::sip_socket::Sender>,
}

impl Websockets {
    /// Takes up a socket.
    pub fn open(&mut self, flow: Flow, sender: api::sip_socket::Sender) {
        if let Some(id) = flow.connection {
            self.by_id.insert(id, sender);
        }
    }

    /// Whether a socket is there still: what is behind in the queue may come from one that was let go.
    pub fn is_open(&self, flow: &Flow) -> bool {
        flow.connection.is_some_and(|id| self.by_id.contains_key(&id))
    }

    /// Forgets a socket; whether it was there still.
    pub fn close(&mut self, flow: &Flow) -> bool {
        let closed = flow.connection.and_then(|id| self.by_id.remove(&id)).is_some();
        if self.by_id.is_empty() {
            self.by_id.shrink_to_fit();
        }
        closed
    }

    /// Queues a message for its socket, and lets go of who does not read.
    pub fn send(&mut self, transmit: Transmit, inbox: &mut Inbox, counters: &Counters) {
        let Transmit { flow, bytes } = transmit;
        let Some(sender) = flow.connection.and_then(|id| self.by_id.get(&id)) else {
            counters.gone.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            return inbox.push(Arrival::Closed(flow));
        };
        let Err(unsent) = sender.send(bytes) else { return };
        if unsent == api::sip_socket::Unsent::Stuffed {
            tracing::debug!(remote = %flow.remote, "a browser does not read");
            counters.cut.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        self.close(&flow);
        inbox.push(Arrival::Closed(flow));
    }
}

#[cfg(test)]
mod tests;
