//! Every bound of the daemon, with its reason.

use std::time::Duration;

/// How long the end waits for the thread that asks for configuration.
pub const CONFIGURATION_STOP: Duration = Duration::from_millis(500);

/// SIP datagrams taken by one system call: enough to spread its cost, few enough that timers and commands wait no longer
/// than a millisecond.
pub const SIP_BATCH: usize = 32;
/// Octets of a SIP datagram: what UDP can carry.
pub const SIP_DATAGRAM: usize = 65_535;
/// Kernel buffer of a SIP socket: a second's worth of a flood that we could just serve.
pub const SIP_SOCKET_BUFFER: i32 = 4 << 20;
/// SIP messages that wait for a socket whose kernel buffer is full; beyond it the oldest is dropped and counted, as a
/// network does, and repeated by its transaction.
pub const SIP_WAITING: usize = 4_096;

/// TCP connections at a time: each phone needs one.
pub const CONNECTIONS: usize = 4_096;
/// TCP connections from one address: an office behind one NAT has a few hundred phones.
pub const CONNECTIONS_PER_SOURCE: usize = 512;
/// Octets read from one connection before the others have their turn.
pub const CONNECTION_READ: usize = 64 * 1_024;
/// Octets that wait to be written to one connection; a peer that reads so slowly is cut off.
pub const CONNECTION_WAITING: usize = 512 * 1_024;
/// How long a connection may take to open.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a started message may take to arrive whole, and a new connection to send its first one.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may be silent: longer than the longest registration.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(2 * 3_600 + 600);

/// Browsers that speak SIP by WebSocket at a time, or have it spoken for them.
pub const WEBSOCKETS: usize = 1_024;
/// Those of one address: an office behind one NAT.
pub const WEBSOCKETS_PER_SOURCE: usize = 512;

/// Commands of people and programs that wait for the signalling thread; more are refused as busy.
pub const COMMANDS: usize = 1_024;
/// Reports of the media thread that wait for the signalling thread; more stay with the engine, which has its own bound.
pub const MEDIA_EVENTS: usize = 16_384;
/// Orders that wait for the media thread before new streams are refused.
pub const MEDIA_COMMANDS: usize = 16_384;

/// Media threads: more cores than this are left to everything else.
pub const MEDIA_THREADS: usize = 16;

/// RTP packets taken from one socket by one system call: a phone sends one in 20 ms, so that more is a burst.
pub const RTP_BATCH: usize = 8;

/// Datagrams of browsers taken by one system call: checks and handshakes, of which each costs more than the call.
pub const WEBRTC_BATCH: usize = 32;
/// Datagrams that media threads heard of browsers and that are no audio: some of each browser, a few seconds apart.
pub const WEBRTC_STRAYS: usize = 512;
/// TCP connections of browsers at a time: each that cannot use UDP has one or two.
pub const WEBRTC_TCP: usize = 1_024;
/// Those of one address: an office behind one NAT.
pub const WEBRTC_TCP_PER_SOURCE: usize = 256;
/// How long one may take to bring a check that knows a call, and be silent then; browsers check each path every few seconds.
pub const WEBRTC_TCP_FIRST: Duration = Duration::from_secs(10);
/// See [`WEBRTC_TCP_FIRST`].
pub const WEBRTC_TCP_IDLE: Duration = Duration::from_secs(60);
/// How often it is looked for those that are late.
pub const WEBRTC_TCP_SWEEP: Duration = Duration::from_secs(1);
/// Connections that were accepted, and answers to browsers, that wait for the thread; what is lost is sent again.
pub const WEBRTC_TCP_ORDERS: usize = 4_096;
/// Octets that the kernel keeps of a connection in each direction: with its own overhead about a second of audio, which is already too late.
pub const WEBRTC_TCP_BUFFER: usize = 64 << 10;
/// The same between a media thread and the one of those connections: the bursts of a few calls.
pub const WEBRTC_PAIR_BUFFER: usize = 32 << 10;
/// Addresses of the box that browsers are told.
pub const OWN_ADDRESSES: usize = 8;

/// Facts that wait for the store. At 30 a call this is what a minute without the disk brings at 100 calls a second.
pub const FACTS: usize = 200_000;
/// The longest that a fact waits for its commit while the disk works.
pub const COMMIT_INTERVAL: Duration = Duration::from_millis(50);
/// The longest that a refreshed registration waits for its commit.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes kept on the disk for a start without room: what SQLite needs to open a database and to close the calls of the
/// last run, several times over.
pub const RESERVE: usize = 1 << 20;

/// How long SIGTERM waits for calls to end by themselves.
pub const DRAIN: Duration = Duration::from_secs(30 * 60);
/// How long the second SIGTERM waits for phones to be told.
pub const STOP: Duration = Duration::from_secs(2);

/// Playbacks from files and the network at a time.
pub const PLAYBACKS: usize = 512;
/// Sounds in a row of one playback.
pub const SOUNDS: usize = 256;
/// Audio in one buffer of a playback, and how many of them circulate: the disk may be busy for 400 ms before a gap is heard.
pub const SOUND_BUFFER: Duration = Duration::from_millis(200);
/// See [`SOUND_BUFFER`].
pub const SOUND_BUFFERS: usize = 3;

