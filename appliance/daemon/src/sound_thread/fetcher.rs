//! Fetches sounds from the network, a few at a time, in threads that are there only while there is something to fetch.
//! What answers slowly, never ends or lies about its length is given up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ureq::Agent;

use super::Order;
use super::cache::Cache;
use crate::limits;
use crate::queue::Queue;
use crate::web::{self, Reach};

/// What came of fetching a URL. If there is no reason, it is in the cache.
#[derive(Debug)]
pub struct Arrived {
    /// The URL.
    pub url: String,
    /// Why it is not there, in words.
    pub failure: Option<String>,
}

/// Fetches.
#[derive(Debug)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cache: Cache,
    reach: Reach,
    orders: Queue<Order>,
    agent: OnceLock<Agent>,
    work: Mutex<Work>,
}

#[derive(Debug, Default)]
struct Work {
    waiting: VecDeque<String>,
    threads: usize,
}

impl Fetcher {
    /// What is fetched goes into `cache`, and is told by `orders`.
    pub fn new(cache: Cache, reach: Reach, orders: Queue<Order>) -> Fetcher {
        let (agent, work) = (OnceLock::new(), Mutex::default());
        Fetcher { shared: Arc::new(Shared { cache, reach, orders, agent, work }) }
    }

    /// Begins to fetch a URL that is not being fetched.
    pub fn fetch(&self, url: &str) -> Result<(), String> {
        let mut work = self.shared.work();
        if work.waiting.len() >= limits::FETCHES_WAITING {
            return Err("too many sounds are fetched already".into());
        }
        if work.threads < limits::FETCHES {
            let shared = self.shared.clone();
            let thread = std::thread::Builder::new().name("fetch".into()).stack_size(512 * 1_024);
            match thread.spawn(move || shared.run()) {
                Ok(_) => work.threads += 1,
                Err(error) if work.threads == 0 => return Err(format!("there is no thread to fetch it: {error}")),
                // Those that run come to it.
                Err(_) => {}
            }
        }
        work.waiting.push_back(url.to_owned());
        Ok(())
    }
}

impl Shared {
    fn work(&self) -> MutexGuard<'_, Work> {
        // Nothing in here panics half way.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches until nothing waits.
    fn run(&self) {
        loop {
            let next = {
                let mut work = self.work();
                let next = work.waiting.pop_front();
                work.threads -= usize::from(next.is_none());
                next
            };
            let Some(url) = next else { return };
            let failure = self.fetch(&url).err();
            self.orders.push_always(Order::Arrived(Arrived { url, failure }));
            self.orders.ring();
        }
    }

    fn fetch(&self, url: &str) -> Result<(), String> {
        let agent = self.agent.get_or_init(|| web::agent(self.reach.clone(), limits::FETCH));
        let mut answer = agent.get(url).call().map_err(web::in_words)?;
        if answer.status() != 200 {
            return Err(format!("the server answers {}", answer.status()));
        }
        // The cache has the limit: one octet more tells that there are too many.
        let body = answer.body_mut().with_config().limit(limits::SOUND_FILE + 1);
        self.cache.keep(url, body.reader())
    }
}
