//! The thread that carries recordings to the bucket, and clears up behind itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use store::recording::{Record, RecordingFormat, Step, Wanted};
use store::{Item, Journal, Reader, Store, Timestamp};

pub use super::retention::Rules;
use super::retention::{Sweep, is_unfinished, place};
use super::upload::{self, Parcel, upload};
use super::{Bucket, bucket, leftovers, retention};
use crate::{backoff, limits, written};

/// What the thread needs of the rest of the process.
pub struct Surroundings {
    /// Where the rows are.
    pub store: Store,
    /// The way to write them.
    pub journal: Journal,
    /// Where recordings go; nowhere without one.
    pub bucket: Option<Bucket>,
    /// The folder of recordings.
    pub folder: PathBuf,
    /// How long what is kept.
    pub rules: Rules,
    /// Reads the wall clock.
    pub clock: Box<dyn Fn() -> Timestamp + Send>,
    /// The last number in the event log: nothing happens without one more.
    pub latest: Box<dyn Fn() -> i64 + Send>,
}

/// What the thread counted, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Files that wait for the bucket.
    pub waiting: AtomicU64,
    /// Octets of them.
    pub waiting_bytes: AtomicU64,
    /// Files that were brought there.
    pub uploaded: AtomicU64,
    /// Tries that failed.
    pub failures: AtomicU64,
}

