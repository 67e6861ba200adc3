//! The way to a browser: found by ICE (RFC 8445) in the lite role, secured by DTLS (RFC 5763, RFC 5764).
//!
//! [`Agent`] is a machine like the engine of `media`: datagrams and [`Command`](media::webrtc::Command)s go in with the time,
//! datagrams, [`Event`](media::webrtc::Event)s and [`HandOver`]s come out. It opens no socket and reads no clock. A hand-over says that audio may flow
//! from now on, by which path and with which keys; the media engine encrypts and carries it. Nothing of a browser is believed
//! before a check has proved that it knows the password of the description, and no audio flows before its certificate has proved to be the one
//! of the description.
//!
//! A browser does the searching: whoever is lite answers (RFC 8445 §2.5), so that candidates of the other side are never looked at, be they
//! thousands or names that nobody can resolve. It chooses the path, and moves when it has to; checks are also how it says that it still
//! wants to hear us (RFC 7675).
//!
//! Not pure in one respect: the keys of handshakes are drawn from the system, see [`crypto`].

pub mod agent;
mod check;
pub mod counters;
pub mod crypto;
pub mod framing;
mod handshake;
pub mod limits;
mod path;
mod session;

pub use agent::{Agent, HandOver, Transmit};
pub use counters::Counters;
pub use handshake::Identity;
pub use path::{Connection, Path};
