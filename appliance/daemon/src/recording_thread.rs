//! The recording thread: writes down what is recorded, so that neither a dead process nor a power cut takes more of it than
//! the last two seconds.
//!
//! Buffers circulate. On [`Order::Start`] the thread makes [`limits::RECORDING_BUFFERS`] buffers of
//! [`limits::RECORDING_BUFFER`] and delivers them empty; full ones come by [`Order::Write`] and go back once they are written.
//! Every [`limits::SYNC_INTERVAL`] the head of each file is made right and the file is synced. When a recording ends, its
//! file is whole; if its name ends in `.mp3`, the [converter] makes that of it when nobody else needs the processor.
//!
//! The run loop of the media thread, which owns the engine:
//!
//! 1. The signalling thread pushes [`Order::Start`] before it orders `Record`. Each [`Delivery::Empty`] goes to
//!    [`Engine::handle_buffer`](media::Engine::handle_buffer), from the first on; one that comes before the engine knows the
//!    recording comes back empty, and is delivered again.
//! 2. While draining the engine: [`Parcel::Recorded`](media::Parcel::Recorded) becomes [`Order::Write`], whatever is in
//!    it. The one whose `last` is set ends the recording. After the event `RecordingEnded` push [`Order::Stop`]: where the
//!    engine could not even begin there was no such buffer.
//! 3. When the bell of the [`Delivery`] queue rang: take them all. [`Delivery::Failed`] goes to
//!    [`Engine::handle_recording_failed`](media::Engine::handle_recording_failed); what the engine still gives out for that recording
//!    is dropped here.
//! 4. Ring the orders' bell once for all of it.
//!
//! What became of the files is told by [`Report`]s, which are for the exchange: [`Report::Refused`], or [`Report::Begun`] and
//! [`Report::Written`], once for each recording, and later [`Report::Converted`] or [`Report::NotConverted`] if it becomes an MP3. Files of an earlier
//! run are looked after when the thread starts ([`recovery`]), in the background.

pub mod converter;
pub mod recording;
pub mod recordings_folder;
pub mod recovery;
pub mod to_mp3;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use media::{Layout, RecordedBuffer, RecordingId, SampleRate};
use mio::{Events, Poll, Token, Waker};
use rustc_hash::FxHashMap;

use crate::clock::Clock;
use crate::limits;
use crate::media_threads::deliveries::Deliveries;
use crate::queue::{Bell, Queue};
use converter::{Converter, Program};
use recording::Recording;
use recordings_folder::RecordingsFolder;

/// The token of the bell, the only thing besides time that the thread waits for.
const BELL: Token = Token(0);

/// What the others ask of the thread.
#[derive(Debug)]
pub enum Order {
    /// Begin a file. Refused by [`Delivery::Failed`] and [`Report::Refused`] beyond [`limits::RECORDINGS`].
    Start {
        /// The recording, which is not recorded already.
        recording: RecordingId,
        /// Its name within the folder of recordings; ends in `.wav` or `.mp3`, and is not taken.
        path: PathBuf,
        /// Its channels.
        layout: Layout,
        /// Its samples a second.
        rate: SampleRate,
    },
    /// Write down what is in the buffer. If it is the last one, the recording is over.
    Write {
        /// The recording.
        recording: RecordingId,
        /// What was recorded.
        buffer: RecordedBuffer,
    },
    /// End a recording whose last buffer will never come.
    Stop {
        /// The recording.
        recording: RecordingId,
    },
    /// End, after everything before it. What is still recorded ends here.
    Quit,
}

/// What the media thread gets.
#[derive(Debug)]
pub enum Delivery {
    /// A buffer to be filled.
    Empty {
        /// The recording.
        recording: RecordingId,
        /// The buffer.
        pcm: Box<[i16]>,
    },
    /// The recording cannot go on. What was written before is whole, and told by [`Report::Written`].
    Failed {
        /// The recording.
        recording: RecordingId,
        /// Why, in words.
        reason: String,
    },
}

