//! The way to a browser, as the exchange orders it and hears of it: found by ICE (RFC 8445), secured by DTLS (RFC 5764).
//!
//! Whoever has the sockets finds and secures it, and tells the engine by [`Command::Secure`](crate::Command::Secure); here are
//! only the words.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::socket::StreamId;
use crate::srtp::Profile;

/// What names one side of an ICE session, and proves that a check is from who was told.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `a=ice-ufrag`
    pub ufrag: String,
    /// `a=ice-pwd`
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, …)", self.ufrag)
    }
}

/// Which hash a fingerprint is made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256, which everybody uses.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The hash of the certificate that the browser will show (RFC 8122).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// By which function.
    pub hash: Hash,
    /// The octets.
    pub octets: Box<[u8]>,
}

/// Who begins the handshake (RFC 4145 §4, RFC 5763 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// We do.
    Active,
    /// The browser does.
    Passive,
}

/// What the other side said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its `a=ice-ufrag`.
    pub ufrag: String,
    /// Of its certificate.
    pub fingerprint: Fingerprint,
    /// Our part in the handshake.
    pub role: Role,
}

/// An order to whoever finds and secures the ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Answer checks with these credentials from now on. A session that is there already goes on until the browser has come by
    /// the new ones: a restart (RFC 8445 §9).
    Expect {
        /// Whose way it is.
        stream: StreamId,
        /// Ours.
        ours: Credentials,
    },
    /// Who comes, and how the way is secured. A new fingerprint means a new handshake.
    Agree {
        /// Whose way it is.
        stream: StreamId,
        /// What was agreed on.
        theirs: Agreement,
    },
    /// It is over.
    Close {
        /// Whose way it was.
        stream: StreamId,
    },
}

/// What became of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The browser chose a way, or another one than before.
    Found {
        /// Whose.
        stream: StreamId,
        /// From where to where, ours first.
        path: (SocketAddr, SocketAddr),
        /// Over TCP (RFC 6544).
        tcp: bool,
        /// There was another before.
        moved: bool,
        /// Since both sides knew each other.
        took: Duration,
    },
    /// The handshake is over: keys are there.
    Secured {
        /// Whose.
        stream: StreamId,
        /// Of DTLS: `1.2` or `1.3`.
        version: &'static str,
        /// How audio is encrypted.
        profile: Profile,
        /// Since its first message.
        took: Duration,
    },
    /// There is no way, or no longer one.
    Lost {
        /// Whose.
        stream: StreamId,
        /// Why.
        reason: Loss,
    },
}

impl Event {
    /// Whose way it is about.
    pub fn stream(&self) -> StreamId {
        match self {
            Event::Found { stream, .. } | Event::Secured { stream, .. } | Event::Lost { stream, .. } => *stream,
        }
    }
}

/// Why there is no way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Loss {
    /// No check came.
    #[error("no ICE check came")]
    NotFound,
    /// The handshake did not end in time, or failed.
    #[error("the DTLS handshake failed")]
    NotSecured,
    /// The certificate is not the one of the description.
    #[error("the certificate does not have the fingerprint of the description")]
    Fingerprint,
    /// The browser checks no more that we may send (RFC 7675).
    #[error("the browser has gone silent")]
    Silent,
    /// The browser said that it is over.
    #[error("the browser has closed the way")]
    Closed,
    /// There are as many as there can be.
    #[error("too many ways")]
    TooMany,
}
