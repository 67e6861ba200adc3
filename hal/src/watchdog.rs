//! The watchdog: hardware that resets the box when nobody has petted it for its timeout.
use core::time::Duration;

use crate::Error;

/// A running watchdog. It cannot be stopped: dropping it lets the box be reset.
pub trait Watchdog {
    /// Asks for a timeout and returns the one the hardware has taken, which may be coarser.
    fn set_timeout(&mut self, timeout: Duration) -> Result<Duration, Error>;

    /// Starts the timeout anew.
    fn pet(&mut self) -> Result<(), Error>;
}
