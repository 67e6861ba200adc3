//! The sound thread: decodes what is played, a few buffers ahead of the media thread, so that the latter never waits for a disk
//! or for the network.
//!
//! Buffers circulate. On [`Order::Start`] the thread makes [`limits::SOUND_BUFFERS`] buffers of
//! [`limits::SOUND_BUFFER`], fills them and delivers them; each one comes back by [`Order::Refill`] when it was played, is
//! filled again and delivered again. So a playback needs a bounded amount of memory, and what is far behind is decoded last.
//! The sounds of a list follow one another without a gap: the one after the present is fetched while the present plays.
//!
//! The run loop of the media thread, which owns the engine:
//!
//! 1. The exchange orders `Play` with [`Playable::Sounds`](media::Playable::Sounds): hand the command to the engine,
//!    then push [`Order::Start`] with [`Engine::rate`](media::Engine::rate) of its target.
//! 2. When the bell of the [`Delivery`] queue rang: take them all; [`Delivery::Filled`] goes to
//!    [`Engine::handle_sound`](media::Engine::handle_sound), [`Delivery::Failed`] to
//!    [`Engine::handle_sound_failed`](media::Engine::handle_sound_failed).
//! 3. While draining the engine: [`Parcel::Played`](media::Parcel::Played) becomes [`Order::Refill`], and after the event
//!    `PlaybackEnded` push [`Order::Stop`] (buffers that come back later are dropped here, off the real-time thread).
//! 4. Ring the orders' bell once for all of it.
//!
//! A playback ends by a buffer with `last`, or by [`Delivery::Failed`]; then the thread has forgotten it.

pub mod cache;
pub mod fetcher;
pub mod library;
pub mod playback;
pub mod sounds_folder;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use media::{PlaybackId, SampleRate, Sound, SoundBuffer};
use mio::{Events, Poll, Token, Waker};
use rustc_hash::FxHashMap;

use crate::limits;
use crate::media_threads::deliveries::Deliveries;
use crate::queue::{Bell, Queue};
use crate::web::Reach;
use cache::Cache;
use fetcher::{Arrived, Fetcher};
use library::{Fetched, Library};
use playback::{Filling, Playback};
use sounds_folder::SoundsFolder;

/// The token of the bell, the only thing the thread waits for.
const BELL: Token = Token(0);

/// What the media thread asks of the thread.
#[derive(Debug)]
pub enum Order {
    /// Play these, one after another, at this rate. Refused by [`Delivery::Failed`] beyond [`limits::PLAYBACKS`].
    Start {
        /// The playback, which is not played already.
        playback: PlaybackId,
        /// What is played.
        sounds: Arc<[Sound]>,
        /// Samples a second.
        rate: SampleRate,
        /// Whether it begins anew at its end.
        repeats: bool,
    },
    /// A buffer was played: fill it again.
    Refill {
        /// The playback.
        playback: PlaybackId,
        /// The buffer.
        pcm: Box<[i16]>,
    },
    /// Forget a playback, if it is not forgotten yet.
    Stop {
        /// The playback.
        playback: PlaybackId,
    },
    /// A sound from the network is there, or never will be. Made by the threads that fetch.
    Arrived(Arrived),
    /// End, after everything before it.
    Quit,
}

/// What the media thread gets.
#[derive(Debug)]
pub enum Delivery {
    /// The next piece of a playback, for the engine.
    Filled {
        /// The playback.
        playback: PlaybackId,
        /// What is played next.
        buffer: SoundBuffer,
    },
    /// There is no sound, or no more, and that is not its end. The playback is forgotten.
    Failed {
        /// The playback.
        playback: PlaybackId,
        /// What is wrong, and with which sound.
        reason: String,
    },
}

/// What the thread counted, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Playbacks that are decoded now.
    pub playbacks: AtomicU64,
    /// Playbacks that could not go on.
    pub failures: AtomicU64,
}

/// What the thread needs of the rest of the process.
#[derive(Debug)]
pub struct Surroundings {
    /// The folder of the files that can be played, which is made if it is missing.
    pub sounds: PathBuf,
    /// The file that is the music on hold, wherever it is.
    pub music: Option<PathBuf>,
    /// The folder for what is fetched from the network.
    pub cache: PathBuf,
    /// The folder of what was spoken.
    pub spoken: PathBuf,
    /// From where it is fetched.
    pub reach: Reach,
    /// The way to the media threads.
    pub deliveries: Deliveries<Delivery>,
}

/// A sound thread that runs, seen from the others.
#[derive(Debug)]
pub struct SoundThread {
    /// Where its orders go in. None of them may be lost: push them always; they are bounded by playbacks and buffers.
    pub orders: Queue<Order>,
    /// What it counts.
    pub counters: Arc<Counters>,
    thread: JoinHandle<()>,
}

