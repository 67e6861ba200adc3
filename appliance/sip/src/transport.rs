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

/// One accepted or opened connection of a stream transport, numbered by the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

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
