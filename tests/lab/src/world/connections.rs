//! TCP connections and WebSockets between phones and the exchange: they deliver in order and without loss, and they can break.

use std::collections::BTreeMap;

use sip::transport::ConnectionId;
use sip::{Flow, Transport};

use super::Lab;
use crate::phone::PhoneId;

/// Which connections are up.
#[derive(Debug, Default)]
pub(super) struct Connections {
    up: BTreeMap<ConnectionId, (PhoneId, Flow)>,
    opened: u64,
    port: u16,
}

impl Connections {
    /// The connection of a phone.
    pub(super) fn of(&self, phone: PhoneId) -> Option<Flow> {
        self.up.values().rev().find(|(of, _)| *of == phone).map(|(_, flow)| *flow)
    }

    /// Whose connection it is.
    pub(super) fn phone(&self, id: ConnectionId) -> Option<PhoneId> {
        self.up.get(&id).map(|(phone, _)| *phone)
    }

    pub(super) fn is_up(&self, id: ConnectionId) -> bool {
        self.up.contains_key(&id)
    }
}

impl Lab {
    /// The connection of a phone to the exchange; it connects if it is not connected.
    pub(super) fn connect(&mut self, phone: PhoneId) -> Flow {
        if let Some(flow) = self.connections.of(phone) {
            return flow;
        }
        self.connections.port += 1;
        let mut remote = self[phone].address;
        remote.set_port(40_000 + self.connections.port);
        let local = self[phone].exchange;
        let remote = self.outside(phone, remote, local);
        self.open(phone, remote)
    }

    /// The exchange connects to a phone that listens.
    pub(super) fn connect_to(&mut self, phone: PhoneId) -> Flow {
        let remote = self[phone].address;
        self.open(phone, remote)
    }

    fn open(&mut self, phone: PhoneId, remote: std::net::SocketAddr) -> Flow {
        self.connections.opened += 1;
        let id = ConnectionId(self.connections.opened);
        let transport =
            Some(self[phone].transport).filter(|transport| transport.is_reliable()).unwrap_or(Transport::Tcp);
        let flow = Flow { transport, local: self[phone].exchange, remote, connection: Some(id) };
        self.connections.up.insert(id, (phone, flow));
        flow
    }

    /// The phone's connection breaks; the exchange sees it at once.
    pub fn break_connection(&mut self, phone: PhoneId) {
        let Some(flow) = self.connections.of(phone) else { return };
        self.connections.up.retain(|_, (of, _)| *of != phone);
        self.input(pbx::Input::SipClosed(flow));
    }

    /// Whoever opened the phone's connection has logged in as an agent with these extensions; it connects if it is not connected.
    pub fn vouch(&mut self, phone: PhoneId, extensions: &[&str]) {
        let flow = self.connect(phone);
        self.input(pbx::Input::SipVouched(flow, extensions.iter().map(|own| own.to_string()).collect()));
    }
}