/// A file of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// Its name within the folder of recordings.
    pub path: PathBuf,
    /// How long it plays.
    pub duration: Duration,
    /// Octets of it.
    pub octets: u64,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The file of a recording is there.
    Begun {
        /// The recording.
        recording: RecordingId,
    },
    /// There is no file for a recording.
    Refused {
        /// The recording.
        recording: RecordingId,
        /// Why, in words.
        reason: String,
    },
    /// A recording cannot go on; what was written before is told next.
    Failed {
        /// The recording.
        recording: RecordingId,
        /// Why, in words.
        reason: String,
    },
    /// A recording is over, and all of it is on the disk. If it is to become an MP3, this is the WAV file that serves until then.
    Written {
        /// The recording.
        recording: RecordingId,
        /// Its file; `None` if nothing was recorded, and none is left.
        file: Option<RecordedFile>,
    },
    /// A file that an earlier run left unfinished is whole again.
    Recovered {
        /// The file.
        file: RecordedFile,
    },
    /// An MP3 has taken the place of the WAV file whose name is its own and `.wav`.
    Converted {
        /// The MP3.
        file: RecordedFile,
    },
    /// The WAV file stays. It is tried again when the process starts the next time.
    NotConverted {
        /// The WAV file's name.
        path: PathBuf,
        /// Why, in words.
        reason: String,
    },
}

/// What the thread counted, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Files that are written now.
    pub recordings: AtomicU64,
    /// Recordings that could not go on.
    pub failures: AtomicU64,
    /// The longest that the disk took to sync all files, in milliseconds.
    pub slowest_sync_ms: AtomicU64,
}

/// What the thread needs of the rest of the process.
#[derive(Debug)]
pub struct Surroundings {
    /// The folder of recordings, which is made if it is missing.
    pub folder: PathBuf,
    /// Octets of the disk that recordings leave to others.
    pub reserve: u64,
    /// What converts.
    pub program: Program,
    /// The time.
    pub clock: Clock,
    /// The way to the media threads.
    pub deliveries: Deliveries<Delivery>,
    /// The way to the exchange.
    pub reports: Queue<Report>,
}

/// A recording thread that runs, seen from the others.
#[derive(Debug)]
pub struct RecordingThread {
    /// Where its orders go in. None of them may be lost: push them always; they are bounded by recordings and buffers.
    pub orders: Queue<Order>,
    /// What it counts.
    pub counters: Arc<Counters>,
    converter: Converter,
    thread: JoinHandle<()>,
}

impl RecordingThread {
    /// Starts the thread, and the converter, which first looks after what is left of earlier runs.
    pub fn start(around: Surroundings) -> Result<RecordingThread> {
        let folder = RecordingsFolder::open(&around.folder)?;
        // Only what is there now is of an earlier run.
        let left = recovery::left_over(folder.path());
        let converter = Converter::start(folder.clone(), around.program, around.reports.clone())?;
        converter.recover(left);
        let poll = Poll::new().context("cannot make an epoll instance")?;
        let bell = Bell::new(Waker::new(poll.registry(), BELL).context("cannot make an eventfd")?);
        let orders = Queue::new(limits::RECORDINGS, bell.clone());
        let counters = Arc::new(Counters::default());
        let run = Run {
            poll,
            bell,
            clock: around.clock,
            orders: orders.clone(),
            deliveries: around.deliveries,
            reports: around.reports,
            folder,
            reserve: around.reserve,
            recordings: FxHashMap::default(),
            sync_at: None,
            conversions: converter.conversions(),
            counters: counters.clone(),
            quitting: false,
        };
        let thread = std::thread::Builder::new()
            .name("recording".into())
            .stack_size(256 * 1_024)
            .spawn(move || run.run())
            .context("cannot start the recording thread")?;
        Ok(RecordingThread { orders, counters, converter, thread })
    }

    /// Ends the thread after what was ordered before. A conversion is given up, to be done at the next start.
    pub fn stop(self) {
        self.orders.push_always(Order::Quit);
        self.orders.ring();
        if self.thread.join().is_err() {
            tracing::error!("the recording thread panicked");
        }
        self.converter.stop();
    }
}

/// The thread's own values.
struct Run {
    poll: Poll,
    bell: Arc<Bell>,
    clock: Clock,
    orders: Queue<Order>,
    deliveries: Deliveries<Delivery>,
    reports: Queue<Report>,
    folder: RecordingsFolder,
    reserve: u64,
    recordings: FxHashMap<RecordingId, Recording>,
    // When the files are to be synced, if there are any.
    sync_at: Option<Duration>,
    conversions: converter::Conversions,
    counters: Arc<Counters>,
    quitting: bool,
}

