//! Packets on their way out.

use std::net::SocketAddr;

use crate::limits;
use crate::socket::Socket;

/// A received packet, rewritten in place, that has to go out: its first `len` octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// Out of which socket.
    pub at: Socket,
    /// To where.
    pub to: SocketAddr,
    /// How many octets of the buffer that was handed in: more than came, where they go on encrypted.
    pub len: usize,
}

/// A packet that the engine made itself. It may be empty (a keepalive, RFC 6263 §4.1).
#[derive(Debug, Clone)]
pub struct Transmit {
    /// Out of which socket.
    pub at: Socket,
    /// To where.
    pub to: SocketAddr,
    buffer: [u8; limits::TRANSMIT],
    len: usize,
}

impl Transmit {
    /// A packet with no octets yet.
    pub(crate) fn new(at: Socket, to: SocketAddr) -> Transmit {
        Transmit { at, to, buffer: [0; limits::TRANSMIT], len: 0 }
    }

    /// The octets to send.
    pub fn packet(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Lets `work` change the packet in the whole of its buffer; it returns the new length.
    pub(crate) fn rewrite<E>(&mut self, work: impl FnOnce(&mut [u8], usize) -> Result<usize, E>) -> Result<(), E> {
        self.len = work(&mut self.buffer, self.len)?;
        Ok(())
    }

    /// Appends `octets`; returns false, and appends nothing, when they do not fit.
    pub(crate) fn push(&mut self, octets: &[u8]) -> bool {
        let end = self.len + octets.len();
        let Some(place) = self.buffer.get_mut(self.len..end) else { return false };
        place.copy_from_slice(octets);
        self.len = end;
        true
    }
}
