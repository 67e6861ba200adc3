//! Bounded queues between threads, and the bell that wakes the one who reads.
//!
//! A writer puts items in and rings once for all of them; the reader takes everything there is at a time, so that neither
//! the lock nor the wake-up is paid per item.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Wakes one thread that sleeps in a poll. Ringing again before the thread has looked costs nothing.
#[derive(Debug)]
pub struct Bell {
    waker: mio::Waker,
    rung: AtomicBool,
}

impl Bell {
    /// The bell of the thread that sleeps in the poll to which `waker` belongs.
    pub fn new(waker: mio::Waker) -> Arc<Bell> {
        Arc::new(Bell { waker, rung: AtomicBool::new(false) })
    }

    /// Wakes the thread.
    pub fn ring(&self) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "cannot wake a thread");
        }
    }

    /// For the thread itself: whether it was rung for since the last time. Look into the queues after this, not before.
    pub fn answer(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }
}

/// Items for which an empty queue keeps room.
const KEPT: usize = 64;

/// One queue; clones are the same queue.
#[derive(Debug)]
pub struct Queue<T> {
    items: Arc<Mutex<VecDeque<T>>>,
    bell: Arc<Bell>,
    capacity: usize,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Queue<T> {
        Queue { items: self.items.clone(), bell: self.bell.clone(), capacity: self.capacity }
    }
}

impl<T> Queue<T> {
    /// A queue for `capacity` items whose reader wakes by `bell`.
    pub fn new(capacity: usize, bell: Arc<Bell>) -> Queue<T> {
        Queue { items: Arc::new(Mutex::new(VecDeque::new())), bell, capacity }
    }

    /// Puts `item` in, or gives it back when the queue is full. Does not ring.
    pub fn push(&self, item: T) -> Result<(), T> {
        let mut items = self.lock();
        if items.len() >= self.capacity {
            return Err(item);
        }
        items.push_back(item);
        Ok(())
    }

    /// Puts `item` in even when the queue is full: for what must not be lost and is bounded by other means. Does not ring.
    pub fn push_always(&self, item: T) {
        self.lock().push_back(item);
    }

    /// Wakes the reader.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Exchanges everything that waits for the empty `taken`, whose memory is used again.
    pub fn take(&self, taken: &mut VecDeque<T>) {
        debug_assert!(taken.is_empty(), "what was taken before is dealt with");
        // A burst must not keep its memory for ever: what is empty and large goes.
        if taken.capacity() > KEPT {
            *taken = VecDeque::new();
        }
        std::mem::swap(&mut *self.lock(), taken);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        // Nothing in here panics half way, so that a poisoned lock still guards a sound queue.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bell(poll: &mio::Poll) -> Arc<Bell> {
        Bell::new(mio::Waker::new(poll.registry(), mio::Token(7)).expect("the kernel has eventfd"))
    }

    #[test]
    fn a_full_queue_gives_back_and_a_take_empties_it() {
        let poll = mio::Poll::new().expect("the kernel has epoll");
        let queue = Queue::new(2, bell(&poll));
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(3)));
        queue.push_always(4);
        let mut taken = VecDeque::new();
        queue.take(&mut taken);
        assert_eq!(taken, [1, 2, 4]);
        taken.clear();
        queue.take(&mut taken);
        assert!(taken.is_empty());
    }

    #[test]
    fn a_ring_from_another_thread_wakes_and_is_answered_once() {
        let mut poll = mio::Poll::new().expect("the kernel has epoll");
        let bell = bell(&poll);
        let ringer = bell.clone();
        let ringing = std::thread::spawn(move || {
            ringer.ring();
            ringer.ring();
        });
        let mut events = mio::Events::with_capacity(4);
        poll.poll(&mut events, None).expect("nothing interrupts");
        ringing.join().expect("it only rings");
        assert_eq!(events.iter().next().map(|event| event.token()), Some(mio::Token(7)));
        assert!(bell.answer());
        assert!(!bell.answer());
    }
}
