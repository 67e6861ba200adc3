//! The names of the sockets between which packets travel.

/// One RTP/RTCP socket pair and the phone behind it. The exchange chooses the number; it must not reuse it before
/// [`Event::Closed`](crate::Event::Closed). Numbers that count up, or that come from a port pool, are found fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// Which of the two sockets of a stream (RFC 3550 §11: RTP on an even port, RTCP on the next).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// Audio and telephone events.
    Rtp,
    /// Reports about them.
    Rtcp,
}

/// One UDP socket of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Which of its two.
    pub component: Component,
}

impl Socket {
    /// The RTP socket of `stream`.
    pub fn rtp(stream: StreamId) -> Socket {
        Socket { stream, component: Component::Rtp }
    }

    /// The RTCP socket of `stream`.
    pub fn rtcp(stream: StreamId) -> Socket {
        Socket { stream, component: Component::Rtcp }
    }
}
