//! `/metrics`, as Prometheus reads it.

use std::fmt::Write;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use pbx::{Command, Reply};

use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;

/// The text format of Prometheus, version 0.0.4.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counts and gauges of the exchange, the API and the store. Programs on the box itself need no login.
#[utoipa::path(
    get,
    path = "/metrics",
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "The text format of Prometheus"),
        (status = 401, body = ErrorEnvelope),
    ),
    tag = "box"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<Response, Failure> {
    let Reply::Counters(counters) = ask(&state, Command::ReadCounters).await? else { return Err(Failure::internal()) };
    let mut text = String::with_capacity(8 * 1024);
    for (name, help, value) in counters.values.into_iter().chain(state.process_counters()).chain(own(&state)) {
        metric(&mut text, name, help, value);
    }
    responses(&mut text, state.responses());
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

fn own(state: &State) -> [(&'static str, &'static str, u64); 10] {
    let journal = state.journal().statistics();
    let uptime = (state.steady_now().0 - state.started().0).max(0) as u64 / 1_000_000;
    [
        ("uptime_seconds", "Seconds since the process started", uptime),
        ("websocket_clients", "WebSocket clients", state.websockets() as u64),
        ("https_handshakes_refused_total", "TLS handshakes of HTTPS that came to nothing", state.refused_handshakes()),
        ("store_items_total", "Items written to the database", journal.items),
        ("store_batches_total", "Transactions committed", journal.batches),
        ("store_refused_total", "Items that the store's queue had no place for", journal.refused),
        ("store_lost_total", "Items that were never written because writing ended before them", journal.lost),
        ("store_waiting", "Entries that wait to be written", journal.waiting),
        ("store_failing", "1 while the database cannot be written", journal.failing.is_some().into()),
        ("store_bytes", "Bytes of the database and its log", state.store().bytes()),
    ]
}

fn metric(text: &mut String, name: &str, help: &str, value: u64) {
    let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
    let written = write!(text, "# HELP tandem_{name} {help}.\n# TYPE tandem_{name} {kind}\ntandem_{name} {value}\n");
    written.expect("a string takes whatever is written to it");
}

fn responses(text: &mut String, classes: [u64; 5]) {
    text.push_str("# HELP tandem_http_responses_total HTTP responses.\n# TYPE tandem_http_responses_total counter\n");
    for (class, count) in (1..).zip(classes) {
        let written = writeln!(text, "tandem_http_responses_total{{status=\"{class}xx\"}} {count}");
        written.expect("a string takes whatever is written to it");
    }
}
