//! Every bound of this room, with its reason.

use std::time::Duration;

/// Ways at a time: more browsers than one box can transcode for.
pub const SESSIONS: usize = 4_096;
/// Ways of one browser that are known at a time: a laptop has a handful of addresses.
pub const PATHS: usize = 16;
/// Octets of a datagram that is looked at.
pub const DATAGRAM: usize = 2_048;
/// Messages of a handshake that came before the description which says whose they are.
pub const EARLY: usize = 8;
/// How long a way may take to be found and secured once both sides know each other.
pub const SETUP: Duration = Duration::from_secs(30);
/// How long an offer of ours may wait for its answer: longer than any phone rings.
pub const UNANSWERED: Duration = Duration::from_secs(600);
/// How long a browser may be silent before we must not send to it any more (RFC 7675 §5.1).
pub const CONSENT: Duration = Duration::from_secs(30);
/// After the first choice of a way, for so long a better one wins whoever comes last: a browser may choose several at once.
pub const SETTLING: Duration = Duration::from_secs(2);
/// How soon after a change of the way the next one is followed.
pub const CHANGE: Duration = Duration::from_millis(500);
/// How long the end of a call may come after the end of its way, before the way counts as lost.
pub const FAREWELL: Duration = Duration::from_secs(3);
/// Datagrams that wait to be sent.
pub const TRANSMITS: usize = 1_024;
