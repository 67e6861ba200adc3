//! The RTP ports: a bounded pool that the exchange owns. A leg is given a pair only while the daemon holds its sockets,
//! so that no description ever names a port on which somebody else listens.
//!
//! A few pairs are always held ahead of the calls ([`limits::PORT_RESERVE`]), so that a call does not wait for sockets.
//! A pair that comes back rests before it serves again; one that another process holds is set aside and tried again later.

pub mod lanes;

use std::collections::VecDeque;

pub use lanes::{Ports, lane_of};

use crate::{Time, limits};

/// What the pool wants done with the sockets of a pair, named by its even port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortOrder {
    /// Bind both, and say what came of it: each is answered by one [`PortReport`].
    Bind(u16),
    /// Close both.
    Release(u16),
}

/// What came of [`PortOrder::Bind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortReport {
    /// Both are ours from now on.
    Bound(u16),
    /// One of them is not to be had: another process holds it.
    Held(u16),
    /// Nothing is wrong with the port, but the system gives no more sockets.
    Starved(u16),
}

/// Even ports for RTP; the odd one above each is for its RTCP (RFC 3550 §11).
#[derive(Debug)]
pub struct PortPool {
    /// Without sockets.
    unbound: VecDeque<u16>,
    /// How many were ordered to be bound.
    ordered: usize,
    /// With sockets, for the next legs.
    ready: VecDeque<u16>,
    /// With sockets, and since when no leg has them. Late packets of an ended call must not reach the next one.
    resting: VecDeque<(Time, u16)>,
    /// Held by another process, and when to try again.
    aside: VecDeque<(Time, u16)>,
    /// No sockets are asked for before this.
    paused_until: Time,
    taken: usize,
    orders: VecDeque<PortOrder>,
}

impl PortPool {
    /// The pairs that fit into `first..=last`.
    pub fn new(first: u16, last: u16) -> PortPool {
        PortPool::chosen(first, last, |_| true)
    }

    /// Those of them whose even port is wanted.
    pub fn chosen(first: u16, last: u16, wanted: impl Fn(u16) -> bool) -> PortPool {
        let even = u32::from(first) + u32::from(first % 2);
        PortPool {
            unbound: (even..u32::from(last)).step_by(2).map(|port| port as u16).filter(|port| wanted(*port)).collect(),
            ordered: 0,
            ready: VecDeque::new(),
            resting: VecDeque::new(),
            aside: VecDeque::new(),
            paused_until: Time::ZERO,
            taken: 0,
            orders: VecDeque::new(),
        }
    }

    /// Takes a pair and returns its even port; `None` if there is none to be had.
    pub fn take(&mut self) -> Option<u16> {
        let port = self.ready.pop_front()?;
        self.taken += 1;
        Some(port)
    }

    /// Gives a pair back.
    pub fn give_back(&mut self, now: Time, port: u16) {
        self.taken -= 1;
        self.resting.push_back((now, port));
    }

    /// Whether so many pairs are not there, but some more will be in a moment.
    pub fn is_short_of(&self, pairs: usize) -> bool {
        self.ready.len() < pairs && self.ordered > 0
    }

    /// Whether so many pairs are there.
    pub fn has(&self, pairs: usize) -> bool {
        self.ready.len() >= pairs
    }

    /// The daemon has tried to bind a pair.
    pub fn handle_report(&mut self, now: Time, report: PortReport) {
        self.ordered = self.ordered.saturating_sub(1);
        match report {
            PortReport::Bound(port) => self.ready.push_back(port),
            PortReport::Held(port) => self.aside.push_back((now + limits::PORT_RETRY, port)),
            PortReport::Starved(port) => {
                self.unbound.push_front(port);
                self.paused_until = now + limits::PORT_PAUSE;
            }
        }
    }

