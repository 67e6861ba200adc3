//! Who uses which connection, so that a broken one is noticed without looking at everything.

use std::net::IpAddr;

use super::memory::give_back;
use super::{Endpoint, Owner};
use crate::transaction::Fingerprint;
use crate::transaction::key::KeyKind;
use crate::transport::ConnectionId;
use crate::{Flow, Time};

impl Endpoint {
    /// The peer of a stream; `None` for datagrams, which have no connection to lose.
    fn stream_key(&self, flow: &Flow) -> Option<Fingerprint> {
        if !flow.transport.is_reliable() {
            return None;
        }
        let port = flow.remote.port().to_be_bytes();
        let transport = [flow.transport as u8];
        Some(match flow.remote.ip() {
            IpAddr::V4(ip) => self.secret.fingerprint(KeyKind::Peer, &[&transport, &ip.octets(), &port]),
            IpAddr::V6(ip) => self.secret.fingerprint(KeyKind::Peer, &[&transport, &ip.octets(), &port]),
        })
    }

    pub(super) fn use_stream(&mut self, flow: &Flow, owner: Owner) {
        if let Some(key) = self.stream_key(flow) {
            self.streams.entry(key).or_default().push(owner);
        }
    }

    pub(super) fn leave_stream(&mut self, flow: &Flow, owner: Owner) {
        let Some(key) = self.stream_key(flow) else { return };
        let Some(owners) = self.streams.get_mut(&key) else { return };
        if let Some(place) = owners.iter().position(|other| *other == owner) {
            owners.swap_remove(place);
        }
        if owners.is_empty() {
            self.streams.remove(&key);
            give_back(&mut self.streams);
        }
    }

    /// The connection is gone, or could not be opened: what waits on it fails; what may be sent later opens a new one.
    pub(super) fn close_stream(&mut self, now: Time, closed: &Flow) {
        let is_named = closed.connection.is_some_and(ConnectionId::is_named);
        let Some(owners) = self.stream_key(closed).and_then(|key| self.streams.get(&key)).cloned() else { return };
        for owner in owners {
            match owner {
                Owner::Client(key) => {
                    let flow = self.clients.get(&key).map(|client| client.flow);
                    // A request sent before the connection was opened does not know its number.
                    if flow.is_some_and(|flow| flow.connection == closed.connection || flow.connection.is_none()) {
                        self.handle_client_transport_error(now, key);
                    }
                }
                Owner::Dialog(id) => {
                    if let Some(entry) = self.dialogs.get_mut(&id)
                        && !is_named
                        && entry.dialog.flow.connection == closed.connection
                    {
                        entry.dialog.flow.connection = None;
                    }
                }
                Owner::Server(_) | Owner::Provisional(..) => {}
            }
        }
    }
}
