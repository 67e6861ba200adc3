//! Webhooks: web servers are told of events.
//!
//! Each endpoint has a [`Lane`], in which one is told after the other; lanes do not wait for each other. The customer's own
//! has a thread for itself. Those of activeflows have one while something waits for them, [`limits::LANES`] at most.

pub mod lane;
pub mod letter;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use store::webhook_delivery::{DeliveryStatus, Endpoint};
use store::{Journal, Store, Timestamp};

use crate::{Error, limits};
use lane::{Lane, Rest};
use letter::{Answer, Carrier};

/// Decrypts what the box's own key encrypted; `None` where it did not.
pub type Open = Box<dyn Fn(&[u8]) -> Option<String> + Send + Sync>;

/// What the threads need of the rest of the process.
pub struct Surroundings {
    /// The database.
    pub store: Store,
    /// The way to its writer.
    pub journal: Journal,
    /// Reads the wall clock.
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Decrypts the secret that events are signed with.
    pub open: Open,
    /// Brings letters to web servers.
    pub carrier: Box<dyn Carrier>,
}

/// What became of what was told.
#[derive(Debug, Default)]
pub struct Counters {
    /// Deliveries that a web server took.
    pub delivered: AtomicU64,
    /// Tries that failed.
    pub failures: AtomicU64,
    /// Deliveries that were given up.
    pub given_up: AtomicU64,
}

/// The threads; clones are the same.
#[derive(Debug, Clone)]
pub struct WebhookThreads {
    shared: Arc<Shared>,
}

/// What all lanes share.
pub struct Shared {
    store: Store,
    journal: Journal,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    open: Open,
    carrier: Box<dyn Carrier>,
    counters: Arc<Counters>,
    office: Mutex<Office>,
    bell: Condvar,
}

/// Who works.
#[derive(Debug, Default)]
struct Office {
    /// How often something was written that may have to be told.
    rings: u64,
    stopping: bool,
    threads: usize,
    /// The lanes of activeflows' endpoints that work or rest.
    lanes: FxHashMap<String, Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Working,
    Resting(Instant),
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("office", &self.office).finish_non_exhaustive()
    }
}

impl WebhookThreads {
    /// Starts the thread of the customer's endpoint, and that which looks after those of activeflows.
    pub fn start(around: Surroundings) -> std::io::Result<WebhookThreads> {
        let shared = Shared::new(around);
        let (own, others) = (Arc::clone(&shared), Arc::clone(&shared));
        spawn(&shared, move || own.serve_customer())?;
        spawn(&shared, move || others.serve_activeflows())?;
        Ok(WebhookThreads { shared })
    }