impl SoundThread {
    /// Starts the thread.
    pub fn start(around: Surroundings) -> Result<SoundThread> {
        let poll = Poll::new().context("cannot make an epoll instance")?;
        let bell = Bell::new(Waker::new(poll.registry(), BELL).context("cannot make an eventfd")?);
        let orders = Queue::new(limits::PLAYBACKS, bell.clone());
        let counters = Arc::new(Counters::default());
        let cache = Cache::open(&around.cache)?;
        let fetcher = Fetcher::new(cache.clone(), around.reach, orders.clone());
        let library = Library::new(SoundsFolder::open(&around.sounds)?, around.music, around.spoken, (cache, fetcher));
        let run = Run {
            poll,
            bell,
            orders: orders.clone(),
            deliveries: around.deliveries,
            library,
            playbacks: FxHashMap::default(),
            counters: counters.clone(),
            quitting: false,
        };
        let thread = std::thread::Builder::new()
            .name("sound".into())
            .stack_size(512 * 1_024)
            .spawn(move || run.run())
            .context("cannot start the sound thread")?;
        Ok(SoundThread { orders, counters, thread })
    }

    /// Ends the thread after what was ordered before.
    pub fn stop(self) {
        self.orders.push_always(Order::Quit);
        self.orders.ring();
        if self.thread.join().is_err() {
            tracing::error!("the sound thread panicked");
        }
    }
}

/// The thread's own values.
struct Run {
    poll: Poll,
    bell: Arc<Bell>,
    orders: Queue<Order>,
    deliveries: Deliveries<Delivery>,
    library: Library,
    playbacks: FxHashMap<PlaybackId, Playback>,
    counters: Arc<Counters>,
    quitting: bool,
}

impl Run {
    fn run(mut self) {
        let mut ready = Events::with_capacity(4);
        let mut orders = VecDeque::new();
        while !self.quitting {
            if let Err(error) = self.poll.poll(&mut ready, None)
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the sound thread cannot wait for orders");
                return;
            }
            if !self.bell.answer() {
                continue;
            }
            self.orders.take(&mut orders);
            for order in orders.drain(..) {
                self.obey(order);
                // Decoding takes its time: what is ready leaves before the next is decoded.
                self.deliveries.ring();
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start { playback, sounds, rate, repeats } => {
                self.begin(playback, Playback::new(sounds, rate, repeats))
            }
            Order::Refill { playback, pcm } => self.refill(playback, pcm),
            Order::Stop { playback } => self.forget(playback),
            Order::Arrived(arrived) => {
                let fetched = self.library.arrived(arrived);
                fetched.into_iter().for_each(|fetched| self.fetched(fetched));
            }
            Order::Quit => self.quitting = true,
        }
    }

    fn begin(&mut self, id: PlaybackId, playback: Playback) {
        if self.playbacks.len() >= limits::PLAYBACKS {
            return self.fail(id, format!("{} sounds are played already", limits::PLAYBACKS));
        }
        if playback.len() > limits::SOUNDS {
            return self.fail(id, format!("{} sounds in a row; {} are allowed", playback.len(), limits::SOUNDS));
        }
        let samples = limits::SOUND_BUFFER.as_millis() as usize * playback.rate().per_ms();
        self.playbacks.insert(id, playback);
        self.count();
        for _ in 0..limits::SOUND_BUFFERS {
            self.refill(id, vec![0; samples].into_boxed_slice());
        }
    }

    fn refill(&mut self, id: PlaybackId, mut pcm: Box<[i16]>) {
        // The playback may be over: the buffer ends here.
        let Some(playback) = self.playbacks.get_mut(&id) else { return };
        match playback.fill(&mut self.library, id, &mut pcm) {
            Filling::Some(len) => self.deliver(id, SoundBuffer { pcm, len, last: false }),
            Filling::Last(len) => {
                self.deliver(id, SoundBuffer { pcm, len, last: true });
                self.forget(id);
            }
            Filling::Later => playback.keep(pcm),
            Filling::Failed(reason) => {
                self.forget(id);
                self.fail(id, reason);
            }
        }
    }

    /// What a playback waited for is there: all its buffers can be filled.
    fn fetched(&mut self, fetched: Fetched) {
        let id = fetched.playback;
        let Some(playback) = self.playbacks.get_mut(&id) else { return };
        playback.fetched(fetched);
        for pcm in playback.kept() {
            self.refill(id, pcm);
        }
    }

    fn deliver(&self, playback: PlaybackId, buffer: SoundBuffer) {
        self.deliveries.push_always(Delivery::Filled { playback, buffer });
    }

    fn fail(&self, playback: PlaybackId, reason: String) {
        tracing::warn!(playback = playback.0, reason, "cannot play");
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.deliveries.push_always(Delivery::Failed { playback, reason });
    }

    fn forget(&mut self, playback: PlaybackId) {
        self.playbacks.remove(&playback);
        self.count();
    }

    fn count(&self) {
        self.counters.playbacks.store(self.playbacks.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
