//! From where to where.

use std::net::SocketAddr;

/// A way between a browser and us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Our address and port.
    pub local: SocketAddr,
    /// Those of the browser, as we see them.
    pub remote: SocketAddr,
    /// The TCP connection that it is, if it is one (RFC 6544).
    pub connection: Option<Connection>,
}

/// A TCP connection, by the name that its owner gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Connection(pub u32);

impl Path {
    /// Over UDP.
    pub fn udp(local: SocketAddr, remote: SocketAddr) -> Path {
        Path { local, remote, connection: None }
    }
}
