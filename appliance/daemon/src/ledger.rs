//! What the exchange wants remembered, on its way to the store thread: gathered, ordered, never waited for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pbx::registrar::Binding;
use pbx::{Rejection, Reply};
use rustc_hash::{FxHashMap, FxHashSet};
use store::Item;
use store::journal::{Entry, Journal};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::signalling::counters::{Counters, add};
use crate::{clock, limits};

/// Where the answer to a command goes.
pub type Answer = oneshot::Sender<Result<Reply, Rejection>>;

/// Gathers for the store: a batch leaves at once when somebody waits for it, else every [`limits::COMMIT_INTERVAL`].
/// Registrations that were only refreshed are kept by contact, the latest alone, and leave every
/// [`limits::REFRESH_INTERVAL`].
pub struct Ledger {
    journal: Journal,
    counters: Arc<Counters>,
    items: Vec<Item>,
    refreshed: FxHashMap<(Uuid, String), Box<Binding>>,
    // What the full journal gave back, oldest first, and how many items that is.
    held: VecDeque<Entry>,
    held_items: usize,
    submitted: Duration,
    flushed: Duration,
    /// Calls that are being paid for, and when it was last written down that they go on.
    paid: FxHashSet<Uuid>,
    alive: Duration,
    retry_at: Option<Duration>,
}

impl Ledger {
    /// A ledger that hands over to `journal`.
    pub fn new(journal: Journal, counters: Arc<Counters>) -> Ledger {
        Ledger {
            journal,
            counters,
            items: Vec::new(),
            refreshed: FxHashMap::default(),
            held: VecDeque::new(),
            held_items: 0,
            submitted: Duration::ZERO,
            flushed: Duration::ZERO,
            paid: FxHashSet::default(),
            alive: Duration::ZERO,
            retry_at: None,
        }
    }

    /// Takes a fact or a ladder.
    pub fn record(&mut self, item: Item) {
        // An event about a contact must not be overtaken by an older refreshment of it.
        if let Item::Event(pbx::Event { kind, .. }) = &item {
            match kind {
                pbx::EventKind::ExtensionRegistered(binding) | pbx::EventKind::ExtensionUnregistered(binding) => {
                    self.refreshed.remove(&key(binding));
                }
                pbx::EventKind::CallAnswered(call) if call.charge.is_some() => _ = self.paid.insert(call.id),
                pbx::EventKind::CallHungup(call) => _ = self.paid.remove(&call.id),
                pbx::EventKind::ExtensionDeleted(extension) => {
                    self.refreshed.retain(|(id, _), _| *id != extension.id);
                }
                _ => {}
            }
        }
        self.items.push(item);
    }

    /// Takes a refreshed registration.
    pub fn refresh(&mut self, binding: Box<Binding>) {
        self.refreshed.insert(key(&binding), binding);
    }

    /// Answers `answer` once everything before it is on the disk.
    pub fn reply(&mut self, now: Duration, answer: Answer, result: Result<Reply, Rejection>) {
        let done = Box::new(move |_| drop(answer.send(result)));
        let items = std::mem::take(&mut self.items);
        self.submitted = now;
        self.submit(Entry { items, done: Some(done) });
    }