/// Octets of a URL.
pub const URL: usize = 2_048;
/// Octets of one sound from the network: half an hour of MP3 at 128 kbit/s.
pub const SOUND_FILE: u64 = 32 << 20;
/// Octets of all sounds from the network that are kept on the disk.
pub const SOUND_CACHE: u64 = 96 << 20;
/// How long a sound from the network is played without being asked for again.
pub const SOUND_FRESH: Duration = Duration::from_secs(15 * 60);
/// Sounds that are fetched at a time, and that wait to be.
pub const FETCHES: usize = 4;
/// See [`FETCHES`].
pub const FETCHES_WAITING: usize = 64;
/// How long a web server may take to be found and to be reached, each.
pub const FETCH_CONNECT: Duration = Duration::from_secs(5);
/// How long a sound, or another answer of a web server, may take to arrive, all in all: somebody waits for it on the telephone.
pub const FETCH: Duration = Duration::from_secs(30);
/// Names that wait to be looked up.
pub const QUESTIONS: usize = 1_024;
/// Names that are looked up at a time.
pub const QUESTIONS_AT_ONCE: usize = 32;
/// How long one look-up may take, with everything that it leads to; the exchange gives up a little later.
pub const QUESTION: Duration = Duration::from_millis(4_500);
/// How long one name server may take for one question.
pub const QUESTION_TRY: Duration = Duration::from_millis(1_500);
/// The longest that an answer is believed.
pub const NAME_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// Redirects that are followed.
pub const REDIRECTS: u32 = 3;

/// Connections to web servers that are kept open between two webhooks, and for how long: servers close them after 5 s and more.
pub const WEBHOOK_CONNECTIONS: usize = 16;
/// See [`WEBHOOK_CONNECTIONS`].
pub const WEBHOOK_CONNECTION_IDLE: Duration = Duration::from_secs(3);
/// Octets of the answer to a webhook that are read before the connection is given up.
pub const WEBHOOK_ANSWER: u64 = 16 << 10;
/// Characters of what a web server says against a webhook that are kept.
pub const WEBHOOK_COMPLAINT: usize = 200;
/// Octets of the actions that a web server may answer.
pub const FETCHED_ACTIONS: usize = 1 << 20;
/// How long flite may speak one text, and what of the processor it may take for it.
pub const SPEAKING: Duration = Duration::from_secs(20);
/// Octets of memory that flite may take, for the longest text three times over.
pub const SPEAKING_MEMORY: u64 = 512 << 20;
/// How long a service that speaks may take before the box speaks itself: somebody listens to the silence.
pub const SPEECH_SERVICE: Duration = Duration::from_secs(8);
/// Octets of one spoken text: more than eight minutes at 16 kHz.
pub const SPEECH_FILE: u64 = 16 << 20;
/// Octets of all spoken texts that are kept on the disk.
pub const SPOKEN: u64 = 64 << 20;
/// How long a mail server may take for one step.
pub const MAIL_SERVER: Duration = Duration::from_secs(20);
/// Octets of the recordings that go with one e-mail: in memory it is nearly three times that, and few servers take more.
pub const EMAIL_ATTACHMENTS: u64 = 8 << 20;
/// How long a thread that runs errands waits for the next one.
pub const ERRAND_THREAD_IDLE: Duration = Duration::from_secs(30);

/// Recordings at a time.
pub const RECORDINGS: usize = 512;
/// Audio in one buffer of a recording, and how many of them circulate: the disk may be busy for a second before something
/// is missing.
pub const RECORDING_BUFFER: Duration = Duration::from_millis(250);
/// See [`RECORDING_BUFFER`].
pub const RECORDING_BUFFERS: usize = media::recorder::BUFFERS;
/// How often what is recorded is brought to the disk. With a buffer that is being filled, and what the disk takes for it, a power
/// cut costs less than two seconds.
pub const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// Octets of the disk that recordings leave to the database.
pub const RECORDING_RESERVE: u64 = 32 << 20;
/// Octets of the disk below which recordings that are in the bucket go from the box before their time.
pub const RECORDING_ROOM: u64 = 128 << 20;
/// Octets of the disk below which the oldest recordings go that are not there, rather than that none can be made any more.
pub const RECORDING_LAST_ROOM: u64 = 48 << 20;
/// Folders within one another that are searched for what an earlier run left of recordings.
pub const RECORDING_FOLDERS: usize = 8;
/// Files of an earlier run that are looked after at a start; the next start looks after more.
pub const RECOVERED: usize = 100_000;
/// What a conversion may take of the processor: a day of sound on a slow board.
pub const CONVERSION_CPU: Duration = Duration::from_secs(4 * 3_600);
/// Octets of what a conversion says when it fails.
pub const COMPLAINT: u64 = 4_096;
/// How often the kernel is asked for a port that SIP can have for UDP and TCP.
pub const PORT_CHOICES: usize = 16;
/// How often it is written down that calls go on which are paid for: by so much too little may be charged for a call that the end
/// of the process cuts off.
pub const ALIVE_INTERVAL: Duration = Duration::from_secs(60);

/// Names in one certificate of an ACME server.
pub const ACME_NAMES: usize = 20;
/// Octets of an answer of an ACME server that are read.
pub const ACME_ANSWER: u64 = 256 << 10;
/// How long an ACME server may take to look whether the names are the box's, and to sign.
pub const ACME_PATIENCE: Duration = Duration::from_secs(120);
/// How long who makes records for DNS-01 may take to answer.
pub const ACME_HOOK: Duration = Duration::from_secs(60);
/// The longest wait for a record to be known everywhere, in seconds.
pub const ACME_DNS_WAIT: u32 = 3_600;
/// The first wait after an ACME server did not sign; it doubles with each further failure. Servers count failures by the hour.
pub const ACME_RETRY: Duration = Duration::from_secs(900);
/// The longest wait between two attempts.
pub const ACME_RETRY_MAX: Duration = Duration::from_secs(24 * 3_600);
/// How often the clock is looked at while nothing is to be asked for: it may be set.
pub const ACME_LOOK: Duration = Duration::from_secs(60);

/// How long an update may take to be downloaded, over the slowest line.
pub const UPDATE: Duration = Duration::from_secs(3_600);
