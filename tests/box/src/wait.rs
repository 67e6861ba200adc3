//! Waiting for something that other processes do: often looked at, never longer than a limit.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long things may take on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks every 20 ms until there is something; names what was waited for when there is nothing.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> Result<T> {
    within(PATIENCE, what, look)
}

/// The same for what takes its time.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > end {
            bail!("waited {} s in vain for {what}", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lets time pass that is part of the story: a conversation, a recording.
pub fn let_pass(time: Duration) {
    std::thread::sleep(time);
}
