//! Every bound of what is remembered, with its reason.

use std::time::Duration;

/// Events kept in the log; a reader that falls further behind is told what it missed.
pub const EVENTS: i64 = 200_000;
/// How long an event is kept.
pub const EVENT_AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// The reader that gets every event, however long it is away: of what it has not read yet, nothing is deleted. The log then
/// grows beyond its limits; it shrinks once it has read, or is dropped. What is paid for needs no reader: it is booked in the
/// transaction that writes the event.
pub const OWED: &str = "cloud";
/// What part of its disk the database may take before events go that [`OWED`] has not read: one in so many. First those
/// go that are no record of a call, a recording or something to be paid, from the oldest on; then the oldest of all.
pub const DISK_SHARE: u64 = 4;
/// Events beyond [`EVENTS`] that may gather before they are deleted, so that not every batch has to.
pub const EVENT_SLACK: i64 = 1_000;
/// Rows deleted in one transaction at most: a trim must not hold up the batch behind it.
pub const TRIM_STEP: i64 = 20_000;
/// How long a clock must have stood that moved ahead further than this, before what is kept for so many days goes by it.
pub const CLOCK_DOUBT: Duration = Duration::from_secs(24 * 3600);
/// Boots that are remembered.
pub const BOOTS: i64 = 10_000;
/// Rows of a table that are looked through for what is to be dated anew when the clock is set.
pub const REDATED: i64 = 20_000;
/// Ladders kept of calls that are over: about 3 KiB each.
pub const SEQUENCES: i64 = 10_000;
/// Call records kept: about 400 bytes each. The oldest ended ones go first, and it is reported.
pub const CALLS: i64 = 1_000_000;
/// Entries kept of the ledger: about 120 bytes each. The balance does not depend on them.
pub const BILLINGS: i64 = 1_000_000;
/// What a call is charged for at most that the end of the process has cut off: as long as calls may last. The clock may have
/// been set meanwhile.
pub const INTERRUPTED_CALL: Duration = Duration::from_secs(3_600);
/// Records kept of conferences that are over.
pub const CONFERENCES: i64 = 100_000;
/// Records kept of places in conferences: about 100 bytes each.
pub const CONFERENCECALLS: i64 = 1_000_000;
/// Records kept of groupcalls: about 500 bytes each.
pub const GROUPCALLS: i64 = 200_000;
/// Records kept of flows that were deleted.
pub const FLOWS: i64 = 20_000;
/// Records kept of numbers that were deleted: about 150 bytes each.
pub const NUMBERS: i64 = 100_000;
/// Records kept of agents that were deleted.
pub const AGENTS: i64 = 20_000;
/// Records kept of access keys that were deleted.
pub const ACCESSKEYS: i64 = 20_000;
/// Records kept of tags that were deleted.
pub const TAGS: i64 = 20_000;
/// Records kept of trunks, providers and routes that were deleted, each.
pub const TRUNKS: i64 = 10_000;
/// Records kept of flows that ran: from 200 bytes to, for a hundred long actions, some 50 KiB.
pub const ACTIVEFLOWS: i64 = 100_000;
/// Things remembered that belong to an activeflow whose web server is told: about 60 bytes each.
pub const BELONGINGS: i64 = 100_000;
/// Lists and objects within each other in the options of an action. Whoever reads them may add as many around them before
/// a reader of JSON gives up, usually at 128.
pub const VALUE_DEPTH: usize = 64;
/// Rows of one page of a list (VoIPBIN's maximum).
pub const PAGE: u32 = 100;
/// Entries that wait for the store thread, with room made for all of them from the start. The exchange hands over one in
/// 50 ms and keeps what does not fit; people who ask for more are told that the database is behind.
pub const JOURNAL_QUEUE: usize = 1_024;
/// Items committed in one transaction at most.
pub const BATCH: usize = 4_096;
/// How long the store thread waits before it tries again to write to a full disk.
pub const RETRY: Duration = Duration::from_secs(1);
/// The ladder's JSON before compression: 400 steps with a whole message each stay far below.
pub const SEQUENCE_BYTES: usize = 8 * 1024 * 1024;
/// How long a connection waits for another's lock before it gives up.
pub const BUSY: Duration = Duration::from_secs(5);
/// How often a web server is told of one event until it is given up, where nobody asks for more.
pub const TRIES: u32 = 3;
/// Tries that are told of one delivery.
pub const TRIES_TOLD: usize = 10;
/// Deliveries kept that reached their web server: about 250 bytes each.
pub const DELIVERIES: i64 = 10_000;
/// Deliveries kept altogether, those that did not reach it among them; those that wait are always kept.
pub const DELIVERIES_FAILED: i64 = 100_000;

/// Characters of a passphrase for a backup, at least: whoever has the file may guess as long as he likes.
pub const PASSPHRASE: usize = 12;
/// KiB of memory that making a key of it takes: as a password check does, so that the smallest box can do it.
pub const PASSPHRASE_MEMORY: u32 = 19 * 1_024;
/// How often argon2id goes over that memory: about a second on a small board.
pub const PASSPHRASE_PASSES: u32 = 8;
/// KiB of memory that a backup of others may ask for.
pub const PASSPHRASE_MEMORY_MOST: u32 = 64 * 1_024;
/// How often it may have argon2id go over it.
pub const PASSPHRASE_PASSES_MOST: u32 = 64;
/// Files in a backup.
pub const BACKUP_FILES: usize = 1_000_000;
/// Octets of the disk that neither making a backup nor unpacking one takes: the exchange goes on meanwhile.
pub const BACKUP_ROOM: u64 = 16 << 20;
