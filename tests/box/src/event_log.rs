//! The event log of an exchange that runs, read from a copy that SQLite makes of its database.

use std::process::Command;

use anyhow::{Result, ensure};
use store::{Store, event_log};

use crate::Exchange;

/// Everything in it, in order.
pub fn read(exchange: &Exchange) -> Result<Vec<event_log::Record>> {
    let home = tempfile::tempdir()?;
    let copy = home.path().join("tandem.db");
    let mut command = Command::new("sqlite3");
    command.args(["-cmd", ".timeout 5000"]).arg(exchange.folder().join("tandem.db"));
    let output = command.arg(format!(".backup '{}'", copy.display())).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Without it the passwords of others, which nobody asks for here, cannot be opened.
    std::fs::copy(exchange.folder().join("box.key"), home.path().join("box.key"))?;
    let (store, _writer) = Store::open(&copy, "", &[0; 64])?;
    let reader = store.reader()?;
    let mut events = Vec::new();
    loop {
        let after = events.last().map_or(0, |event: &event_log::Record| event.seq);
        let more = reader.events_after(after, 1_000)?;
        if more.is_empty() {
            return Ok(events);
        }
        events.extend(more);
    }
}
