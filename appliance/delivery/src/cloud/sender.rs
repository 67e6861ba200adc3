//! The thread that sends records to the cloud.

use std::ops::RangeInclusive;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use store::{Item, Journal, Reader, Store, Timestamp, event_log};

use super::batch::Batch;
use super::link::{self, Error as Refusal, Way};
use crate::{backoff, limits, written};

/// The name of the cursor.
pub const NAME: &str = "cloud";

/// What the thread needs of the rest of the process.
pub struct Surroundings {
    /// Where the log is.
    pub store: Store,
    /// The way to write the cursor.
    pub journal: Journal,
    /// The way to the cloud.
    pub way: Box<dyn Way>,
    /// Reads the wall clock.
    pub clock: Box<dyn Fn() -> Timestamp + Send>,
    /// The last number in the event log.
    pub latest: Box<dyn Fn() -> i64 + Send>,
}

/// How it stands with the cloud.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The last number that the cloud has for good.
    pub cursor: i64,
    /// Why nothing goes at the moment, if so.
    pub failure: Option<String>,
    /// Records that were taken since the start.
    pub taken: u64,
    /// Requests that were not.
    pub failures: u64,
    /// How fast they went the last time, in records a second.
    pub rate: f64,
}

/// The thread, seen from the others.
#[derive(Debug)]
pub struct Sender {
    /// How it stands.
    pub state: Arc<Mutex<State>>,
    stop: mpsc::Sender<()>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// Why a batch did not go.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The cloud does not take it.
    #[error(transparent)]
    Link(#[from] link::Error),
    /// The cloud says what cannot be.
    #[error("the cloud has records up to {cursor}, and this box has none beyond {latest}")]
    Ahead {
        /// What the cloud says.
        cursor: i64,
        /// The last number of the box.
        latest: i64,
    },
    /// The cloud says yes and takes nothing.
    #[error("the cloud stays at {0}")]
    Still(i64),
}

impl Sender {
    /// Starts the thread.
    pub fn start(around: Surroundings) -> Result<Sender, store::Error> {
        let reader = around.store.reader()?;
        let cursor = reader.cursor(NAME)?;
        let state = Arc::new(Mutex::new(State { cursor, ..State::default() }));
        let (stop, stopped) = mpsc::channel();
        let (ending, ended) = mpsc::channel();
        let (most, now) = (limits::CLOUD_RECORDS, Instant::now());
        let run = Run { around, reader, state: state.clone(), stopped, cursor, saved: (cursor, now), most };
        let spawned = std::thread::Builder::new().name("cloud".into()).stack_size(256 * 1_024).spawn(move || {
            run.run();
            drop(ending);
        });
        let thread = spawned.map_err(|error| store::Error::Open { path: NAME.into(), reason: error.to_string() })?;
        Ok(Sender { state, stop, ended, thread })
    }

    /// Ends the thread, but waits no longer than [`limits::STOP`] for what is on its way: it is sent again.
    pub fn stop(self) {
        drop(self.stop);
        if self.ended.recv_timeout(limits::STOP) == Err(RecvTimeoutError::Disconnected) && self.thread.join().is_err() {
            tracing::error!("the thread that sends records to the cloud panicked");
        }
    }
}

/// The thread's own values.
struct Run {
    around: Surroundings,
    reader: Reader,
    state: Arc<Mutex<State>>,
    stopped: Receiver<()>,
    // Up to where the cloud has everything.
    cursor: i64,
    // Up to where that is on the disk, and since when.
    saved: (i64, Instant),
    // Records of one batch at most: fewer for a cloud that finds them too many.
    most: usize,
}

/// What a batch holds.
struct Gathered {
    events: Vec<event_log::Record>,
    missed: Option<RangeInclusive<i64>>,
}

impl Run {
    fn run(mut self) {
        let (mut retry_at, mut delay) = (None::<Instant>, limits::FIRST_DELAY);
        let mut clock = backoff::ClockWatch::new((self.around.clock)());
        while self.stopped.recv_timeout(limits::LOOK) == Err(RecvTimeoutError::Timeout) {
            if clock.was_set((self.around.clock)()) {
                (retry_at, delay) = (None, limits::FIRST_DELAY);
            }
            if retry_at.is_some_and(|at| at > Instant::now()) {
                continue;
            }
            match self.send_all() {
                Ok(()) => (retry_at, delay) = (None, limits::FIRST_DELAY),
                Err(error) => {
                    let wait = asked_wait(&error).unwrap_or_else(|| backoff::jittered(delay));
                    self.tell_failure(&error, wait);
                    delay = (delay * 2).min(limits::LAST_DELAY);
                    retry_at = Some(Instant::now() + wait);
                }
            }
            self.save(false);
        }
        self.save(true);
    }