    /// Fills the reserve and gives up what has rested long enough; what is to be done for it comes by
    /// [`PortPool::poll_order`].
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((_, port)) = self.aside.pop_front_if(|(at, _)| *at <= now) {
            self.unbound.push_back(port);
        }
        while self.lacks_pairs() && self.refill(now) {}
        while let Some((_, port)) = self.rested(now) {
            self.unbound.push_back(port);
            self.orders.push_back(PortOrder::Release(port));
        }
    }

    /// The next order, until there is none.
    pub fn poll_order(&mut self) -> Option<PortOrder> {
        self.orders.pop_front()
    }

    /// When to call [`PortPool::handle_timeout`], and what for.
    pub fn poll_timeout(&self) -> Option<(Time, &'static str)> {
        let resting = self.resting.front().map(|(since, _)| (*since + limits::PORT_REST, "a port has rested"));
        let aside = self.aside.front().map(|(at, _)| (*at, "a port is tried again"));
        let starved = self.lacks_pairs() && !self.unbound.is_empty();
        let paused = starved.then_some((self.paused_until, "sockets are asked for again"));
        [resting, aside, paused].into_iter().flatten().min()
    }

    /// How many pairs are in use.
    pub fn used(&self) -> usize {
        self.taken
    }

    /// How many pairs another process held when they were last tried.
    pub fn set_aside(&self) -> usize {
        self.aside.len()
    }

    fn lacks_pairs(&self) -> bool {
        self.ready.len() + self.ordered < limits::PORT_RESERVE
    }

    /// Adds one pair to the reserve, or orders one; false if there is none.
    fn refill(&mut self, now: Time) -> bool {
        if let Some((_, port)) = self.rested(now) {
            self.ready.push_back(port);
        } else if let (true, Some(port)) = (now >= self.paused_until, self.unbound.front().copied()) {
            self.unbound.pop_front();
            self.ordered += 1;
            self.orders.push_back(PortOrder::Bind(port));
        } else if let Some((_, port)) = self.resting.pop_front() {
            self.ready.push_back(port);
        } else {
            return false;
        }
        true
    }

    /// The pair that has rested longest, if that is long enough, or if too many rest.
    fn rested(&mut self, now: Time) -> Option<(Time, u16)> {
        let crowded = self.resting.len() > limits::PORTS_RESTING;
        self.resting.pop_front_if(|(since, _)| crowded || *since + limits::PORT_REST <= now)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const START: Time = Time::from_secs(100);

    /// Does what the pool orders, as a daemon does on a machine where others hold some ports.
    fn obey(pool: &mut PortPool, now: Time, held: &BTreeSet<u16>) -> BTreeSet<u16> {
        let mut released = BTreeSet::new();
        loop {
            pool.handle_timeout(now);
            let Some(order) = pool.poll_order() else { return released };
            match order {
                PortOrder::Bind(port) if held.contains(&port) => pool.handle_report(now, PortReport::Held(port)),
                PortOrder::Bind(port) => pool.handle_report(now, PortReport::Bound(port)),
                PortOrder::Release(port) => drop(released.insert(port)),
            }
        }
    }

    fn pool(first: u16, last: u16, held: &[u16]) -> PortPool {
        let mut pool = PortPool::new(first, last);
        obey(&mut pool, START, &held.iter().copied().collect());
        pool
    }

    fn take_all(pool: &mut PortPool) -> Vec<u16> {
        std::iter::from_fn(|| pool.take()).collect()
    }

    #[test]
    fn pairs_stay_within_the_range() {
        let mut pool = pool(30_001, 30_006, &[]);
        assert_eq!(take_all(&mut pool), [30_002, 30_004]);
        pool.give_back(START, 30_002);
        obey(&mut pool, START, &BTreeSet::new());
        assert_eq!((pool.used(), pool.take()), (1, Some(30_002)));
    }

    #[test]
    fn the_last_port_of_all_is_usable() {
        assert_eq!(take_all(&mut pool(65_534, 65_535, &[])), [65_534]);
    }

    #[test]
    fn nothing_is_taken_before_it_is_bound() {
        let mut pool = PortPool::new(30_000, 30_003);
        pool.handle_timeout(START);
        assert_eq!((pool.take(), pool.is_short_of(1)), (None, true));
        pool.handle_report(START, PortReport::Bound(30_000));
        assert_eq!((pool.take(), pool.take(), pool.is_short_of(1)), (Some(30_000), None, true));
        pool.handle_report(START, PortReport::Held(30_002));
        assert_eq!((pool.take(), pool.is_short_of(1)), (None, false), "there is nothing left to wait for");
    }

    #[test]
    fn what_another_process_holds_is_set_aside_and_tried_again() {
        let mut pool = pool(30_000, 30_005, &[30_000]);
        assert_eq!((pool.set_aside(), take_all(&mut pool)), (1, vec![30_002, 30_004]));
        let (at, _) = pool.poll_timeout().expect("it is tried again");
        assert_eq!(at, START + limits::PORT_RETRY);
        obey(&mut pool, at, &[30_000].into());
        assert_eq!((pool.set_aside(), pool.take()), (1, None), "it is held still");
        obey(&mut pool, at + limits::PORT_RETRY, &BTreeSet::new());
        assert_eq!((pool.set_aside(), pool.take()), (0, Some(30_000)));
    }

    #[test]
    fn a_pair_rests_while_others_are_fresh_and_is_closed_then() {
        let mut pool = pool(30_000, 39_999, &[]);
        let first = pool.take().expect("the reserve is full");
        obey(&mut pool, START, &BTreeSet::new());
        pool.give_back(START, first);
        for _ in 0..1_000 {
            let next = pool.take().expect("the reserve is full");
            obey(&mut pool, START, &BTreeSet::new());
            assert_ne!(next, first);
        }
        assert_eq!(obey(&mut pool, START + limits::PORT_REST, &BTreeSet::new()), [first].into());
    }

    #[test]
    fn with_nothing_fresh_left_a_pair_serves_again_at_once() {
        let mut pool = pool(30_000, 30_003, &[]);
        for round in 0..20 {
            let port = pool.take().expect("one is there");
            assert_eq!(port, 30_000 + round % 2 * 2, "the oldest first");
            pool.give_back(START, port);
            obey(&mut pool, START, &BTreeSet::new());
        }
    }

    #[test]
    fn a_system_without_sockets_is_left_alone_for_a_moment() {
        let mut pool = PortPool::new(30_000, 30_003);
        pool.handle_timeout(START);
        while let Some(order) = pool.poll_order() {
            let PortOrder::Bind(port) = order else { panic!("{order:?}") };
            pool.handle_report(START, PortReport::Starved(port));
        }
        pool.handle_timeout(START);
        assert_eq!((pool.poll_order(), pool.set_aside(), pool.is_short_of(1)), (None, 0, false));
        let (at, _) = pool.poll_timeout().expect("sockets are asked for again");
        obey(&mut pool, at, &BTreeSet::new());
        assert_eq!(take_all(&mut pool).len(), 2);
    }

    #[test]
    fn a_crowd_of_resting_pairs_serves_before_new_sockets_are_made() {
        let mut pool = pool(30_000, 39_999, &[]);
        let mut taken = Vec::new();
        while taken.len() <= limits::PORTS_RESTING + limits::PORT_RESERVE {
            taken.push(pool.take().expect("the reserve is full"));
            obey(&mut pool, START, &BTreeSet::new());
        }
        taken.iter().for_each(|port| pool.give_back(START, *port));
        let released = obey(&mut pool, START, &BTreeSet::new()).len();
        assert_eq!(released, limits::PORT_RESERVE + 1, "no more rest than may");
        let unbound = pool.unbound.len();
        assert!(pool.take().is_some());
        pool.give_back(START, 30_000);
        obey(&mut pool, START, &BTreeSet::new());
        assert_eq!(pool.unbound.len(), unbound, "no new sockets");
    }
}
