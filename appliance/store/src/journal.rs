//! The store thread: it owns the writer and commits whatever has gathered, in one transaction, before anybody hears of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::timestamp::Timestamp;
use crate::writer::{Committed, Durability, Item, Writer};
use crate::{Error, limits};

/// How often what is too old is looked for.
const TRIM_EVERY: Duration = Duration::from_secs(600);
/// How long lies between two copies of what people configured, at least.
const COPY_EVERY: Duration = Duration::from_secs(60);
/// Items for which room is kept between two batches.
const KEPT: usize = 64;
/// What [`Worker::calm`] is.
const CALM: Duration = Duration::from_secs(5);
/// So many items between two calms are a burst.
const BURST: usize = 1_000;
/// How often a batch is tried while the journal is being closed.
const LAST_TRIES: u32 = 3;

/// Called on the store thread after the commit, so it must be short.
pub type Done = Box<dyn FnOnce(Committed) + Send>;

/// Items that belong together, and what to do once they are written. Where they cannot be written, `done` is dropped.
pub struct Entry {
    /// What is to be remembered, in order.
    pub items: Vec<Item>,
    /// What waits for it.
    pub done: Option<Done>,
}

/// What the store thread needs from the process.
pub struct Hooks {
    /// Reads the wall clock.
    pub clock: Box<dyn Fn() -> Timestamp + Send>,
    /// Called after each commit that appended events, with the last number in the log: wakes the readers.
    pub committed: Box<dyn Fn(i64) + Send>,
    /// Called once where writing can never succeed again; nothing is accepted afterwards.
    pub failed: Box<dyn FnOnce(Error) + Send>,
}

/// What the store thread has done, for `/metrics` and `/healthz`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Items written.
    pub items: u64,
    /// Transactions committed.
    pub batches: u64,
    /// Items refused because the queue was full.
    pub refused: u64,
    /// Items that were accepted and never written, because writing ended before them.
    pub lost: u64,
    /// Entries that wait.
    pub waiting: u64,
    /// Why nothing can be written at the moment, if so.
    pub failing: Option<String>,
}

/// Hands entries to the store thread; clones are cheap.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    sender: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    closing: AtomicBool,
    items: AtomicU64,
    batches: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    waiting: AtomicU64,
    failing: Mutex<Option<String>>,
}

enum Message {
    Entry(Entry),
    Close,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("statistics", &self.statistics()).finish()
    }
}

impl Journal {
    /// Starts the thread.
    pub fn start(writer: Writer, hooks: Hooks) -> std::io::Result<Journal> {
        Journal::start_with(writer, hooks, CALM)
    }

    fn start_with(writer: Writer, hooks: Hooks, calm: Duration) -> std::io::Result<Journal> {
        let (sender, receiver) = sync_channel(limits::JOURNAL_QUEUE);
        let shared = Arc::new(Shared {
            sender,
            thread: Mutex::new(None),
            closing: AtomicBool::new(false),
            items: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            failing: Mutex::new(None),
        });
        let trimmed = Instant::now();
        let worker =
            Worker { writer, receiver, hooks, shared: Arc::clone(&shared), calm, trimmed, copied: None, written: 0 };
        let thread = Builder::new().name("store".into()).spawn(move || worker.run())?;
        *shared.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(Journal { shared })
    }

    /// Hands over an entry and never waits. The entry comes back where the queue is full (its items are counted as
    /// refused) or the journal has ended.
    pub fn submit(&self, entry: Entry) -> Result<(), Entry> {
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        let refused = match self.shared.sender.try_send(Message::Entry(entry)) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => message,
        };
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        let Message::Entry(entry) = refused else {
            unreachable!("the message that comes back is the one that was sent")
        };
        self.shared.refused.fetch_add(entry.items.len() as u64, Ordering::Relaxed);
        Err(entry)
    }

    /// Writes what waits, and ends the thread. Returns once it has ended.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // An error means that the thread has ended by itself: then there is nothing to be told.
            let _ = self.shared.sender.send(Message::Close);
            let _ = thread.join();
        }
    }

    /// What the thread has done so far.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            items: self.shared.items.load(Ordering::Relaxed),
            batches: self.shared.batches.load(Ordering::Relaxed),
            refused: self.shared.refused.load(Ordering::Relaxed),
            lost: self.shared.lost.load(Ordering::Relaxed),
            waiting: self.shared.waiting.load(Ordering::Relaxed),
            failing: self.shared.failing.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

