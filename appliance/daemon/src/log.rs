//! The log: to standard error, filtered by `TANDEM_LOG`.

use std::io::IsTerminal;

use anyhow::{Context, Result, anyhow};
use tracing_subscriber::EnvFilter;

/// Starts logging; `info` where `TANDEM_LOG` says nothing.
pub fn start() -> Result<()> {
    let filter = match std::env::var("TANDEM_LOG") {
        Ok(filter) => EnvFilter::try_new(&filter).with_context(|| format!("TANDEM_LOG '{filter}'"))?,
        // What lapin says of it we say in our own words, and without the records.
        Err(_) => EnvFilter::new("info,lapin=off"),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| anyhow!("cannot start the log: {error}"))
}
