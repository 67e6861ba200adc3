//! Every bound of the exchange, with its reason.

use std::num::NonZeroU16;
use std::time::Duration;

/// Guests in calls at a time: they have proved nothing, and must not take the ports of those who have.
pub const GUESTS: usize = 50;
/// Steps kept of one call's ladder: a long call with session refreshes must not grow without end.
pub const SEQUENCE_STEPS: usize = 400;
/// Codecs offered to a phone, and read of its offer: as many as a stream of the media engine may receive.
pub const CODECS: usize = media::limits::RECEIVE_FORMATS;
/// Contacts of one extension (VoIPBIN's `max_contacts`).
pub const CONTACTS_PER_EXTENSION: usize = 3;
/// Wrong digests within [`GUESS_WINDOW`] after which a source is not listened to.
pub const GUESSES: u32 = 10;
/// The time within which guesses count together.
pub const GUESS_WINDOW: Duration = Duration::from_secs(60);
/// How long a guessing source is not listened to.
pub const GUESS_BLOCK: Duration = Duration::from_secs(300);
/// Sources remembered by the guard; beyond it the one silent for longest is forgotten.
pub const GUESS_SOURCES: usize = 10_000;
/// Extensions.
pub const EXTENSIONS: usize = 10_000;
/// Agents, each with at most [`ADDRESSES_OF_AGENT`] addresses of a kilobyte: a tag that is deleted is taken from all at once.
pub const AGENTS: usize = 1_000;
/// Tags.
pub const TAGS: usize = 1_000;
/// Tags of one agent.
pub const TAGS_OF_AGENT: usize = 100;
/// Addresses of one agent: all may be rung at once.
pub const ADDRESSES_OF_AGENT: usize = 10;
/// How many of a conference are heard together unless it is set: more than three that talk at once nobody understands, and
/// the noise of those who only listen stays out.
pub const CONFERENCE_LOUDEST: Option<NonZeroU16> = NonZeroU16::new(3);
/// Conferences.
pub const CONFERENCES: usize = 1_000;
/// Calls in one conference: all of them are mixed within the same few milliseconds.
pub const CONFERENCE_MEMBERS: usize = 256;
/// Calls of one conference on one media thread: what a thread makes of them within two milliseconds, so that the packets of
/// other calls need not wait for longer.
pub const SEATS_A_THREAD: usize = 64;
/// Calls at a time (each takes at least two ports of the RTP range besides).
pub const CALLS: usize = 10_000;
/// INVITEs remembered between their challenge and their second attempt, for the ladder.
pub const PRELUDES: usize = 64;
/// Messages kept of each of those.
pub const PRELUDE_STEPS: usize = 8;
/// Bytes of ladders handed to the store within a second; those of further calls in that second are counted and not kept.
pub const SEQUENCE_BYTES_PER_SECOND: usize = 1 << 20;
/// How long the ladder of a call that is over waits for the last answers.
pub const LADDER_LINGER: Duration = Duration::from_secs(1);
/// Recordings that a conference names, the latest.
pub const CONFERENCE_RECORDINGS: usize = 100;
/// Recordings at a time: each has up to 51 KiB of buffers, and writes up to 64 KB a second.
pub const RECORDINGS: usize = 500;
/// The longest that one recording may be asked to last, or to wait for somebody to speak.
pub const RECORDING: Duration = Duration::from_secs(24 * 3_600);
/// How long the last statistics of a stream may take before its leg is closed without them.
pub const STATISTICS_WAIT: Duration = Duration::from_secs(2);
/// The least session interval accepted (RFC 4028 §4).
pub const MIN_SESSION_EXPIRES: u32 = 90;
/// RTP port pairs whose sockets are held ahead of the calls: what a batch of INVITEs takes before the daemon has bound more.
pub const PORT_RESERVE: usize = 64;
/// How long a pair rests between two legs while fresh ones are there; phones send a little after they were told BYE.
pub const PORT_REST: Duration = Duration::from_secs(10);
/// Pairs that rest with their sockets open; beyond it they serve again earlier.
pub const PORTS_RESTING: usize = 2_048;
/// After how long a pair that another process held is tried again.
pub const PORT_RETRY: Duration = Duration::from_secs(60);
/// How long no sockets are asked for after the system had none to give.
pub const PORT_PAUSE: Duration = Duration::from_secs(1);
/// How long a call may wait until the daemon has bound ports for it: it takes a fraction of a millisecond, or something is broken.
pub const PORT_WAIT: Duration = Duration::from_secs(2);
/// Actions of one flow, those of nested ones besides.
pub const FLOW_ACTIONS: usize = 1_000;
/// Nested flows within each other (`fetch`, `fetch_flow`).
pub const FLOW_DEPTH: usize = 10;
/// Activeflows that follow one another by `on_complete_flow_id`.
pub const FLOW_CHAIN: u32 = 5;
/// Legs of one call, those that are over as well: a flow may ring many, one after the other.
pub const LEGS: usize = 200;
/// Flows that are kept.
pub const FLOWS: usize = 10_000;
/// Bytes of the actions of all flows in memory: 250 flows that are as long as one may be, or 10,000 of some 3 KiB.
pub const FLOWS_WEIGHT: usize = 32 << 20;
/// Seconds of audio that are noted in one call's ladder: with them it keeps room for everything else.
pub const RTP_NOTES: usize = SEQUENCE_STEPS / 4;
/// Numbers.
pub const NUMBERS: usize = 10_000;
/// Trunks.
pub const TRUNKS: usize = 1_000;
/// Addresses that one trunk may call from.
pub const TRUNK_NETWORKS: usize = 100;
/// Providers: each registration and each health check costs a message now and then.
pub const PROVIDERS: usize = 100;
/// Octets of the certificates that vouch for a provider.
pub const TLS_ROOTS: usize = 64 << 10;
/// Headers that a provider wants in every INVITE.
pub const PROVIDER_HEADERS: usize = 20;
/// What the numbers that may be called begin with: every country there is, and twice as many besides.
pub const DESTINATION_WHITELIST: usize = 500;
/// Routes.
pub const ROUTES: usize = 1_000;
/// INVITEs that one leg may send, one after the other, to one provider's addresses and the next provider's.
pub const ATTEMPTS: u8 = 8;
/// How long a provider may say nothing at all to an INVITE while there is another one to try.
pub const ATTEMPT_WAIT: Duration = Duration::from_secs(4);
/// How long a call waits until it is known where a name is that was never looked up before.
pub const NAME_WAIT: Duration = Duration::from_secs(5);
/// Names whose addresses are remembered.
pub const NAMES: usize = 1_000;
/// Addresses kept of one name.
pub const ADDRESSES: usize = 8;
/// How long the addresses of a name are used without asking again, at least and at most, whatever the name server says.
pub const NAME_LIFE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(24 * 3_600));
/// How long it is remembered that a name has no address, or could not be looked up.
pub const NAME_FAILURE: Duration = Duration::from_secs(30);
/// The first wait after a registration failed; it doubles with each further failure.
pub const REGISTER_RETRY: Duration = Duration::from_secs(5);
/// How long a registration waits to be made again whose connection is gone.
pub const REGISTER_RENEW: Duration = Duration::from_secs(1);
/// The longest wait between two attempts to register.
pub const REGISTER_RETRY_MAX: Duration = Duration::from_secs(300);
/// Challenges that one request answers: the first, and some more for nonces that are too old.
pub const CHALLENGES: u8 = 3;
/// The first wait for a STUN server; it doubles with each try (RFC 8489 §6.2.1).
pub const STUN_RETRY: Duration = Duration::from_millis(500);
/// How often one STUN server is asked before it is left: 32 s in all.
pub const STUN_TRIES: u32 = 6;
/// How long nobody is asked after a STUN server said nothing.
pub const STUN_REST: Duration = Duration::from_secs(10);
/// Requests of one call that are passed on to a provider at a time and can be repeated with our password.
pub const PASSED_ON: usize = 4;
/// Registrations with one provider that only say where we are reached now, one right after the other.
pub const REGISTER_MOVES: u8 = 2;
/// How often a provider is asked by OPTIONS whether it is there.
pub const HEALTH_INTERVAL: Duration = Duration::from_secs(60);
/// Actions that an activeflow remembers to have executed, the latest.
pub const EXECUTED_ACTIONS: usize = 100;
/// Bytes of a variable's name.
pub const VARIABLE_NAME: usize = 255;
/// Bytes of a variable that is set from outside (VoIPBIN's figure, like the next two).
pub const VARIABLE: usize = 32 * 1024;
/// Variables of an activeflow that are set from outside.
pub const VARIABLES: usize = 100;
/// Bytes of all of them.
pub const VARIABLES_WEIGHT: usize = 64 * 1024;
/// Bytes of a text after its variables were filled in.
pub const FILLED_TEXT: usize = 64 * 1024;
/// Errands that run at a time: each has a thread of the daemon while it runs.
pub const ERRANDS: usize = 16;
/// Errands that run at a time at one place: one server, or the voice of the box.
pub const ERRANDS_AT_A_PLACE: usize = 4;
/// Errands that run or wait.
pub const ERRANDS_WAITING: usize = 1_000;
/// Octets of all of them together.
pub const ERRANDS_OCTETS: usize = 8 << 20;
/// How long a flow waits for an errand: what a web server may take, and a little in the queue.
pub const ERRAND_WAIT: Duration = Duration::from_secs(40);
/// Characters of a text that is spoken: about five minutes.
pub const SPEECH: usize = 4_000;
/// Octets of a text that is sent by SIP: with its headers it has to fit into 1,300 (RFC 3428 §8).
pub const MESSAGE: usize = 900;
/// Texts that are on their way at a time.
pub const MESSAGES: usize = 1_000;
/// How long an e-mail rests before it is tried again: a recording may still have to be made ready, a mail server be away for a while.
pub const EMAIL_RESTS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300)];
/// Octets of the subject of an e-mail.
pub const EMAIL_SUBJECT: usize = 1_000;
/// How long it may take to find out who has answered: what listens for it gives up earlier.
pub const MACHINE_WAIT: Duration = Duration::from_secs(8);
/// How long a request that nobody waits for rests before it is tried again.
pub const WEBHOOK_RESTS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];
/// Digits that wait to be read.
pub const DIGITS: usize = 128;
/// Keys of one call that are told to the world within a second: people press fewer. All of them count in flows.
pub const DIGITS_TOLD: u32 = 20;
/// Digits that are sent by one request.
pub const DIGITS_SENT: usize = 100;
/// Bytes of an address that a program gives.
pub const ADDRESS: usize = 255;
/// Hops that a request may make which begins with us (RFC 3261 §8.1.1.6).
pub const HOPS: u8 = 70;
/// Destinations of one action or one call.
pub const DESTINATIONS: usize = 20;
/// A price in micros: a million of the currency.
pub const PRICE: i64 = 1_000_000_000_000;
/// Money in micros, a thousand million of the currency: whoever reads the API with numbers of 53 bits reads it right.
pub const MONEY: i64 = 1_000_000_000_000_000;
/// Adjustments of the balance that are known again when they are asked for once more before the store knows them.
pub const ADJUSTMENTS: usize = 256;
/// Characters of what is said before a call is ended because the balance is spent: what one says in the time that is left.
pub const ANNOUNCEMENT: usize = 500;
/// How long before the end of the last minute that is paid for those who talk are told.
pub const SPENT_WARNING: Duration = Duration::from_secs(20);