struct Worker {
    writer: Writer,
    receiver: Receiver<Message>,
    hooks: Hooks,
    shared: Arc<Shared>,
    /// How long nothing must come until what a burst needed is given back.
    calm: Duration,
    trimmed: Instant,
    copied: Option<Instant>,
    /// Items since the last calm: the connection may hold pages that nobody needs any more.
    written: usize,
}

/// Why a thread stopped working.
enum End {
    /// It had much to do, and nothing came for a while.
    Calm,
    /// The journal was closed.
    Closed,
    /// Writing can never succeed again: why, and what was to be written.
    Failed(Error, Gathered),
}

/// What was taken from the queue for one transaction.
#[derive(Default)]
struct Gathered {
    items: Vec<Item>,
    done: Vec<Done>,
    close: bool,
}

impl Worker {
    /// Works until the end, and after each burst on a fresh thread: allocators keep memory for a thread until it ends.
    fn run(mut self) {
        loop {
            let fresh = Builder::new().name("store".into());
            let mut end = None;
            let work = || end = Some(self.work());
            if let Err(error) = std::thread::scope(|scope| fresh.spawn_scoped(scope, work).map(drop)) {
                tracing::warn!(%error, "no fresh thread can be had");
            }
            match end.unwrap_or_else(|| self.work()) {
                End::Calm => {}
                End::Closed => return,
                End::Failed(error, gathered) => return self.fail(error, gathered),
            }
        }
    }

    fn work(&mut self) -> End {
        let mut gathered = Gathered::default();
        while !gathered.close {
            gathered.take(&self.receiver, &self.shared, if self.written > 0 { self.calm } else { TRIM_EVERY });
            if !gathered.items.is_empty() || !gathered.done.is_empty() {
                match self.write(&gathered.items) {
                    Ok(committed) => {
                        gathered.done.drain(..).for_each(|done| done(committed));
                        if committed.events > 0 {
                            (self.hooks.committed)(committed.latest_seq);
                        }
                    }
                    Err(error) => return End::Failed(error, gathered),
                }
                self.written += gathered.items.len().max(1);
                gathered.items.clear();
                gathered.items.shrink_to(KEPT);
            } else if self.written > 0 {
                self.copy(COPY_EVERY);
                self.writer.release_memory();
                if std::mem::take(&mut self.written) >= BURST && !gathered.close {
                    return End::Calm;
                }
            }
            if self.trimmed.elapsed() >= TRIM_EVERY {
                self.trim((self.hooks.clock)());
                self.copy(COPY_EVERY);
            }
        }
        self.copy(Duration::ZERO);
        End::Closed
    }

