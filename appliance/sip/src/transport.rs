//! Where a message came from and where it goes: addresses without sockets.

use std::net::SocketAddr;

use bytes::Bytes;

/// The transports of RFC 3261 §18 and RFC 7118.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream, framed by Content-Length (RFC 3261 §18.3).
    Tcp,
    /// TCP under TLS.
    Tls,
    /// SIP over a WebSocket (RFC 7118).
    Ws,
    /// SIP over a WebSocket under TLS.
    Wss,
}

impl Transport {
    /// Whether the transport repeats lost messages by itself (RFC 3261 §17: timers A, E, G and the waits D, I, J, K shrink to zero).
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// Whether it is a WebSocket, which only the other end can open.
    pub fn is_websocket(self) -> bool {
        matches!(self, Transport::Ws | Transport::Wss)
    }

    /// The word in a Via header: `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }
}

/// One accepted or opened connection of a stream transport, numbered by the daemon, or one that the exchange has named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl ConnectionId {
    /// No daemon counts as far as that.
    const NAMED: u64 = 1 << 63;

    /// The connection to somebody who has to prove who it is: opened when it is needed, and again after it ended.
    pub fn named(number: u64) -> ConnectionId {
        ConnectionId(number | ConnectionId::NAMED)
    }

    /// Whether it is one of those.
    pub fn is_named(self) -> bool {
        self.0 & ConnectionId::NAMED != 0
    }
}

/// The path between us and a peer (RFC 5626 §2): what a reply, and every later request to the same phone, goes back along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The transport.
    pub transport: Transport,
    /// Our address as the peer reaches it: what goes into Via and Contact.
    pub local: SocketAddr,
    /// The peer's address as we see it (behind a NAT: the NAT's).
    pub remote: SocketAddr,
    /// The connection, if it is there. `None` on UDP, and on a stream transport that is yet to be opened by the daemon.
    pub connection: Option<ConnectionId>,
}

/// One whole message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub flow: Flow,
    /// What.
    pub bytes: Bytes,
}
