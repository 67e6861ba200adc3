//! The ports of several media threads. Each thread has a share of them, and the legs of a call take theirs from the share of one, so
//! that what is forwarded never goes from thread to thread.

use media::Lane;

use crate::Time;
use crate::ports::{PortOrder, PortPool, PortReport};

/// Pairs that most calls take.
const A_CALL: usize = 2;

/// The thread whose port this is, where there are so many of them.
pub fn lane_of(port: u16, lanes: u8) -> Lane {
    Lane((port / 2 % u16::from(lanes.max(1))) as u8)
}

/// The ports of all media threads.
#[derive(Debug)]
pub struct Ports {
    lanes: Vec<PortPool>,
}

impl Ports {
    /// The pairs that fit into `first..=last`, in turns for each of so many threads.
    pub fn new((first, last): (u16, u16), lanes: u8) -> Ports {
        let lanes = lanes.max(1);
        let pool = |lane| PortPool::chosen(first, last, |port| lane_of(port, lanes) == Lane(lane));
        Ports { lanes: (0..lanes).map(pool).collect() }
    }

    /// How many threads there are.
    pub fn lanes(&self) -> u8 {
        self.lanes.len() as u8
    }

    /// The thread for the next call: of those that have ports for it, or will in a moment, that with the fewest in use.
    pub fn calmest(&self) -> Lane {
        let rank = |pool: &PortPool| (!pool.has(A_CALL), !pool.is_short_of(A_CALL), pool.used());
        let lanes = (0..self.lanes()).map(Lane);
        lanes.min_by_key(|lane| rank(&self.lanes[usize::from(lane.0)])).unwrap_or_default()
    }

    /// Whether a thread has a port, or will in a moment.
    pub fn serves(&self, lane: Lane) -> bool {
        self.lanes.get(usize::from(lane.0)).is_some_and(|pool| pool.has(1) || pool.is_short_of(1))
    }

    /// Takes a pair of a thread and returns its even port; `None` if there is none to be had.
    pub fn take(&mut self, lane: Lane) -> Option<u16> {
        self.lanes.get_mut(usize::from(lane.0))?.take()
    }

    /// Gives a pair back.
    pub fn give_back(&mut self, now: Time, port: u16) {
        self.of(port).give_back(now, port);
    }

    /// Whether a thread has not so many pairs, but will have more in a moment.
    pub fn is_short_of(&self, lane: Lane, pairs: usize) -> bool {
        self.lanes.get(usize::from(lane.0)).is_some_and(|pool| pool.is_short_of(pairs))
    }

    /// The daemon has tried to bind a pair.
    pub fn handle_report(&mut self, now: Time, report: PortReport) {
        let (PortReport::Bound(port) | PortReport::Held(port) | PortReport::Starved(port)) = report;
        self.of(port).handle_report(now, report);
    }

    /// Fills the reserves and gives up what has rested long enough; what is to be done for it comes by [`Ports::poll_order`].
    pub fn handle_timeout(&mut self, now: Time) {
        self.lanes.iter_mut().for_each(|pool| pool.handle_timeout(now));
    }

    /// The next order, until there is none.
    pub fn poll_order(&mut self) -> Option<PortOrder> {
        self.lanes.iter_mut().find_map(PortPool::poll_order)
    }

    /// When to call [`Ports::handle_timeout`], and what for.
    pub fn poll_timeout(&self) -> Option<(Time, &'static str)> {
        self.lanes.iter().filter_map(PortPool::poll_timeout).min()
    }

    /// How many pairs are in use.
    pub fn used(&self) -> usize {
        self.lanes.iter().map(PortPool::used).sum()
    }

    /// How many pairs another process held when they were last tried.
    pub fn set_aside(&self) -> usize {
        self.lanes.iter().map(PortPool::set_aside).sum()
    }

    fn of(&mut self, port: u16) -> &mut PortPool {
        let lane = lane_of(port, self.lanes());
        &mut self.lanes[usize::from(lane.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1);

    fn bound(lanes: u8) -> Ports {
        let mut ports = Ports::new((30_001, 30_017), lanes);
        ports.handle_timeout(NOW);
        while let Some(order) = ports.poll_order() {
            let PortOrder::Bind(port) = order else { continue };
            ports.handle_report(NOW, PortReport::Bound(port));
        }
        ports
    }

    #[test]
    fn every_thread_has_its_share_and_takes_of_no_other() {
        let mut ports = bound(3);
        let mut all = Vec::new();
        for lane in (0..3).map(Lane) {
            let taken: Vec<u16> = std::iter::from_fn(|| ports.take(lane)).collect();
            assert!((2..=3).contains(&taken.len()), "{taken:?}");
            assert!(taken.iter().all(|port| lane_of(*port, 3) == lane), "{taken:?}");
            all.extend(taken);
        }
        all.sort_unstable();
        assert_eq!(all, (30_002..30_017).step_by(2).collect::<Vec<u16>>());
        assert_eq!((ports.used(), ports.take(Lane(0)), ports.take(Lane(9))), (8, None, None));
    }

    #[test]
    fn the_next_call_goes_where_the_fewest_are() {
        let mut ports = bound(2);
        assert_eq!(ports.calmest(), Lane(0));
        let port = ports.take(Lane(0)).expect("there are ports");
        assert_eq!(ports.calmest(), Lane(1));
        ports.take(Lane(1)).expect("there are ports");
        ports.take(Lane(1)).expect("there are ports");
        assert_eq!(ports.calmest(), Lane(0));
        ports.give_back(NOW, port);
        assert_eq!((ports.used(), ports.calmest()), (2, Lane(0)));
        assert_eq!(bound(0).calmest(), Lane(0));
    }

    #[test]
    fn a_thread_whose_ports_others_hold_gets_no_calls_however_few_it_has() {
        let mut ports = Ports::new((30_000, 30_015), 2);
        ports.handle_timeout(NOW);
        while let Some(order) = ports.poll_order() {
            let PortOrder::Bind(port) = order else { continue };
            let report = if lane_of(port, 2) == Lane(0) { PortReport::Held(port) } else { PortReport::Bound(port) };
            ports.handle_report(NOW, report);
        }
        ports.take(Lane(1)).expect("there are ports");
        assert_eq!((ports.calmest(), ports.serves(Lane(0)), ports.serves(Lane(1))), (Lane(1), false, true));
    }
}