    /// Writes a batch, waiting for the disk as long as it takes; an error is one that waiting does not help.
    fn write(&mut self, items: &[Item]) -> Result<Committed, Error> {
        let durability = items.iter().map(Item::durability).max().unwrap_or(Durability::Batched);
        let (mut tries, mut since) = (0, None);
        loop {
            match self.writer.write(items, durability) {
                Ok(committed) => {
                    self.shared.items.fetch_add(items.len() as u64, Ordering::Relaxed);
                    self.shared.batches.fetch_add(1, Ordering::Relaxed);
                    if let Some(since) = since {
                        tracing::warn!(tries, "the database can be written again");
                        let reason = self.set_failing(None).unwrap_or_default();
                        let delay = Item::Delayed { since, until: (self.hooks.clock)(), reason };
                        return Ok(self.writer.write(&[delay], Durability::Acknowledged).unwrap_or(committed));
                    }
                    return Ok(committed);
                }
                Err(error) if error.is_transient() => {
                    tries += 1;
                    since.get_or_insert_with(|| (self.hooks.clock)());
                    if tries == 1 {
                        tracing::error!(%error, "the database cannot be written; trying again every second");
                    }
                    if self.shared.closing.load(Ordering::Relaxed) && tries >= LAST_TRIES {
                        return Err(error);
                    }
                    self.set_failing(Some(error.to_string()));
                    std::thread::sleep(limits::RETRY);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The end: counts what was not written, and what waits behind it.
    fn fail(self, error: Error, mut gathered: Gathered) {
        while let Ok(message) = self.receiver.try_recv() {
            gathered.add(message, &self.shared);
        }
        let lost = gathered.items.iter().filter(|item| item.is_missed()).count();
        self.shared.lost.fetch_add(lost as u64, Ordering::Relaxed);
        tracing::error!(%error, lost, "the database cannot be written any more; what was not written is lost");
        self.set_failing(Some(error.to_string()));
        (self.hooks.failed)(error);
    }

    /// Says why nothing can be written, and gives what was said before.
    fn set_failing(&self, reason: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.shared.failing.lock().unwrap_or_else(PoisonError::into_inner), reason)
    }

    /// Makes the copy from which a damaged database is restored, if that one is old and the last is not that young.
    fn copy(&mut self, apart: Duration) {
        if !self.writer.needs_copy() || self.copied.is_some_and(|copied| copied.elapsed() < apart) {
            return;
        }
        self.copied = Some(Instant::now());
        if let Err(error) = self.writer.make_copy() {
            tracing::warn!(%error, "what was configured could not be copied; the next time will do");
        }
    }

    fn trim(&mut self, now: Timestamp) {
        self.trimmed = Instant::now();
        match self.writer.trim(now) {
            Ok(trimmed) if trimmed.calls > 0 => tracing::warn!(?trimmed, "the oldest call records were deleted"),
            Ok(trimmed) => tracing::debug!(?trimmed, "trimmed"),
            Err(error) => tracing::warn!(%error, "trimming failed; the next one will do"),
        }
    }
}

impl Gathered {
    /// Waits for an entry as long as `patience`, then takes what else is there already.
    fn take(&mut self, receiver: &Receiver<Message>, shared: &Shared, patience: Duration) {
        match receiver.recv_timeout(patience) {
            Ok(message) => self.add(message, shared),
            Err(RecvTimeoutError::Timeout) => return,
            Err(RecvTimeoutError::Disconnected) => self.close = true,
        }
        while self.items.len() < limits::BATCH && !self.close {
            let Ok(message) = receiver.try_recv() else { break };
            self.add(message, shared);
        }
    }

    fn add(&mut self, message: Message, shared: &Shared) {
        match message {
            Message::Close => self.close = true,
            Message::Entry(entry) => {
                shared.waiting.fetch_sub(1, Ordering::Relaxed);
                self.items.extend(entry.items);
                self.done.extend(entry.done);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread::ThreadId;

    use super::*;
    use crate::Store;

    /// Writes `count` items and says which thread did.
    fn write(journal: &Journal, count: usize) -> ThreadId {
        let (done, answer) = mpsc::channel();
        let done: Done = Box::new(move |_| done.send(std::thread::current().id()).expect("the test waits"));
        let items = vec![Item::Probe(Timestamp(0)); count];
        journal.submit(Entry { items, done: Some(done) }).ok().expect("there is room");
        answer.recv().expect("it is written")
    }

    #[test]
    fn after_a_burst_another_thread_goes_on() {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let (_store, writer) = Store::open(&folder.path().join("tandem.db"), "tandem", &[1; 64]).expect("it opens");
        let hooks = Hooks {
            clock: Box::new(|| Timestamp(0)),
            committed: Box::new(|_| ()),
            failed: Box::new(|error| panic!("{error}")),
        };
        let journal = Journal::start_with(writer, hooks, Duration::ZERO).expect("the thread starts");
        let first = write(&journal, 1);
        assert_eq!(write(&journal, 1), first, "little is no burst");
        let mut last = write(&journal, BURST);
        // It notices the calm when it finds the queue empty once.
        for _ in 0..10_000 {
            last = write(&journal, 1);
            if last != first {
                break;
            }
        }
        assert_ne!(last, first);
        journal.close();
        assert_eq!(journal.statistics().waiting, 0);
    }
}
