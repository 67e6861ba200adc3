//! A datagram that came to a media thread and is no audio of its browser.

use std::fmt;

use webrtc::Path;

/// One of them, with its octets inside: the media thread has no memory to ask for.
pub struct Stray {
    /// By which way it came.
    pub path: Path,
    /// How many octets count.
    pub len: u16,
    /// They, and what is behind them.
    pub octets: [u8; webrtc::limits::DATAGRAM],
}

impl Stray {
    /// A copy. `None`: it is longer than anything that is looked at.
    pub fn new(path: Path, datagram: &[u8]) -> Option<Stray> {
        let mut octets = [0; webrtc::limits::DATAGRAM];
        octets.get_mut(..datagram.len())?.copy_from_slice(datagram);
        Some(Stray { path, len: u16::try_from(datagram.len()).ok()?, octets })
    }
}

impl fmt::Debug for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stray({:?}, {} octets)", self.path, self.len)
    }
}
