//! Audio as a pure state machine: packets in, packets out.
//!
//! [`Engine`] is told by [`Command`]s which sockets exist, what was negotiated for each and which two belong together. It is
//! handed every packet that arrives and answers at once with where the packet, rewritten in place, has to go. What it has
//! to say on its own (RTCP, keepalives) waits in [`Engine::poll_transmit`], what the exchange should know in
//! [`Engine::poll_event`]. It never reads a clock, opens a socket or draws randomness, and on the way of a packet it
//! neither allocates nor locks.
//!
//! Names: a *stream* is one RTP/RTCP socket pair of ours and the phone behind it. Two connected streams make a bridge. The
//! direction from one to the other is a [`ForwardingRule`], which is plain data. Where forwarding does not do (unlike codecs,
//! conferences, something played or recorded) streams sit in a *room*, whose audio is decoded, mixed and encoded every 20 ms.
//!
//! A process may have several engines, each on a thread of its own: the streams of a call are in one of them, a conference may have
//! a part in each ([`Command::LinkConference`]).
//!
//! The run loop of the caller: after every `handle_*`, drain [`Engine::poll_partial`], [`Engine::poll_audio`], [`Engine::poll_transmit`] and
//! [`Engine::poll_parcel`], then [`Engine::poll_event`] (a [`Event::Closed`] says that the sockets may go, and its BYE
//! stands in the transmits before it), then sleep until
//! [`Engine::poll_timeout`].

pub mod codec;
pub mod comfort_noise;
pub mod command;
pub mod concealment;
pub mod config;
pub mod datagram;
pub mod dtmf;
pub mod engine;
pub mod event;
pub mod format;
pub mod forwarding_rule;
pub mod jitter;
mod likeness;
pub mod limits;
pub mod machine_detector;
pub mod mixer;
pub mod music;
pub mod partial;
pub mod player;
pub mod quality;
pub mod receiver;
pub mod recorder;
pub mod resampler;
pub mod rtcp;
pub mod rtp;
pub mod sample_rate;
pub mod sine;
pub mod socket;
pub mod sound;
pub mod srtp;
pub mod statistics;
#[cfg(test)]
mod test_sound;
pub mod tone;
pub mod transmit;
pub mod voice_activity;
pub mod webrtc;

pub use command::{Command, ConferenceId, Direction, Latch, Mute, Playable, Remote, Sides, Sound, Target};
pub use config::Config;
pub use datagram::Datagram;
pub use engine::{Engine, Parcel};
pub use event::{Ended, Event};
pub use format::{AudioFormat, Codec, Format, OpusSettings, TelephoneEvent};
pub use forwarding_rule::{ForwardingRule, Payload, PayloadRule, needs_transcoding};
pub use machine_detector::Answerer;
pub use partial::{Lane, Partial};
pub use player::{PlaybackId, SoundBuffer};
pub use quality::OpinionScore;
pub use recorder::{Layout, RecordedBuffer, RecordingId};
pub use resampler::Resampler;
pub use sample_rate::SampleRate;
pub use socket::{Component, Socket, StreamId};
pub use statistics::{Counters, Dropped, Playout, RemoteReport, Statistics};
pub use transmit::{Forward, Transmit};

/// Monotonic time since the process started. The caller reads the clock.
pub type Time = std::time::Duration;

/// When [`Engine::handle_timeout`] wants to be called, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// The moment, on the same clock as every `now`.
    pub at: Time,
    /// The name of the timer, for logs.
    pub reason: &'static str,
}
