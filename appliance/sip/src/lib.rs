//! SIP as a pure state machine: bytes in, SIP events out.
//!
//! The crate is built in layers, each usable without those above it:
//!
//! 1. [`message`] reads and writes messages, losing nothing; [`header`] gives single headers a type; [`uri`] addresses; [`sdp`] session descriptions.
//! 2. [`transaction`] holds the four state machines of RFC 3261 §17 with the corrections of RFC 6026.
//! 3. [`dialog`] is what two user agents remember of each other (RFC 3261 §12), as plain data.
//! 4. [`auth`] is digest access authentication (RFC 7616, RFC 8760).
//! 5. [`Endpoint`] ties them together: `handle_*(now, …)` in, `poll_*()` out. After each input the caller drains the outputs.
//!
//! Nothing here reads a clock, draws randomness, opens a socket or waits. Time is passed in, randomness comes from a seed.

pub mod auth;
pub mod dialog;
pub mod digit;
pub mod endpoint;
pub mod header;
pub mod limits;
pub mod message;
pub mod reached;
pub mod sdp;
pub mod stream;
pub mod stun;
pub mod transaction;
pub mod transport;
pub mod uri;

pub use endpoint::Endpoint;
pub use message::{Headers, Message, Method, Request, Response, StatusCode};
pub use reached::Reached;
pub use transport::{Flow, Transmit, Transport};
pub use uri::Uri;

/// Monotonic time since the process started. The caller reads the clock.
pub type Time = std::time::Duration;

/// When [`Endpoint::handle_timeout`] wants to be called, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// The moment, on the same clock as every `now`.
    pub at: Time,
    /// The name of the timer, for logs.
    pub reason: &'static str,
}
