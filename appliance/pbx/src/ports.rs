//! The RTP ports: a bounded pool that the exchange owns, so that a port is known before its socket exists.

use std::collections::VecDeque;

/// Even ports for RTP; the odd one above each is for its RTCP (RFC 3550 §11).
#[derive(Debug)]
pub struct PortPool {
    /// Oldest returned first, so that late packets of an ended call do not reach the next one.
    free: VecDeque<u16>,
    size: usize,
}

impl PortPool {
    /// The pairs that fit into `first..=last`.
    pub fn new(first: u16, last: u16) -> PortPool {
        let even = u32::from(first) + u32::from(first % 2);
        let free: VecDeque<u16> = (even..u32::from(last)).step_by(2).map(|port| port as u16).collect();
        PortPool { size: free.len(), free }
    }

    /// Takes a pair and returns its even port; `None` if all are in use.
    pub fn take(&mut self) -> Option<u16> {
        self.free.pop_front()
    }

    /// Gives a pair back.
    pub fn give_back(&mut self, port: u16) {
        self.free.push_back(port);
    }

    /// How many pairs are in use.
    pub fn used(&self) -> usize {
        self.size - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_stay_within_the_range() {
        let mut pool = PortPool::new(30_001, 30_006);
        assert_eq!((pool.take(), pool.take(), pool.take()), (Some(30_002), Some(30_004), None));
        pool.give_back(30_002);
        assert_eq!((pool.used(), pool.take()), (1, Some(30_002)));
    }

    #[test]
    fn the_last_port_of_all_is_usable() {
        let mut pool = PortPool::new(65_534, 65_535);
        assert_eq!((pool.take(), pool.take()), (Some(65_534), None));
    }
}
