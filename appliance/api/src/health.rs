//! `/livez`: whether the exchange answers. `/healthz`: whether the disk can be written besides.
//!
//! The two differ in who asks: whoever would start the process anew asks the first, because a full disk is no better
//! after it, and calls go on without one. Whoever tells an operator asks the second.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State as Shared;
use pbx::Command;
use serde::Serialize;
use store::Item;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;
use crate::{exchange, limits};

/// The process is well.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// Seconds since the process started.
    pub uptime: u64,
    /// Microseconds that the signalling thread took to answer.
    pub signalling_us: u64,
    /// The last number in the event log.
    pub latest_event: i64,
}

/// The process answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Life {
    /// `ok`.
    pub status: &'static str,
}

/// Remembers the last verdicts, so that asking often costs nothing.
#[derive(Default)]
pub struct Checkup {
    pulse: Mutex<Option<(Instant, Result<Duration, &'static str>)>>,
    disk: Mutex<Option<(Instant, Result<(), Failure>)>>,
}

/// Says whether the exchange answers, whatever becomes of the disk.
#[utoipa::path(
    get,
    path = "/livez",
    responses(
        (status = 200, body = Life),
        (status = 503, body = ErrorEnvelope, description = "SERVICE_UNAVAILABLE; the message says what is wrong"),
    ),
    security(()),
    tag = "box"
)]
pub(crate) async fn live(Shared(state): Shared<State>) -> Result<Json<Life>, Failure> {
    state.checkup().pulse(&state).await?;
    Ok(Json(Life { status: "ok" }))
}

/// Says whether the exchange is well.
#[utoipa::path(
    get,
    path = "/healthz",
    responses(
        (status = 200, body = Health),
        (status = 503, body = ErrorEnvelope, description = "SERVICE_UNAVAILABLE; the message says what is wrong"),
    ),
    security(()),
    tag = "box"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<Json<Health>, Failure> {
    let answered = state.checkup().pulse(&state).await?;
    state.checkup().disk(&state).await?;
    let uptime = (state.steady_now().0 - state.started().0).max(0) as u64 / 1_000_000;
    Ok(Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        uptime,
        signalling_us: answered.as_micros() as u64,
        latest_event: *state.events().borrow(),
    }))
}

impl Checkup {
    /// How long the signalling thread took to answer.
    async fn pulse(&self, state: &State) -> Result<Duration, Failure> {
        let mut last = self.pulse.lock().await;
        if let Some((_, verdict)) = last.filter(|(at, _)| at.elapsed() < limits::HEALTH_AGE) {
            return verdict.map_err(Failure::unavailable);
        }
        let asked = Instant::now();
        let answer = state.exchange().submit(Command::ReadCounters);
        let verdict = match tokio::time::timeout(limits::HEALTH, answer).await {
            Ok(Ok(_)) => Ok(asked.elapsed()),
            Ok(Err(_)) => Err("the exchange takes no orders"),
            Err(_) => Err("the signalling thread does not answer"),
        };
        *last = Some((Instant::now(), verdict));
        verdict.map_err(Failure::unavailable)
    }

    /// Whether the disk can be written: tried now and then, and known at once when the store thread finds out.
    async fn disk(&self, state: &State) -> Result<(), Failure> {
        exchange::writable(state)?;
        let mut last = self.disk.lock().await;
        if let Some((_, verdict)) = last.clone().filter(|(at, verdict)| at.elapsed() < age(verdict)) {
            return verdict;
        }
        let verdict = exchange::remember(state, Item::Probe(state.now())).await;
        *last = Some((Instant::now(), verdict.clone()));
        verdict
    }
}

/// How long a verdict about the disk is told again.
fn age(verdict: &Result<(), Failure>) -> Duration {
    if verdict.is_ok() { limits::PROBE } else { limits::HEALTH_AGE }
}
