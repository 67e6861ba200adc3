//! A board made of memory, on which the logic above the hardware is tested.
use core::time::Duration;

use heapless::{Deque, Vec};

use crate::Error;
use crate::button::{Button, Edge};
use crate::clock::Clock;
use crate::led::Led;
use crate::watchdog::Watchdog;

/// How many changes a simulated piece remembers.
const MEMORY: usize = 64;

/// A watchdog whose time the test moves on.
#[derive(Debug, Default)]
pub struct SimulatedWatchdog {
    timeout: Duration,
    unpetted: Duration,
    has_bitten: bool,
}

impl SimulatedWatchdog {
    /// Lets time pass; returns whether the box would have been reset by now.
    pub fn advance(&mut self, by: Duration) -> bool {
        self.unpetted += by;
        self.has_bitten |= !self.timeout.is_zero() && self.unpetted >= self.timeout;
        self.has_bitten
    }
}

impl Watchdog for SimulatedWatchdog {
    fn set_timeout(&mut self, timeout: Duration) -> Result<Duration, Error> {
        self.timeout = Duration::from_secs(timeout.as_secs().max(1));
        self.pet()?;
        Ok(self.timeout)
    }

    fn pet(&mut self) -> Result<(), Error> {
        self.unpetted = Duration::ZERO;
        Ok(())
    }
}

/// A light that remembers how it was switched, oldest first; a full memory refuses.
#[derive(Debug, Default)]
pub struct SimulatedLed {
    /// Each value the light was set to.
    pub history: Vec<bool, MEMORY>,
}

impl Led for SimulatedLed {
    fn set(&mut self, lit: bool) -> Result<(), Error> {
        self.history.push(lit).map_err(|_| Error::Refused("LED", 28))
    }
}

/// A button the test presses.
#[derive(Debug, Default)]
pub struct SimulatedButton {
    edges: Deque<Edge, MEMORY>,
}

impl SimulatedButton {
    /// Changes the button; what nobody reads in time is lost, as it is in hardware.
    pub fn push(&mut self, edge: Edge) {
        let _ = self.edges.push_back(edge);
    }
}

impl Button for SimulatedButton {
    fn poll_edge(&mut self) -> Result<Option<Edge>, Error> {
        Ok(self.edges.pop_front())
    }
}

/// A clock that shows what it was set to.
#[derive(Debug, Default)]
pub struct SimulatedClock {
    /// The time shown; `None` is a clock that is broken.
    pub time: Option<Duration>,
}

impl Clock for SimulatedClock {
    fn read(&self) -> Result<Duration, Error> {
        self.time.ok_or(Error::Nonsense("clock"))
    }

    fn set(&mut self, time: Duration) -> Result<(), Error> {
        self.time = Some(time);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_bites_only_when_unpetted() {
        let mut watchdog = SimulatedWatchdog::default();
        assert!(!watchdog.advance(Duration::from_secs(100)), "not started yet");
        assert_eq!(watchdog.set_timeout(Duration::from_millis(10_900)), Ok(Duration::from_secs(10)));
        for _ in 0..10 {
            assert!(!watchdog.advance(Duration::from_secs(9)));
            watchdog.pet().expect("a simulated watchdog never refuses");
        }
        assert!(watchdog.advance(Duration::from_secs(10)));
        watchdog.pet().expect("a simulated watchdog never refuses");
        assert!(watchdog.advance(Duration::ZERO), "a reset cannot be taken back");
    }
}
