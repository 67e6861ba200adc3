//! Every bound of delivery, with its reason.

use std::time::Duration;

/// Events taken from the log at a time; each is about 1 KiB.
pub const BATCH: u32 = 100;
/// How long the store may take to write a cursor down.
pub const WRITE: Duration = Duration::from_secs(10);
