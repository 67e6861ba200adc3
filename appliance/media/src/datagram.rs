//! A packet that arrived, and the room behind it.

/// A packet at the beginning of a buffer. What goes on encrypted is longer than what came, so that a buffer without room
/// behind the packet ([`RTP_OVERHEAD`](crate::srtp::RTP_OVERHEAD)) can only be forwarded plain.
#[derive(Debug)]
pub struct Datagram<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Datagram<'a> {
    /// The packet that the first `len` octets of `buffer` are, or all of them where there are fewer.
    pub fn new(buffer: &'a mut [u8], len: usize) -> Datagram<'a> {
        let len = len.min(buffer.len());
        Datagram { buffer, len }
    }

    /// The packet.
    pub fn octets(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// The packet, to be changed in place.
    pub fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.len]
    }

    /// The packet and the room behind it.
    pub fn buffer_mut(&mut self) -> &mut [u8] {
        self.buffer
    }

    /// Only the first `len` octets remain of the packet.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl<'a> From<&'a mut [u8]> for Datagram<'a> {
    fn from(packet: &'a mut [u8]) -> Datagram<'a> {
        let len = packet.len();
        Datagram { buffer: packet, len }
    }
}

impl<'a> From<&'a mut Vec<u8>> for Datagram<'a> {
    fn from(packet: &'a mut Vec<u8>) -> Datagram<'a> {
        Datagram::from(packet.as_mut_slice())
    }
}

impl<'a, const LENGTH: usize> From<&'a mut [u8; LENGTH]> for Datagram<'a> {
    fn from(packet: &'a mut [u8; LENGTH]) -> Datagram<'a> {
        Datagram::from(packet.as_mut_slice())
    }
}
