//! What the exchange tells the engine to do.

use std::net::SocketAddr;

use crate::format::Format;
use crate::socket::StreamId;

/// An order from the exchange. Orders for a stream that does not exist are counted and have no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a stream. The daemon binds RTP to `port`, which is even, and RTCP to `port + 1`.
    Open {
        /// Its name from now on.
        stream: StreamId,
        /// The RTP port.
        port: u16,
    },
    /// What offer and answer agreed on; again after every re-INVITE. Until the first one, packets are dropped.
    Configure {
        /// The stream.
        stream: StreamId,
        /// Where the phone's SDP says it receives.
        remote: Remote,
        /// The codecs and payload types.
        format: Format,
        /// Who may send.
        direction: Direction,
        /// Whom to believe.
        latch: Latch,
    },
    /// Forward between the two from now on. Either is first disconnected from any other.
    Connect {
        /// One stream.
        a: StreamId,
        /// The other.
        b: StreamId,
    },
    /// Forward no longer from or to the stream.
    Disconnect {
        /// The stream.
        stream: StreamId,
    },
    /// Say BYE and forget the stream; yields [`Event::Closed`](crate::Event::Closed) with the final statistics.
    Close {
        /// The stream.
        stream: StreamId,
    },
}

/// Where a phone's SDP says it receives. An unspecified address or port 0 means nowhere (RFC 3264 §8.4 hold).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Remote {
    /// From the `c=` and `m=` lines.
    pub rtp: SocketAddr,
    /// From `a=rtcp` (RFC 3605), else the port after the RTP port.
    pub rtcp: SocketAddr,
}

/// Who may send audio, seen from us towards the phone (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// We to the phone; nothing is expected from it.
    SendOnly,
    /// The phone to us; we send nothing.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// Whether audio of the phone is accepted and expected.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// Whether audio goes to the phone.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }
}

/// Whom to believe about where a phone's packets come from. The rule itself stands in [`crate::rtp::latching`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Latch {
    /// The first valid source is the phone, and we send to it (RFC 4961, RFC 7362): for phones behind NAT.
    #[default]
    Symmetric,
    /// Only the host that the SDP names, and we send where the SDP says: for trunks at known addresses.
    Signalled,
}
