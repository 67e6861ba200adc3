//! The log: to standard error, filtered by `TANDEM_LOG`, and its last lines to memory.

use std::fmt::{self, Write};
use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use api::system::logs::{Level, Ring};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt as lines};

use crate::process::now;

/// Starts logging; `info` where `TANDEM_LOG` says nothing. Returns where the last lines are.
pub fn start() -> Result<Arc<Ring>> {
    let filter = match std::env::var("TANDEM_LOG") {
        Ok(filter) => EnvFilter::try_new(&filter).with_context(|| format!("TANDEM_LOG '{filter}'"))?,
        // What lapin says of it we say in our own words, and without the records.
        Err(_) => EnvFilter::new("info,lapin=off"),
    };
    let ring = Arc::<Ring>::default();
    let lines = lines::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let kept = Keeping(Arc::clone(&ring));
    let started = tracing_subscriber::registry().with(filter).with(lines).with(kept).try_init();
    started.map_err(|error| anyhow!("cannot start the log: {error}"))?;
    Ok(ring)
}

/// Keeps lines in memory.
struct Keeping(Arc<Ring>);

impl<S: Subscriber> Layer<S> for Keeping {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let about = event.metadata();
        let level = match *about.level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::TRACE => Level::Trace,
        };
        let mut text = Text::default();
        event.record(&mut text);
        text.said.push_str(&text.fields);
        self.0.push(now(), level, (about.target(), &text.said));
    }
}

/// What a line says, then its fields: as they stand on standard error.
#[derive(Default)]
struct Text {
    said: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // To write into a text cannot fail.
        let _ = match field.name() {
            "message" => write!(self.said, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
