//! Keeps what lingers within its limit, and gives memory back after a burst.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};

use super::{Endpoint, Owner};
use crate::Time;

/// Maps smaller than this are not shrunk.
const FEW: usize = 32;

/// Shrinks a map that has become nearly empty. Called after each removal; the work is paid for by the removals before.
pub(super) fn give_back<K: Eq + Hash, V, S: BuildHasher>(map: &mut HashMap<K, V, S>) {
    if map.capacity() > FEW && map.len() < map.capacity() / 8 {
        map.shrink_to(2 * map.len());
    }
}

/// The same for a queue that has been emptied.
pub(super) fn give_back_queue<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() && queue.capacity() > FEW {
        *queue = VecDeque::new();
    }
}

/// The transactions that are through and only wait for repetitions, oldest first; some may be over already.
#[derive(Default)]
pub(super) struct Spent {
    order: VecDeque<Owner>,
    /// How many of them are not over.
    pub(super) live: usize,
}

impl Endpoint {
    /// Notes that a transaction is through; its owner has set its `spent` flag. Beyond the limit the oldest is forgotten.
    pub(super) fn add_spent(&mut self, owner: Owner) {
        self.spent.order.push_back(owner);
        self.spent.live += 1;
        while self.spent.live > self.config.limits.spent_transactions {
            let Some(oldest) = self.spent.order.pop_front() else { break };
            if self.is_spent(oldest) {
                self.statistics.forgotten += 1;
                self.forget(oldest);
            }
        }
        if self.spent.order.len() > 2 * self.spent.live + FEW {
            let mut order = std::mem::take(&mut self.spent.order);
            order.retain(|owner| self.is_spent(*owner));
            if order.capacity() > 4 * order.len() + FEW {
                order.shrink_to_fit();
            }
            self.spent.order = order;
        }
    }

    fn is_spent(&self, owner: Owner) -> bool {
        match owner {
            Owner::Client(key) => self.clients.get(&key).is_some_and(|client| client.spent),
            Owner::Server(id) => self.servers.get(&id).is_some_and(|server| server.spent),
            Owner::Provisional(..) | Owner::Dialog(_) => false,
        }
    }

    fn forget(&mut self, owner: Owner) {
        match owner {
            Owner::Client(key) => self.remove_client(key),
            Owner::Server(id) => self.remove_server(id),
            Owner::Provisional(..) | Owner::Dialog(_) => {}
        }
    }

    /// Drops the timers nobody awaits any more once they have become many.
    pub(super) fn sweep_timers(&mut self) {
        if self.timers.wants_sweep() {
            let mut timers = std::mem::take(&mut self.timers);
            timers.retain(|timer, owner| self.awaits(timer, *owner));
            self.timers = timers;
        }
        if self.spent.live == 0 && self.spent.order.capacity() > FEW {
            self.spent.order = VecDeque::new();
        }
    }

    pub(super) fn arm(&mut self, now: Time, timer: (crate::transaction::Timer, Time), owner: Owner) {
        self.timers.arm(now, timer, owner);
    }
}

#[cfg(test)]
mod tests {
    use rustc_hash::FxHashMap;

    use super::*;

    #[test]
    fn a_map_gives_memory_back_when_it_is_nearly_empty_and_not_before() {
        let mut map: FxHashMap<u64, [u8; 64]> = (0..100_000).map(|number| (number, [0; 64])).collect();
        let full = map.capacity();
        for number in 0..99_990 {
            map.remove(&number);
            give_back(&mut map);
            assert!(map.capacity() <= FEW || map.len() * 8 >= map.capacity());
        }
        assert!(full >= 100_000 && map.capacity() <= FEW && map.len() == 10);
    }

    #[test]
    fn an_emptied_queue_gives_memory_back() {
        let mut queue: VecDeque<u64> = (0..100_000).collect();
        queue.clear();
        give_back_queue(&mut queue);
        assert_eq!(queue.capacity(), 0);
    }
}