    /// Sends until there is nothing more, or no more time.
    fn send_all(&mut self) -> Result<(), Error> {
        let (begun, before) = (Instant::now(), self.cursor);
        while (self.around.latest)() > self.cursor {
            if self.stopped.try_recv() != Err(mpsc::TryRecvError::Empty) || !self.send()? {
                break;
            }
            self.save(false);
            let taken = (self.cursor - before).max(0);
            let mut state = lock(&self.state);
            state.rate = taken as f64 / begun.elapsed().as_secs_f64().max(0.001);
        }
        Ok(())
    }

    /// Sends one batch; false where there was nothing to send.
    fn send(&mut self) -> Result<bool, Error> {
        let Gathered { events, missed } = self.gather()?;
        if events.is_empty() {
            return Ok(false);
        }
        let last = events.last().map_or(self.cursor, |event| event.seq);
        let appliance_id = self.reader.identity().customer_id;
        let batch = Batch { appliance_id, events: &events, missed, now: (self.around.clock)() };
        let taken = match self.around.way.send(&batch) {
            Err(Refusal::Refused { status: 413, .. }) if events.len() > 1 => {
                self.most = (events.len() / 2).max(1);
                return Ok(true);
            }
            taken => taken?,
        };
        // After a crash the cloud may know better than this box how far it has come, but not more than has happened.
        let latest = (self.around.latest)().max(last);
        if taken > latest {
            return Err(Error::Ahead { cursor: taken, latest });
        }
        if taken == self.cursor {
            return Err(Error::Still(taken));
        }
        self.most = (self.most * 2).min(limits::CLOUD_RECORDS);
        let count = events.iter().filter(|event| event.seq <= taken).count();
        if taken < self.cursor {
            tracing::warn!(from = taken, "the cloud wants records again that it had");
        }
        // A cloud that lost something says so by a lower number, and gets again what is still there.
        self.cursor = taken.max(0);
        let mut state = lock(&self.state);
        state.cursor = self.cursor;
        state.taken += count as u64;
        if state.failure.take().is_some() {
            tracing::info!("the cloud takes records again");
        }
        Ok(true)
    }

    /// As many as one batch may hold, by their number and by their size.
    fn gather(&self) -> Result<Gathered, Error> {
        let (mut events, mut octets) = (Vec::<event_log::Record>::new(), 0);
        loop {
            let after = events.last().map_or(self.cursor, |event| event.seq);
            let room = (self.most - events.len()).min(limits::BATCH as usize);
            let more = self.reader.events_after(after, room as u32)?;
            let is_end = more.len() < room;
            for event in more {
                octets += event.data.get().len() + limits::CLOUD_OVERHEAD;
                if octets > limits::CLOUD_BYTES && !events.is_empty() {
                    return Ok(Gathered { missed: self.missed(&events)?, events });
                }
                events.push(event);
            }
            if is_end || events.len() >= self.most {
                return Ok(Gathered { missed: self.missed(&events)?, events });
            }
        }
    }

    /// What was trimmed from the log before it could be sent.
    fn missed(&self, events: &[event_log::Record]) -> Result<Option<RangeInclusive<i64>>, Error> {
        let Some(first) = events.first() else { return Ok(None) };
        let missed = (self.cursor + 1 < first.seq).then(|| self.cursor + 1..=first.seq - 1);
        if let Some(missed) = &missed {
            tracing::warn!(?missed, "records were deleted before the cloud could have them");
        }
        Ok(missed)
    }

    /// Writes down how far the cloud has everything: now and then, for each time costs flash, and what it would have to
    /// have twice it knows by its key.
    fn save(&mut self, now: bool) {
        let (saved, at) = self.saved;
        let is_due = now || at.elapsed() >= limits::CURSOR || self.cursor - saved >= limits::CURSOR_RECORDS;
        if self.cursor > saved
            && is_due
            && written::write(&self.around.journal, vec![Item::Cursor(NAME.into(), self.cursor)])
        {
            self.saved = (self.cursor, Instant::now());
        }
    }

    fn tell_failure(&self, error: &Error, wait: Duration) {
        let said = error.to_string();
        let mut state = lock(&self.state);
        state.failures += 1;
        if state.failure.as_ref() != Some(&said) {
            tracing::warn!(error = said, wait_s = wait.as_secs(), "records for the cloud wait");
            state.failure = Some(said);
        }
    }
}

/// Whoever panicked with it left it whole.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the cloud itself wants to be left alone.
fn asked_wait(error: &Error) -> Option<Duration> {
    match error {
        Error::Link(Refusal::Refused { wait, .. }) => *wait,
        _ => None,
    }
}