impl Run {
    fn run(mut self) {
        let mut ready = Events::with_capacity(4);
        let mut orders = VecDeque::new();
        while !self.quitting {
            let timeout = self.sync_at.map(|at| at.saturating_sub(self.clock.now()));
            if let Err(error) = self.poll.poll(&mut ready, timeout)
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the recording thread cannot wait for orders");
                return;
            }
            if self.bell.answer() {
                self.orders.take(&mut orders);
                for order in orders.drain(..) {
                    self.obey(order);
                }
            }
            if self.sync_at.is_some_and(|at| at <= self.clock.now()) {
                self.sync();
            }
            self.deliveries.ring();
            self.reports.ring();
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start { recording, path, layout, rate } => {
                let report = match self.begin(recording, path, layout, rate) {
                    Ok(()) => Report::Begun { recording },
                    Err(reason) => {
                        self.say_failed(recording, reason.clone());
                        Report::Refused { recording, reason }
                    }
                };
                self.reports.push_always(report);
            }
            Order::Write { recording, buffer } => self.write(recording, buffer),
            Order::Stop { recording } => self.end(recording),
            Order::Quit => {
                self.quitting = true;
                let all: Vec<RecordingId> = self.recordings.keys().copied().collect();
                all.into_iter().for_each(|recording| self.end(recording));
            }
        }
    }

    fn begin(&mut self, id: RecordingId, path: PathBuf, layout: Layout, rate: SampleRate) -> Result<(), String> {
        if self.recordings.len() >= limits::RECORDINGS {
            return Err(format!("{} recordings are written already", limits::RECORDINGS));
        }
        self.check_room()?;
        let recording = Recording::begin(&self.folder, path, layout, rate)?;
        let samples = limits::RECORDING_BUFFER.as_millis() as usize * rate.per_ms() * layout.channels();
        self.recordings.insert(id, recording);
        self.count();
        self.sync_at.get_or_insert(self.clock.now() + limits::SYNC_INTERVAL);
        for _ in 0..limits::RECORDING_BUFFERS {
            let pcm = vec![0; samples].into_boxed_slice();
            self.deliveries.push_always(Delivery::Empty { recording: id, pcm });
        }
        Ok(())
    }

    fn write(&mut self, id: RecordingId, buffer: RecordedBuffer) {
        // The recording may be over: the buffer ends here.
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        let pcm = &buffer.pcm[..buffer.len.min(buffer.pcm.len())];
        if let Err(reason) = recording.write(pcm) {
            return self.fail(id, reason);
        }
        if buffer.last {
            self.end(id);
        } else {
            self.deliveries.push_always(Delivery::Empty { recording: id, pcm: buffer.pcm });
        }
    }

    /// Brings all files to the disk as they are now.
    fn sync(&mut self) {
        let begin = self.clock.now();
        let room = self.check_room();
        let mut failed = Vec::new();
        for (id, recording) in &mut self.recordings {
            if let Err(reason) = room.clone().and_then(|()| recording.sync()) {
                failed.push((*id, reason));
            }
        }
        failed.into_iter().for_each(|(id, reason)| self.fail(id, reason));
        let now = self.clock.now();
        let took = (now - begin).as_millis() as u64;
        if took > self.counters.slowest_sync_ms.fetch_max(took, Ordering::Relaxed).max(500) {
            tracing::warn!(took, "the disk is slow: recordings may lose more than two seconds at a power cut");
        }
        self.sync_at = (!self.recordings.is_empty()).then_some(now + limits::SYNC_INTERVAL);
    }

    /// The database needs room more than a recording does.
    fn check_room(&self) -> Result<(), String> {
        match self.folder.room() {
            Ok(room) if room < self.reserve => Err(format!("the disk is full but for {} MiB", room >> 20)),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the disk does not say how full it is: {error}")),
        }
    }

    /// The exchange must know that it failed before it hears of the file, whatever the media thread is at.
    fn fail(&mut self, recording: RecordingId, reason: String) {
        self.say_failed(recording, reason.clone());
        self.reports.push_always(Report::Failed { recording, reason });
        self.end(recording);
    }

    fn say_failed(&self, recording: RecordingId, reason: String) {
        tracing::error!(recording = recording.0, reason, "cannot record");
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.deliveries.push_always(Delivery::Failed { recording, reason });
    }

    /// Makes the file whole, tells of it, and has it converted.
    fn end(&mut self, id: RecordingId) {
        let Some(recording) = self.recordings.remove(&id) else { return };
        self.count();
        let finished = recording.finish(&self.folder);
        if let Err(reason) = &finished {
            tracing::error!(recording = id.0, reason, "a recording could not be ended as it should");
        }
        let file = finished.ok().flatten();
        self.reports.push_always(Report::Written { recording: id, file: file.clone() });
        if let Some(file) = file.filter(|file| recordings_folder::is_to_be_converted(&file.path)) {
            self.conversions.convert(file.path);
        }
    }

    fn count(&self) {
        self.counters.recordings.store(self.recordings.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
