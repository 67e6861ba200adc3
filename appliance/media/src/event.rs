//! What the exchange hears from the media side.

use std::net::SocketAddr;
use std::time::Duration;

use crate::socket::StreamId;
use crate::statistics::Statistics;

/// Something that happened to a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The sockets are bound. Made by the daemon's media thread.
    Opened {
        /// The stream.
        stream: StreamId,
    },
    /// The sockets could not be bound (made by the daemon's media thread), or there are too many streams.
    OpenFailed {
        /// The stream.
        stream: StreamId,
        /// In words.
        reason: String,
    },
    /// The first packet of the phone was accepted.
    Started {
        /// The stream.
        stream: StreamId,
        /// Where it came from.
        from: SocketAddr,
    },
    /// A new source was accepted after its SSRC changed or the SDP moved it. At most one a second for each stream.
    Relatched {
        /// The stream.
        stream: StreamId,
        /// Where the packets come from now.
        from: SocketAddr,
    },
    /// Neither RTP nor RTCP was heard for the configured limit although audio is expected. Once for each silence.
    Timeout {
        /// The stream.
        stream: StreamId,
        /// For how long.
        silent_for: Duration,
    },
    /// The phone sent a digit (RFC 4733); once for each key press.
    Digit {
        /// The stream.
        stream: StreamId,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// How long the key was held, in milliseconds.
        duration_ms: u32,
    },
    /// The stream is gone; its sockets may be closed.
    Closed {
        /// The stream.
        stream: StreamId,
        /// What it did.
        statistics: Statistics,
    },
}

impl Event {
    /// The stream the event is about.
    pub fn stream(&self) -> StreamId {
        match self {
            Event::Opened { stream }
            | Event::OpenFailed { stream, .. }
            | Event::Started { stream, .. }
            | Event::Relatched { stream, .. }
            | Event::Timeout { stream, .. }
            | Event::Digit { stream, .. }
            | Event::Closed { stream, .. } => *stream,
        }
    }
}