    /// What became of what was told.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.shared.counters)
    }

    /// Something was written that may have to be told. Never waits for long: it is called after commits.
    pub fn ring(&self) {
        self.shared.office().rings += 1;
        self.shared.bell.notify_all();
    }

    /// Tells nothing more, and waits a moment for what is being told: what was not written down is told again by the next run.
    pub fn stop(&self) {
        let mut office = self.shared.office();
        office.stopping = true;
        self.shared.bell.notify_all();
        let end = Instant::now() + limits::WEBHOOK_STOP;
        while office.threads > 0 && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            office = self.shared.bell.wait_timeout(office, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A thread that counts as one until it ends.
fn spawn(shared: &Arc<Shared>, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    shared.office().threads += 1;
    let leaving = Arc::clone(shared);
    let thread = Builder::new().name("webhook".into()).stack_size(512 * 1_024);
    let spawned = thread.spawn(move || {
        work();
        leaving.leave();
    });
    spawned.map(drop).inspect_err(|_| shared.leave())
}

impl Shared {
    fn new(around: Surroundings) -> Arc<Shared> {
        let Surroundings { store, journal, clock, open, carrier } = around;
        let (counters, office, bell) = (Arc::default(), Mutex::default(), Condvar::new());
        Arc::new(Shared { store, journal, clock, open, carrier, counters, office, bell })
    }

    fn office(&self) -> MutexGuard<'_, Office> {
        // Nothing in here panics half way.
        self.office.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self) {
        self.office().threads -= 1;
        self.bell.notify_all();
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn is_stopping(&self) -> bool {
        self.office().stopping
    }

    fn count(&self, status: DeliveryStatus, answer: &Answer) {
        let add = |counter: &AtomicU64| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        if !answer.is_taken() {
            add(&self.counters.failures);
        }
        match status {
            DeliveryStatus::Delivered => add(&self.counters.delivered),
            DeliveryStatus::Failed => add(&self.counters.given_up),
            DeliveryStatus::Waiting => {}
        }
    }

    /// Until when to rest, on the clock that nobody sets.
    fn moment(&self, until: Timestamp) -> Instant {
        let left = until.0.saturating_sub(self.now().0).clamp(0, (limits::RETRY_AFTER * 2).as_micros() as i64);
        Instant::now() + Duration::from_micros(left as u64)
    }

    /// Waits for a ring after the last one that was heard, or for a moment; whether to go on.
    fn rest(&self, heard: Option<u64>, until: Option<Instant>) -> bool {
        let mut office = self.office();
        loop {
            let rung = heard.is_some_and(|heard| heard != office.rings);
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if office.stopping {
                return false;
            }
            if rung || left == Some(Duration::ZERO) {
                return true;
            }
            // Without an end it looks now and then all the same.
            let wait = self.bell.wait_timeout(office, left.unwrap_or(limits::RETRY_AFTER));
            office = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn serve_customer(self: &Arc<Shared>) {
        let mut lane = None;
        loop {
            let heard = self.office().rings;
            let go_on = match self.work(&mut lane, &Endpoint::Customer) {
                Ok(Rest::Idle) => self.rest(Some(heard), None),
                Ok(Rest::Until(until)) => self.rest(None, Some(self.moment(until))),
                Err(_) => self.rest(None, Some(Instant::now() + limits::UNWRITTEN)),
            };
            if !go_on {
                return;
            }
        }
    }

    /// Gives each endpoint that something waits for a thread.
    fn serve_activeflows(self: &Arc<Shared>) {
        let mut log = None;
        loop {
            let heard = self.office().rings;
            let opened = log.take().map_or_else(|| self.store.reader(), Ok);
            let found = opened.and_then(|reader| Ok((reader.waiting_endpoints()?, reader)));
            let endpoints = match found {
                Ok((endpoints, reader)) => {
                    log = Some(reader);
                    endpoints
                }
                Err(error) => {
                    tracing::warn!(%error, "who is to be told cannot be read");
                    Vec::new()
                }
            };
            let earliest = self.give_threads(endpoints);
            if !self.rest(Some(heard), earliest) {
                return;
            }
        }
    }

    /// Starts those that do not work already; returns when the next one has rested.
    fn give_threads(self: &Arc<Shared>, endpoints: Vec<String>) -> Option<Instant> {
        let now = Instant::now();
        let mut earliest = None;
        for uri in endpoints {
            let mut office = self.office();
            let working = office.lanes.values().filter(|place| **place == Place::Working).count();
            match office.lanes.get(&uri) {
                Some(Place::Working) => continue,
                Some(Place::Resting(until)) if *until > now => {
                    earliest = Some(earliest.map_or(*until, |earliest: Instant| earliest.min(*until)));
                    continue;
                }
                // Whoever has worked rings, and it is looked again.
                _ if working >= limits::LANES => continue,
                _ => office.lanes.insert(uri.clone(), Place::Working),
            };
            drop(office);
            let (shared, endpoint) = (Arc::clone(self), uri.clone());
            if let Err(error) = spawn(self, move || shared.serve_activeflow(endpoint)) {
                tracing::warn!(%error, "there is no thread to tell a web server");
                self.office().lanes.remove(&uri);
            }
        }
        earliest
    }

    fn serve_activeflow(self: &Arc<Shared>, uri: String) {
        let rest = self.work(&mut None, &Endpoint::Uri(uri.clone()));
        let place = match rest {
            Ok(Rest::Idle) => None,
            Ok(Rest::Until(until)) => Some(Place::Resting(self.moment(until))),
            Err(_) => Some(Place::Resting(Instant::now() + limits::UNWRITTEN)),
        };
        let mut office = self.office();
        match place {
            Some(place) => office.lanes.insert(uri, place),
            None => office.lanes.remove(&uri),
        };
        office.rings += 1;
        drop(office);
        self.bell.notify_all();
    }

    fn work(self: &Arc<Shared>, lane: &mut Option<Lane>, endpoint: &Endpoint) -> Result<Rest, Error> {
        if lane.is_none() {
            *lane = Some(Lane::open(Arc::clone(self), endpoint.clone())?);
        }
        let lane = lane.as_mut().expect("it was just opened where there was none");
        lane.work().inspect_err(|error| tracing::warn!(%error, ?endpoint, "what was told cannot be written down"))
    }
}
