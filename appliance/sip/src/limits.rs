//! Every limit of the crate by name: what a peer may make us hold or look at.

use std::time::Duration;

/// The longest message in bytes, start line to body, on every transport (a UDP datagram cannot be longer).
pub const MESSAGE_BYTES: usize = 65_535;
/// The most header lines of one message.
pub const HEADERS: usize = 128;
/// The longest single header in bytes, folded lines together.
pub const HEADER_BYTES: usize = 8_192;
/// The longest start line in bytes.
pub const START_LINE_BYTES: usize = 4_096;
/// The most elements that are read out of one comma-separated header (Via, Contact, Route, …).
pub const LIST_ELEMENTS: usize = 64;
/// The most nonces whose use is counted at once; the oldest makes place for the next. A phone answers within a second, and
/// what is counted is kept for minutes.
pub const NONCES: usize = 4_096;
/// So many nonces are remembered until they are too old to be accepted; more only for [`NONCE_BURST`].
pub const NONCES_KEPT: usize = 256;
/// How long the use of more nonces is remembered: their phones are challenged once more after it.
pub const NONCE_BURST: Duration = Duration::from_secs(30);
/// The longest start line and headers together on a stream.
pub const STREAM_HEAD_BYTES: usize = 32_768;
/// Within so many bytes the first word of a message on a stream has to end.
pub const STREAM_WORD_BYTES: usize = 64;
/// The room a connection keeps for its next message while it is idle.
pub const STREAM_IDLE_BYTES: usize = 4_096;
/// The most lines of a session description.
pub const SDP_LINES: usize = 512;
/// The most media of a session description.
pub const SDP_MEDIA: usize = 16;
/// The most formats of one media.
pub const SDP_FORMATS: usize = 64;
/// Fingerprints of certificates that are looked at: one for each hash function that somebody may have.
pub const SDP_FINGERPRINTS: usize = 8;
/// Peers of whom it is remembered where they see us; beyond it all are forgotten, and say so again.
pub const PEERS_THAT_SEE_US: usize = 256;
