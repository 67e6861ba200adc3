//! What the exchange tells the engine to do.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use crate::format::Format;
use crate::partial::Lane;
use crate::player::PlaybackId;
use crate::recorder::{Layout, RecordingId};
use crate::sample_rate::SampleRate;
use crate::socket::StreamId;
use crate::srtp::Keys;
use crate::tone::Tone;

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
        /// By which keys it is encrypted, if it is. A direction whose key stays goes on, and must: no key begins anew.
        keys: Option<Box<Keys>>,
    },
    /// The way to a browser is found and secured, or has changed: audio takes it from now on. For streams whose [`Latch`] is
    /// [`Latch::Nominated`]. Keys that stay go on.
    Secure {
        /// The stream.
        stream: StreamId,
        /// The address of the browser.
        remote: SocketAddr,
        /// What came of the handshake.
        keys: Box<Keys>,
    },
    /// The two hear each other from now on: forwarded where one codec serves both, else transcoded. Either is first disconnected from any other, and leaves its conference.
    Connect {
        /// One stream.
        a: StreamId,
        /// The other.
        b: StreamId,
    },
    /// Neither its peer nor its conference hears the stream any longer, nor it them.
    Disconnect {
        /// The stream.
        stream: StreamId,
    },
    /// Say BYE and forget the stream; yields [`Event::Closed`](crate::Event::Closed) with the final statistics.
    Close {
        /// The stream.
        stream: StreamId,
    },
    /// Send digits to the phone, after those that wait: as telephone events (RFC 4733) where it takes them, else as tones in what
    /// it hears. Refused where one of them is no digit, or more than [`WAITING`](crate::dtmf::sender::WAITING) wait.
    SendDigits {
        /// The stream.
        stream: StreamId,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digits: String,
        /// How long each is, in milliseconds.
        duration_ms: u32,
    },
    /// Who of a call hears the phone, and whether it hears anybody.
    Mute {
        /// The stream.
        stream: StreamId,
        /// What is cut off.
        mute: Mute,
    },
    /// The phone hears what it says, instead of anybody else, or no longer does.
    Echo {
        /// The stream.
        stream: StreamId,
        /// Whether it does.
        on: bool,
    },
    /// Find out whether a person or a machine has answered. Yields [`Event::Judged`](crate::Event::Judged).
    DetectMachine {
        /// The stream of the phone that has just answered.
        stream: StreamId,
    },
    /// Say what the stream did until now. Yields [`Event::Measured`](crate::Event::Measured).
    Measure {
        /// The stream.
        stream: StreamId,
    },
    /// A program, which is a stream with an agreed format, listens to a phone and speaks into its call, until either is closed.
    Attach {
        /// The stream of the program.
        program: StreamId,
        /// The stream of the phone, which has no other program.
        to: StreamId,
        /// What the program hears.
        hears: Sides,
        /// Who hears the program: whoever hears the phone (`said`), and the phone (`heard`).
        speaks: Sides,
    },
    /// Make a conference without anybody.
    OpenConference {
        /// Its name from now on.
        conference: ConferenceId,
        /// How many are heard together, the loudest first; all when there is no such number.
        loudest: Option<NonZeroU16>,
    },
    /// The stream takes a seat: it hears all others and is heard by them. It is first disconnected from any other.
    Join {
        /// The stream.
        stream: StreamId,
        /// The conference.
        conference: ConferenceId,
    },
    /// The conference has a part in another engine: the two exchange what is said, by [`Engine::poll_partial`](crate::Engine::poll_partial) and
    /// [`Engine::handle_partial`](crate::Engine::handle_partial). The other engine is told the same of this one.
    LinkConference {
        /// The conference.
        conference: ConferenceId,
        /// The other engine.
        with: Lane,
    },
    /// Everybody leaves, and the conference is forgotten.
    CloseConference {
        /// The conference.
        conference: ConferenceId,
    },
    /// Play something. A stream hears it instead of anybody else, a conference hears it besides. What was played there
    /// before ends. Yields [`Event::PlaybackEnded`](crate::Event::PlaybackEnded).
    Play {
        /// Its name from now on.
        playback: PlaybackId,
        /// Who hears it.
        to: Target,
        /// What is played.
        what: Playable,
    },
    /// Hold a playback, or let it go on.
    PausePlayback {
        /// The playback.
        playback: PlaybackId,
        /// Whether it waits.
        paused: bool,
    },
    /// End a playback.
    StopPlayback {
        /// The playback.
        playback: PlaybackId,
    },
    /// Record a stream or a conference. Yields [`Event::RecordingEnded`](crate::Event::RecordingEnded).
    Record {
        /// Its name from now on.
        recording: RecordingId,
        /// Who is recorded.
        of: Target,
        /// Its channels. A conference has one.
        layout: Layout,
        /// The samples a second of the recording.
        rate: SampleRate,
        /// Ends by itself after so much silence.
        end_of_silence: Option<Duration>,
    },
    /// Leave out what is said, or go on recording.
    PauseRecording {
        /// The recording.
        recording: RecordingId,
        /// Whether it waits.
        paused: bool,
    },
    /// End a recording.
    StopRecording {
        /// The recording.
        recording: RecordingId,
    },
}

/// A conference of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConferenceId(pub u32);

/// Who hears a playback, or is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// One phone.
    Stream(StreamId),
    /// Everybody in a conference.
    Conference(ConferenceId),
}

/// What can be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playable {
    /// These one after another without a gap. The engine's owner decodes them, in the rate of
    /// [`Engine::rate`](crate::Engine::rate), and feeds them with [`Engine::handle_sound`](crate::Engine::handle_sound).
    Sounds(Arc<[Sound]>),
    /// A tone, as long as its cadence says.
    Tone(Box<Tone>),
    /// Our own music on hold.
    Music,
}

/// Where a sound is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sound {
    /// A file among the box's sounds, by its name there.
    File(String),
    /// What an `http` or `https` URL answers.
    Url(String),
    /// A text that was spoken, by the name under which it is kept.
    Spoken(String),
    /// A sound file that is in memory.
    Octets(Arc<[u8]>),
    /// Nothing, for so long.
    Silence(Duration),
}

/// The two sides of what goes on at a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sides {
    /// What it says.
    pub said: bool,
    /// What it hears.
    pub heard: bool,
}

/// What of a phone is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mute {
    /// Nobody hears it.
    pub said: bool,
    /// It hears nobody; what is played to it, it hears.
    pub heard: bool,
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
    /// Only the host that [`Command::Secure`] names, and by its keys; nobody before: for browsers. What the SDP says does not count.
    Nominated,
}
