//! Encrypted audio: SRTP and SRTCP (RFC 3711), with the transforms of RFC 6188 and RFC 7714.
//!
//! A [`Session`] belongs to one stream: what we send is protected by our key, what the phone sends by its own. Where the
//! keys come from is not its business: [`MasterKey::new`] takes what SDP carried (RFC 4568), [`MasterKey::from_exported`]
//! what a DTLS handshake left (RFC 5764). Packets are worked on in place, nothing is allocated on their way, and keys are
//! wiped when they go.
//!
//! The way of a packet that arrives: header → source → index → replay → tag → decryption. Only what the
//! tag proved is remembered.
//!
//! Deviations from RFC 3711, on purpose:
//! - A source is not told to us beforehand; it begins with its first authentic packet, at rollover counter 0 (§3.2.3 wants a
//!   context for each, signalled).
//! - Of more than [`limits::SOURCES`](crate::limits::SOURCES) sources of one phone the longest silent is forgotten, and
//!   would begin anew: a phone that changes its source that often must be heard, and what can be replayed then is only what
//!   the same phone said under the same key.
//! - What we send is watched for reuse of an index as well, because a bridge may hand us two packets of one number, and
//!   two packets under one index give the key stream away.
//! - When the phone renews its key, its old one stays good until the new one was used once, and the rollover counter of a
//!   source may begin at 0 or go on (§3.3.1 says it goes on, RFC 4568 §7.1.4 that it begins anew; both are done).

mod counter_mode;
mod derivation;
mod galois;
mod inbound;
mod index;
mod master_key;
mod outbound;
mod profile;
mod replay;
mod session;
mod sources;
#[cfg(test)]
mod tests;
mod transform;

use thiserror::Error;

pub use inbound::Inbound;
pub use master_key::{KeyLength, MasterKey};
pub use outbound::Outbound;
pub use profile::Profile;
pub use session::{Keys, Session};

/// The most octets that protection adds to an RTP packet.
pub const RTP_OVERHEAD: usize = 16;

/// The most octets that protection adds to an RTCP packet.
pub const RTCP_OVERHEAD: usize = 20;

/// Why a packet is not protected, or not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SrtpError {
    /// It is too short, or its header is no header of RTP or RTCP.
    #[error("no protected packet")]
    Malformed,
    /// The buffer ends before the tag would.
    #[error("no room for the tag")]
    NoRoom,
    /// The tag is wrong: forged, broken on the way, or under another key.
    #[error("not authentic")]
    NotAuthentic,
    /// It was received before, or is too old to tell.
    #[error("received before, or too old to tell")]
    Replayed,
    /// A packet of this number was sent before, or it is too old to tell.
    #[error("this number was used before")]
    Reused,
    /// The key has protected as many packets as it may (RFC 3711 §9.2).
    #[error("the key is used up")]
    Exhausted,
    /// We send from more sources than [`limits::SOURCES`](crate::limits::SOURCES).
    #[error("too many sources")]
    TooManySources,
}
