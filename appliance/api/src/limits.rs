//! Every bound of the API, with its reason.

use std::time::Duration;

/// A request's body.
pub const BODY: usize = 1024 * 1024;
/// The actions of a flow, as JSON: each change of it is an event, and whoever listens gets up to a hundred at a time.
pub const FLOW: usize = 256 * 1024;
/// How long the exchange may take to answer; it answers within a millisecond, the store's disk is what takes time.
pub const ANSWER: Duration = Duration::from_secs(5);
/// How long a request may take altogether, its body included.
pub const REQUEST: Duration = Duration::from_secs(30);
/// How long a client may take to send a request's head, and how long a connection may idle.
pub const HEAD: Duration = Duration::from_secs(15);
/// Bytes of a request's head.
pub const HEAD_BYTES: usize = 32 * 1024;
/// HTTP connections at a time.
pub const CONNECTIONS: usize = 512;
/// How long running requests may go on once the process is asked to stop.
pub const DRAIN: Duration = Duration::from_secs(5);
/// How long a login lasts.
pub const TOKEN_AGE: Duration = Duration::from_secs(24 * 3600);
/// Failed logins of one source within [`LOGIN_WINDOW`].
pub const LOGINS: u32 = 10;
/// The time within which failed logins count together.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(60);
/// Sources of failed logins remembered; beyond it the oldest is forgotten.
pub const LOGIN_SOURCES: usize = 10_000;
/// Passwords checked at a time: each takes 19 MiB and a core for some 20 ms.
pub const PASSWORD_CHECKS: usize = 2;
/// Logins that wait for a password check.
pub const LOGINS_WAITING: usize = 32;
/// A user name or a password.
pub const CREDENTIAL: usize = 1024;
/// Access keys.
pub const ACCESSKEYS: u64 = 1_000;
/// The longest that an access key may be asked to count: a hundred years.
pub const ACCESSKEY_SECONDS: i64 = 100 * 365 * 24 * 3600;
/// Reading connections to the database.
pub const READERS: usize = 3;
/// WebSocket clients at a time.
pub const WEBSOCKETS: usize = 128;
/// A message of a WebSocket client.
pub const WEBSOCKET_MESSAGE: usize = 64 * 1024;
/// Topics of one WebSocket client.
pub const TOPICS: usize = 100;
/// Events sent to a WebSocket client before it is listened to again.
pub const WEBSOCKET_BATCH: u32 = 100;
/// How often a WebSocket client is pinged.
pub const PING: Duration = Duration::from_secs(10);
/// How long a WebSocket client may be silent, or not take what it is sent.
pub const PONG: Duration = Duration::from_secs(60);
/// How long the signalling thread may take until it counts as stuck.
pub const HEALTH: Duration = Duration::from_secs(1);
/// How long a verdict about the process's health is told again instead of being found anew.
pub const HEALTH_AGE: Duration = Duration::from_secs(1);
/// How often the disk is written to find out whether it can be.
pub const PROBE: Duration = Duration::from_secs(10);

/// How long a link to a file counts, as VoIPBIN's do.
pub const LINK_AGE: Duration = Duration::from_secs(3_600);
/// Octets of a file that are in memory at a time, for each who reads it.
pub const FILE_PIECE: usize = 64 * 1_024;

/// Resources of a document that configures the box from afar. Each is a change that is written down twice.
pub const CONFIGURATION_RESOURCES: usize = 1_000;
/// Octets of what such a document calls one of them.
pub const CONFIGURATION_KEY: usize = 100;
/// Octets of what our own routes answer when they are asked for it: ten long flows.
pub const CONFIGURATION_ANSWER: usize = 16 << 20;

/// How long the board's first process may take for a line of its answer, or to take what it is sent.
pub const BOARD_ANSWER: Duration = Duration::from_secs(10);
/// Octets of such a line.
pub const BOARD_LINE: u64 = 64 * 1024;

/// A message of SIP, or of signalling by JSON, from a browser: more than an offer with a hundred candidates.
pub const SIP_MESSAGE: usize = 64 * 1024;
/// Octets read of a browser's connection at a time.
pub const SIP_BUFFER: usize = 4 * 1024;
/// Messages of one browser that the exchange has not taken yet; beyond it no more are read.
pub const SIP_UNHEARD: usize = 8;
/// How often a browser is asked whether it is there: more often than NATs forget.
pub const SIP_PING: Duration = Duration::from_secs(20);
/// How long a browser may be silent, answers to that included.
pub const SIP_SILENCE: Duration = Duration::from_secs(60);
/// How long who has not logged in may be silent at first.
pub const SIP_FIRST: Duration = Duration::from_secs(30);
/// How long it may be silent later: longer than the longest registration.
pub const SIP_IDLE: Duration = Duration::from_secs(2 * 3_600 + 600);
/// How long a browser may take to take a message.
pub const SIP_WRITE: Duration = Duration::from_secs(10);
/// Calls of one page at a time.
pub const WEBRTC_CALLS: usize = 8;
/// Characters of a page's name for a call, and of what it calls.
pub const WEBRTC_ID: usize = 64;
/// Octets of a description of a page.
pub const WEBRTC_SDP: usize = 32 * 1024;
/// Candidates of one call; a browser has a dozen, and gathers them anew with each change of its network.
pub const WEBRTC_CANDIDATES: usize = 500;
/// Characters of one.
pub const WEBRTC_CANDIDATE: usize = 512;

/// How long an update may take to be uploaded and written altogether: over the slowest line, to the slowest flash.
pub const UPDATE: Duration = Duration::from_secs(3_600);
/// How long the next octets of an update may take to come, or to be taken.
pub const UPDATE_PIECE: Duration = Duration::from_secs(60);
/// Octets of an update that are read from a web server at a time.
pub const UPDATE_BUFFER: usize = 64 * 1024;
/// Pieces of a download that wait for the flash.
pub const UPDATE_PIECES: usize = 4;
/// Characters of the URL of an update.
pub const UPDATE_URL: usize = 2_048;
/// How often it is looked whether an update is due, and whether one has proven itself.
pub const UPDATE_LOOK: Duration = Duration::from_secs(2);
/// How long a request may take that brings a file of hundreds of megabytes over a slow line.
pub const UPLOAD: Duration = Duration::from_secs(6 * 3_600);
/// How long such an upload may be silent.
pub const UPLOAD_SILENCE: Duration = Duration::from_secs(30);
/// Pieces of a backup, each of [`FILE_PIECE`] octets, that wait for who downloads it.
pub const BACKUP_PIECES: usize = 4;
/// Lines of the process's log that are kept in memory.
pub const LOG_LINES: usize = 2_000;
/// Octets of them.
pub const LOG_OCTETS: usize = 512 * 1_024;
/// Octets of one of them.
pub const LOG_LINE: usize = 4 * 1_024;