    /// Hands over what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.retry();
        if !self.refreshed.is_empty() && now >= self.flushed + limits::REFRESH_INTERVAL {
            self.flushed = now;
            self.items.extend(self.refreshed.drain().map(|(_, binding)| Item::Refreshed(binding)));
            // What one burst needed must not be kept for ever.
            self.refreshed.shrink_to(1_024);
        }
        if !self.paid.is_empty() && now >= self.alive + limits::ALIVE_INTERVAL {
            // Should the process end now, calls are charged until the last moment that is written down.
            self.alive = now;
            self.items.push(Item::Probe(store::Timestamp(clock::unix().as_micros() as i64)));
        }
        if !self.items.is_empty() && now >= self.submitted + limits::COMMIT_INTERVAL {
            self.submitted = now;
            let items = std::mem::take(&mut self.items);
            self.submit(Entry { items, done: None });
        }
        self.retry_at = (!self.held.is_empty()).then_some(now + limits::COMMIT_INTERVAL);
    }

    /// When to call [`Ledger::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        let items = (!self.items.is_empty()).then_some(self.submitted + limits::COMMIT_INTERVAL);
        let refreshed = (!self.refreshed.is_empty()).then_some(self.flushed + limits::REFRESH_INTERVAL);
        let alive = (!self.paid.is_empty()).then_some(self.alive + limits::ALIVE_INTERVAL);
        [items, refreshed, alive, self.retry_at].into_iter().flatten().min()
    }

    /// Hands over everything, due or not: the end of the process.
    pub fn finish(&mut self) {
        let refreshed = self.refreshed.drain().map(|(_, binding)| Item::Refreshed(binding));
        self.items.extend(refreshed);
        let items = std::mem::take(&mut self.items);
        self.submit(Entry { items, done: None });
        if self.held_items > 0 {
            add(&self.counters.facts_lost, self.held_items);
            tracing::error!(lost = self.held_items, "the database did not take the last facts");
        }
    }

    fn submit(&mut self, entry: Entry) {
        self.retry();
        let refused = if self.held.is_empty() { self.journal.submit(entry).err() } else { Some(entry) };
        if let Some(entry) = refused {
            self.hold(entry);
        }
    }

    /// Keeps what the journal does not take. Beyond the limit the newest facts are lost, loudly: a call never waits.
    fn hold(&mut self, mut entry: Entry) {
        if self.held.is_empty() {
            tracing::error!("the database is behind: facts wait in memory");
        }
        if self.held_items + entry.items.len() > limits::FACTS {
            let lost = entry.items.iter().filter(|item| item.is_missed()).count();
            let before = self.counters.facts_lost.load(Ordering::Relaxed);
            add(&self.counters.facts_lost, lost);
            if before == 0 || before / 10_000 != (before + lost as u64) / 10_000 {
                tracing::error!(lost = before + lost as u64, "the database does not work: facts are lost");
            }
            entry.items.clear();
            // Nobody may be told that what is lost was remembered.
            entry.done = None;
            return;
        }
        self.held_items += entry.items.len();
        self.held.push_back(entry);
        self.counters.facts_waiting.store(self.held_items as u64, Ordering::Relaxed);
    }

    fn retry(&mut self) {
        while let Some(entry) = self.held.pop_front() {
            let count = entry.items.len();
            if let Err(entry) = self.journal.submit(entry) {
                self.held.push_front(entry);
                break;
            }
            self.held_items -= count;
            self.counters.facts_waiting.store(self.held_items as u64, Ordering::Relaxed);
            if self.held.is_empty() {
                tracing::warn!("the database has caught up");
            }
        }
    }
}

fn key(binding: &Binding) -> (Uuid, String) {
    (binding.extension_id, binding.contact.clone())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use pbx::{Event, EventKind, UnixMicros};
    use store::{Store, Timestamp, journal};

    use super::*;

    fn fact(number: u64) -> Item {
        let source = std::net::IpAddr::from((number as u128).to_be_bytes());
        Item::Event(Event { at: UnixMicros(0), kind: EventKind::SourceUnblocked { source } })
    }

    #[test]
    fn what_the_full_journal_does_not_take_is_kept_and_written_in_order() {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let (store, writer) = Store::open(&folder.path().join("tandem.db"), "tandem", &[1; 64]).expect("it opens");
        let hooks = journal::Hooks {
            clock: Box::new(|| Timestamp(0)),
            committed: Box::new(|_| ()),
            failed: Box::new(|error| panic!("{error}")),
        };
        let journal = Journal::start(writer, hooks).expect("the thread starts");
        let ((reach, reached), (go, gate)) = (mpsc::channel::<()>(), mpsc::channel::<()>());
        let hold_up = move |_| {
            reach.send(()).expect("the test waits");
            gate.recv().expect("the test says when");
        };
        journal.submit(Entry { items: Vec::new(), done: Some(Box::new(hold_up)) }).ok().expect("there is room");
        reached.recv().expect("the store thread gets there");

        let counters = Arc::new(Counters::default());
        let mut ledger = Ledger::new(journal.clone(), counters.clone());
        let facts = 2 * store::limits::JOURNAL_QUEUE as u64;
        for number in 1..=facts {
            ledger.record(fact(number));
            ledger.handle_timeout(limits::COMMIT_INTERVAL * number as u32);
        }
        assert_eq!(counters.facts_waiting.load(Ordering::Relaxed), facts / 2);
        go.send(()).expect("the store thread waits for it");
        while counters.facts_waiting.load(Ordering::Relaxed) > 0 {
            ledger.handle_timeout(Duration::from_secs(3_600));
            std::thread::yield_now();
        }
        journal.close();
        let written = store.reader().and_then(|reader| reader.events_after(0, facts as u32 + 1)).expect("a log");
        let sources: Vec<String> = written.iter().map(|event| event.data.get().to_owned()).collect();
        let wanted = |number: u64| std::net::IpAddr::from((number as u128).to_be_bytes()).to_string();
        assert_eq!(sources.len() as u64, facts);
        assert!((1..=facts).map(wanted).zip(sources).all(|(wanted, is)| is.contains(&format!("\"{wanted}\""))));
        assert_eq!(counters.facts_lost.load(Ordering::Relaxed), 0);
    }
}
