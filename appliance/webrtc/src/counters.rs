//! What came and was not what it should be, and what came of the rest.

/// Numbers since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Ways that are there.
    pub sessions: u64,
    /// Checks that were answered.
    pub checks: u64,
    /// What looked like STUN and was no message.
    pub malformed: u64,
    /// Checks for nobody whom we know.
    pub unknown: u64,
    /// Checks that were not made with the right password.
    pub not_authentic: u64,
    /// Messages of DTLS from where no check came.
    pub unexpected: u64,
    /// Audio from where none is awaited.
    pub stray_media: u64,
    /// Handshakes that ended well.
    pub handshakes: u64,
    /// Handshakes that did not.
    pub handshakes_failed: u64,
    /// Browsers that went silent.
    pub silent: u64,
    /// Ways that were refused because there were too many.
    pub refused: u64,
    /// Changes of the way within a call.
    pub moves: u64,
    /// Datagrams of ours that were too many to be sent.
    pub dropped: u64,
}
