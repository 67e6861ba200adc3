//! Sound on its way to the media thread that plays it, and empty buffers to the one that records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media::{Lane, PlaybackId, RecordingId};
use rustc_hash::FxHashMap;

use crate::queue::Queue;
use crate::{recording_thread, sound_thread};

/// What is played or recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// A playback.
    Playback(PlaybackId),
    /// A recording.
    Recording(RecordingId),
}

/// What is for a playback or a recording.
pub trait Delivered {
    /// Which one.
    fn work(&self) -> Work;
}

impl Delivered for sound_thread::Delivery {
    fn work(&self) -> Work {
        let (sound_thread::Delivery::Filled { playback, .. } | sound_thread::Delivery::Failed { playback, .. }) = self;
        Work::Playback(*playback)
    }
}

impl Delivered for recording_thread::Delivery {
    fn work(&self) -> Work {
        use recording_thread::Delivery::{Empty, Failed};
        let (Empty { recording, .. } | Failed { recording, .. }) = self;
        Work::Recording(*recording)
    }
}

/// Which thread plays or records what. Its lock is taken a few times a second for each of them, never by a media thread.
#[derive(Debug, Clone, Default)]
pub struct Owners(Arc<Mutex<FxHashMap<Work, Lane>>>);

impl Owners {
    /// The thread of a work; the first one while none is known, whose engine hands back what it does not want.
    pub fn of(&self, work: Work) -> Lane {
        self.lock().get(&work).copied().unwrap_or_default()
    }

    /// It is on this thread from now on.
    pub fn set(&self, work: Work, lane: Lane) {
        self.lock().insert(work, lane);
    }

    /// It is over.
    pub fn forget(&self, work: Work) {
        self.lock().remove(&work);
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<Work, Lane>> {
        // Nothing in here panics half way, so that a poisoned lock still guards a sound map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queues of all media threads, of which each delivery goes into one.
#[derive(Debug, Clone)]
pub struct Deliveries<T> {
    queues: Vec<Queue<T>>,
    owners: Owners,
}

impl<T: Delivered> Deliveries<T> {
    /// Into these queues, one for each thread, as the owners say.
    pub fn new(queues: Vec<Queue<T>>, owners: Owners) -> Deliveries<T> {
        Deliveries { queues, owners }
    }

    /// Puts a delivery into the queue it is for, even when that is full: there are no more of them than buffers. Does not ring.
    pub fn push_always(&self, delivery: T) {
        let lane = if self.queues.len() > 1 { self.owners.of(delivery.work()) } else { Lane::default() };
        if let Some(queue) = self.queues.get(usize::from(lane.0)) {
            queue.push_always(delivery);
        }
    }

    /// Wakes the readers.
    pub fn ring(&self) {
        self.queues.iter().for_each(Queue::ring);
    }
}

impl<T> From<Queue<T>> for Deliveries<T> {
    fn from(queue: Queue<T>) -> Deliveries<T> {
        Deliveries { queues: vec![queue], owners: Owners::default() }
    }
}
