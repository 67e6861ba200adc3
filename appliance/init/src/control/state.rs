//! `{"do":"state"}`: what the first process knows of the box.
use rustix::system::uname;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use super::Board;
use crate::hardware;

/// The version of the image, when it was made (seconds since 1970, null where it does not say), the kernel's release, seconds since
/// power-on, and whether a watchdog is there.
pub fn obey(board: &Board) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "made": hardware::made(),
        "kernel": uname().release().to_string_lossy(),
        "uptime": clock_gettime(ClockId::Boottime).tv_sec,
        "watchdog": board.has_watchdog,
    })
}
