//! Every bound of delivery, with its reason.

use std::time::Duration;

/// Events taken from the log at a time; each is about 1 KiB.
pub const BATCH: u32 = 100;
/// How long the store may take to write something down.
pub const WRITE: Duration = Duration::from_secs(10);

/// Octets of a part of an upload: the least that S3 takes. This much is in memory, and is sent again after a cut.
pub const PART_BYTES: u64 = 5 << 20;
/// How long one part may take: what it takes at 24 kbit/s.
pub const PART: Duration = Duration::from_secs(30 * 60);
/// How long a bucket may let us wait without anything moving.
pub const STILL: Duration = Duration::from_secs(30);
/// In how many pieces a second what is sent at a pace goes: each is on the line for so short that calls do not notice.
pub const PIECES_A_SECOND: u64 = 50;
/// How long a link to an object counts.
pub const LINK_AGE: Duration = Duration::from_secs(3_600);
/// How long the signature of a request of ours counts: as long as its part may take.
pub const REQUEST_AGE: Duration = Duration::from_secs(3_600);
/// Octets of what a bucket may answer: a page of a thousand parts.
pub const ANSWER: u64 = 1 << 20;
/// Characters of what a bucket says that are kept and shown.
pub const REASON: usize = 300;
/// Uploads of a bucket that are looked through for what an earlier run has left behind.
pub const UPLOADS: usize = 100_000;
/// Recordings that are looked at in one round.
pub const ROUND: u32 = 1_000;
/// How often is looked whether anything happened.
pub const LOOK: Duration = Duration::from_secs(1);
/// How often is looked what has grown too old, and how full the disk is.
pub const SWEEP: Duration = Duration::from_secs(30);
/// After a failure the next try waits so long, then twice as long, and so on.
pub const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The longest that it waits.
pub const LAST_DELAY: Duration = Duration::from_secs(5 * 60);
/// How long a file waits to be converted before it is uploaded as it is: longer than any conversion may take.
pub const CONVERSION: Duration = Duration::from_secs(24 * 3_600);
/// How long the end of the process waits for a part that is on its way; what of it was sent is sent again.
pub const STOP: Duration = Duration::from_millis(500);

/// Records of one request to the cloud.
pub const CLOUD_RECORDS: usize = 1_000;
/// Octets of them before compression; one that is longer goes alone.
pub const CLOUD_BYTES: usize = 1 << 20;
/// What a record takes besides its data.
pub const CLOUD_OVERHEAD: usize = 200;
/// Octets of what the cloud may answer.
pub const CLOUD_ANSWER: u64 = 64 * 1_024;
/// How long the cloud may take to answer.
pub const CLOUD_PATIENCE: Duration = Duration::from_secs(30);
/// Octets of a configuration that comes down.
pub const CONFIGURATION: u64 = 1 << 20;
/// How often is asked for one, where the cloud does not say otherwise.
pub const CONFIGURATION_PULL: Duration = Duration::from_secs(60);
/// Messages that wait for their confirmation by RabbitMQ at a time. After a failure it is one, then two, and so on: where it
/// takes none, nothing comes before what could not go.
pub const BROKER_WINDOW: usize = 256;
/// Octets of a frame to RabbitMQ. For 32 of them is room in each direction.
pub const BROKER_FRAME: u32 = 16 * 1_024;
/// How often RabbitMQ and the box tell each other that they are there, in seconds.
pub const BROKER_HEARTBEAT: u16 = 30;
/// The longest that the cloud may want to be left alone.
pub const LAST_WAIT: Duration = Duration::from_secs(3_600);
/// How often is written down how far the cloud has everything: after a crash this much comes twice.
pub const CURSOR: Duration = Duration::from_secs(30);
/// See [`CURSOR`].
pub const CURSOR_RECORDS: i64 = 10_000;

/// How long a web server may take to answer.
pub const WEBHOOK_ANSWER: Duration = Duration::from_secs(30);
/// How long after the first try the second one comes; each further one takes [`BACKOFF_FACTOR`] times as long, and all of them a
/// quarter more or less, so that what failed together does not come again together.
pub const BACKOFF: Duration = Duration::from_secs(2);
/// See [`BACKOFF`].
pub const BACKOFF_FACTOR: u32 = 4;
/// The longest that a web server may have us wait by `Retry-After`.
pub const RETRY_AFTER: Duration = Duration::from_secs(60);
/// Web servers of activeflows that are told at the same time, each on a thread; the customer's own has one more.
pub const LANES: usize = 64;
/// How long a lane rests that cannot write down what it did.
pub const UNWRITTEN: Duration = Duration::from_secs(1);
/// How long the end waits for what is being told.
pub const WEBHOOK_STOP: Duration = Duration::from_secs(1);