/// The thread, seen from the others.
#[derive(Debug)]
pub struct Courier {
    /// What it counts.
    pub counters: Arc<Counters>,
    stop: Sender<()>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// What goes on in a round.
pub struct Round {
    reader: Reader,
    around: Surroundings,
    counters: Arc<Counters>,
    /// When the bucket is to be rid of what earlier runs left behind; `None`: it is.
    clear_at: Option<Instant>,
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rows cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file could not be uploaded.
    #[error(transparent)]
    Upload(#[from] upload::Error),
    /// What is too old could not be cleared up.
    #[error(transparent)]
    Retention(#[from] retention::Error),
}

impl Courier {
    /// Starts the thread.
    pub fn start(around: Surroundings) -> Result<Courier, store::Error> {
        let counters = Arc::new(Counters::default());
        let round = Round::new(around, counters.clone())?;
        let (stop, stopped) = mpsc::channel();
        let (ending, ended) = mpsc::channel();
        let run = Run { round, stopped, delay: limits::FIRST_DELAY, seen: -1 };
        let spawned = std::thread::Builder::new().name("recordings".into()).stack_size(256 * 1_024).spawn(move || {
            run.run();
            drop(ending);
        });
        let thread =
            spawned.map_err(|error| store::Error::Open { path: "recordings".into(), reason: error.to_string() })?;
        Ok(Courier { counters, stop, ended, thread })
    }

    /// Ends the thread, but waits no longer than [`limits::STOP`] for what is on its way: the next start goes on with it.
    pub fn stop(self) {
        drop(self.stop);
        if self.ended.recv_timeout(limits::STOP) == Err(RecvTimeoutError::Disconnected) && self.thread.join().is_err() {
            tracing::error!("the thread that carries recordings panicked");
        }
    }
}

/// The thread's own values.
struct Run {
    round: Round,
    stopped: Receiver<()>,
    delay: Duration,
    // The last number in the log when it was looked at.
    seen: i64,
}

impl Run {
    fn run(mut self) {
        let (mut retry_at, mut sweep_at) = (None::<Instant>, Instant::now());
        let mut clock = backoff::ClockWatch::new((self.round.around.clock)());
        while self.stopped.recv_timeout(limits::LOOK) == Err(RecvTimeoutError::Timeout) {
            let now = Instant::now();
            if clock.was_set((self.round.around.clock)()) {
                (retry_at, sweep_at, self.delay) = (None, now, limits::FIRST_DELAY);
            }
            let latest = (self.round.around.latest)();
            let is_due = match retry_at {
                Some(at) => at <= now,
                None => latest != self.seen || sweep_at <= now,
            };
            if !is_due {
                continue;
            }
            (self.seen, sweep_at) = (latest, now + limits::SWEEP);
            retry_at = match self.round.run(&|| self.stopped.try_recv() != Err(mpsc::TryRecvError::Empty)) {
                Ok(()) => {
                    self.delay = limits::FIRST_DELAY;
                    None
                }
                Err(error) => {
                    let wait = backoff::jittered(self.delay);
                    tracing::warn!(%error, wait_s = wait.as_secs(), "recordings wait");
                    self.delay = (self.delay * 2).min(limits::LAST_DELAY);
                    Some(Instant::now() + wait)
                }
            };
        }
    }
}

impl Round {
    /// What is needed for rounds.
    pub fn new(around: Surroundings, counters: Arc<Counters>) -> Result<Round, store::Error> {
        Ok(Round { reader: around.store.reader()?, around, counters, clear_at: Some(Instant::now()) })
    }

    /// Brings what waits to the bucket, and takes away what has to go. `is_over` says when there is no more time.
    pub fn run(&mut self, is_over: &dyn Fn() -> bool) -> Result<(), Error> {
        self.sweep(|sweep, room| sweep.by_room(room))?;
        let carried = self.carry(is_over);
        if carried.is_ok() {
            self.clear_bucket();
        }
        // Nothing goes because of a clock that jumped.
        let goes_by_days = !self.reader.doubts_clock()?;
        if goes_by_days {
            self.sweep(|sweep, _| sweep.by_age())?;
        }
        let expired = self.sweep(|sweep, _| sweep.in_bucket(goes_by_days));
        let (waiting, octets) = self.reader.waiting_recordings()?;
        self.counters.waiting.store(waiting, Ordering::Relaxed);
        self.counters.waiting_bytes.store(octets, Ordering::Relaxed);
        carried.and(expired)
    }

    /// Once a start, as soon as the bucket can be asked. One that does not let itself be looked through is left as it is.
    fn clear_bucket(&mut self) {
        let now = Instant::now();
        let is_due = self.clear_at.is_some_and(|at| at <= now);
        let Some(bucket) = self.around.bucket.as_ref().filter(|_| is_due) else { return };
        self.clear_at = match leftovers::give_up(bucket, &self.reader) {
            Ok(0) => None,
            Ok(given_up) => {
                tracing::info!(given_up, "uploads that nothing goes on with are gone from the bucket");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the bucket is not cleared up");
                Some(now + limits::LAST_DELAY).filter(|_| !error.is_final())
            }
        };
    }

    fn carry(&mut self, is_over: &dyn Fn() -> bool) -> Result<(), Error> {
        let Some(bucket) = self.around.bucket.clone() else { return Ok(()) };
        let mut failed = Ok(());
        for record in self.reader.stored_recordings(Wanted::NotUploaded, limits::ROUND)? {
            if is_over() {
                return failed;
            }
            if is_unfinished(&record, (self.around.clock)()) {
                continue;
            }
            if let Err(error) = self.carry_one(&bucket, &record) {
                self.counters.failures.fetch_add(1, Ordering::Relaxed);
                let concerns_all = concerns_all(&error);
                self.tell(&record, Step::Delayed(error.to_string()));
                failed = Err(error.into());
                if concerns_all {
                    return failed;
                }
            }
        }
        failed
    }

    fn carry_one(&self, bucket: &Bucket, record: &Record) -> Result<(), upload::Error> {
        let Some(path) = place(&self.around.folder, record) else { return Ok(()) };
        let object = object_of(record);
        let earlier = record.metadata.object.as_deref();
        if let Some(earlier) = earlier.filter(|earlier| *earlier != object) {
            // It was there as a WAV before it could be converted after all, or half of it.
            bucket.delete(earlier)?;
            if let Some(upload_id) = &record.upload_id {
                bucket.abort(earlier, upload_id)?;
            }
        }
        let upload_id = record.upload_id.clone().filter(|_| earlier == Some(&object));
        let uploaded = upload(bucket, &path, &Parcel { object, upload_id }, &mut |step| self.tell(record, step));
        match uploaded {
            Ok(sha256) => {
                self.counters.uploaded.fetch_add(1, Ordering::Relaxed);
                match self.tell(record, Step::Uploaded { sha256 }) {
                    true => Ok(()),
                    false => Err(upload::Error::NotWritten),
                }
            }
            Err(upload::Error::File(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                tracing::warn!(id = %record.id, "the file of a recording is gone");
                self.tell(record, Step::Dropped(Some("its file was not found".to_owned())));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn sweep(
        &mut self,
        work: impl FnOnce(&mut Sweep<'_>, &dyn Fn() -> Option<u64>) -> Result<(), retention::Error>,
    ) -> Result<(), Error> {
        let Surroundings { folder, bucket, rules, clock, .. } = &self.around;
        let room = || rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let mut tell = |record: &Record, step| self.tell(record, step);
        let (reader, now) = (&self.reader, clock());
        let mut sweep = Sweep { reader, folder, bucket: bucket.as_ref(), rules: *rules, now, tell: &mut tell };
        Ok(work(&mut sweep, &room)?)
    }

    fn tell(&self, record: &Record, step: Step) -> bool {
        let item = Item::RecordingStored(record.id, step, (self.around.clock)());
        written::write(&self.around.journal, vec![item])
    }
}

/// `2026-11-22/<id>.mp3`: the day on which it was asked for, in UTC.
fn object_of(record: &Record) -> String {
    let moment = record.tm_create.to_string();
    let day = moment.split('T').next().unwrap_or_default();
    let extension = match record.format {
        RecordingFormat::Wav => "wav",
        RecordingFormat::Mp3 => "mp3",
    };
    format!("{day}/{}.{extension}", record.id)
}

/// Whether the next file would fare no better.
fn concerns_all(error: &upload::Error) -> bool {
    match error {
        upload::Error::Bucket(bucket::Error::Refused { status, code, .. }) => {
            matches!(status, 301 | 307 | 401 | 403 | 429 | 500..) || code == "NoSuchBucket"
        }
        upload::Error::Bucket(_) | upload::Error::NotWritten => true,
        upload::Error::File(_) | upload::Error::Damaged => false,
    }
}
