//! What the exchange hears from the media side.

use std::net::SocketAddr;
use std::time::Duration;

use crate::command::Target;
use crate::machine_detector::Answerer;
use crate::player::PlaybackId;
use crate::recorder::RecordingId;
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
    /// The phone sent a digit; once for each key press.
    Digit {
        /// The stream.
        stream: StreamId,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// How long the key was held, in milliseconds.
        duration_ms: u32,
        /// It was heard as tones in the sound (ITU-T Q.23), and not told by events (RFC 4733).
        in_band: bool,
    },
    /// It is known who has answered, or that it cannot be known ([`Command::DetectMachine`](crate::Command::DetectMachine)).
    Judged {
        /// The stream.
        stream: StreamId,
        /// Who has.
        answerer: Answerer,
    },
    /// What the stream did until now ([`Command::Measure`](crate::Command::Measure)).
    Measured {
        /// The stream.
        stream: StreamId,
        /// What it did.
        statistics: Box<Statistics>,
    },
    /// The stream is gone; its sockets may be closed.
    Closed {
        /// The stream.
        stream: StreamId,
        /// What it did.
        statistics: Box<Statistics>,
    },
    /// A playback is over.
    PlaybackEnded {
        /// The playback.
        playback: PlaybackId,
        /// Who heard it.
        to: Target,
        /// Why.
        reason: Ended,
    },
    /// A recording is over; its last buffer is out.
    RecordingEnded {
        /// The recording.
        recording: RecordingId,
        /// Who was recorded.
        of: Target,
        /// Why.
        reason: Ended,
        /// Milliseconds, over all channels, for which no buffer was there in time. They are silence.
        missed_ms: u64,
    },
}

/// Why a playback or a recording is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It came to its end.
    Finished,
    /// It was told to stop, or something else took its place, or whom it was for is gone.
    Stopped,
    /// There was so much silence as was asked for.
    Silence,
    /// It could not begin or go on; why, in words.
    Failed(String),
}

impl Event {
    /// The stream the event is about, if it is about one.
    pub fn stream(&self) -> Option<StreamId> {
        match self {
            Event::Opened { stream }
            | Event::OpenFailed { stream, .. }
            | Event::Started { stream, .. }
            | Event::Relatched { stream, .. }
            | Event::Timeout { stream, .. }
            | Event::Digit { stream, .. }
            | Event::Judged { stream, .. }
            | Event::Measured { stream, .. }
            | Event::Closed { stream, .. }
            | Event::PlaybackEnded { to: Target::Stream(stream), .. }
            | Event::RecordingEnded { of: Target::Stream(stream), .. } => Some(*stream),
            Event::PlaybackEnded { to: Target::Conference(_), .. }
            | Event::RecordingEnded { of: Target::Conference(_), .. } => None,
        }
    }
}
