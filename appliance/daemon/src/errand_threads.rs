//! The threads that run errands for the exchange: they ask and tell web servers, have texts spoken, and send e-mails.
//!
//! There is a thread for each errand that runs, of low priority, while there is something to do and a little longer. How many
//! run at once the exchange decides ([`pbx::errand`]); here each has a time after which it is over, whatever it met.

pub mod mail;
pub mod requests;
pub mod speech;
pub mod spoken;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pbx::errand::{Errand, ErrandId, ErrandReport};

use crate::limits;
use crate::queue::Queue;
use crate::web::Reach;
use mail::Mailer;
use requests::Requests;
use speech::Speakers;

/// What the threads need of the rest of the process.
#[derive(Debug)]
pub struct Surroundings {
    /// Which web servers are asked.
    pub reach: Reach,
    /// Who speaks.
    pub speakers: Speakers,
    /// Who sends e-mails.
    pub mailer: Mailer,
    /// The way back to the exchange.
    pub reports: Queue<ErrandReport>,
}

/// The threads; clones are the same.
#[derive(Debug, Clone)]
pub struct ErrandThreads {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requests: Requests,
    speakers: Speakers,
    mailer: Mailer,
    reports: Queue<ErrandReport>,
    work: Mutex<Work>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Work {
    waiting: VecDeque<(ErrandId, Box<Errand>)>,
    threads: usize,
    idle: usize,
}

/// What came of an errand, before it has its number.
#[derive(Debug)]
pub struct Done {
    /// What was seen of it, for the ladder.
    pub words: String,
    /// What it brought, or why nothing.
    pub result: Result<pbx::errand::Brought, String>,
}

impl ErrandThreads {
    /// None yet.
    pub fn new(around: Surroundings) -> ErrandThreads {
        let shared = Shared {
            requests: Requests::new(around.reach),
            speakers: around.speakers,
            mailer: around.mailer,
            reports: around.reports,
            work: Mutex::default(),
            bell: Condvar::new(),
        };
        ErrandThreads { shared: Arc::new(shared) }
    }

    /// Runs an errand; what comes of it is reported.
    pub fn run(&self, id: ErrandId, errand: Box<Errand>) {
        let mut work = self.shared.work();
        work.waiting.push_back((id, errand));
        if work.idle >= work.waiting.len() {
            self.shared.bell.notify_one();
            return;
        }
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name("errand".into()).stack_size(512 * 1_024);
        match thread.spawn(move || shared.serve()) {
            Ok(_) => work.threads += 1,
            Err(error) if work.threads == 0 => {
                work.waiting.pop_back();
                drop(work);
                let result = Err(format!("there is no thread for it: {error}"));
                self.shared.report(id, Done { words: String::new(), result });
            }
            // Those that run come to it.
            Err(_) => {}
        }
    }
}

impl Shared {
    fn work(&self) -> MutexGuard<'_, Work> {
        // Nothing in here panics half way.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs errands until there was none for a while.
    fn serve(&self) {
        step_back();
        while let Some((id, errand)) = self.next() {
            let begun = Instant::now();
            let done = match *errand {
                Errand::Fetch { url, method, activeflow, reference } => {
                    self.requests.fetch((method, &url), (activeflow, reference), begun)
                }
                Errand::Webhook(webhook) => self.requests.tell(&webhook, begun),
                Errand::Speak(speech) => self.speakers.speak(&speech, begun),
                Errand::Mail(email) => self.mailer.send(&email, begun),
            };
            self.report(id, done);
        }
    }

    fn next(&self) -> Option<(ErrandId, Box<Errand>)> {
        let mut work = self.work();
        loop {
            if let Some(next) = work.waiting.pop_front() {
                return Some(next);
            }
            work.idle += 1;
            let waited = self.bell.wait_timeout(work, limits::ERRAND_THREAD_IDLE);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            work = after;
            work.idle -= 1;
            if timeout.timed_out() && work.waiting.is_empty() {
                work.threads -= 1;
                return None;
            }
        }
    }

    fn report(&self, id: ErrandId, done: Done) {
        self.reports.push_always(ErrandReport { id, words: done.words, result: done.result });
        self.reports.ring();
    }
}

/// Whoever speaks on the telephone comes first.
fn step_back() {
    // SAFETY: it takes three numbers; 0 is the calling thread. What is refused changes nothing.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
    }
}

#[cfg(test)]
mod tests;
