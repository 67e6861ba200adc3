//! `/healthz`: whether the exchange answers and the disk can be written.

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

/// Remembers the last verdict, so that asking often costs nothing.
#[derive(Default)]
pub struct Checkup(Mutex<Last>);

#[derive(Default)]
struct Last {
    verdict: Option<(Instant, Result<Duration, &'static str>)>,
    probed: Option<Instant>,
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
    let answered = state.checkup().verdict(&state).await.map_err(Failure::unavailable)?;
    let uptime = (state.now().0 - state.started().0).max(0) as u64 / 1_000_000;
    Ok(Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        uptime,
        signalling_us: answered.as_micros() as u64,
        latest_event: *state.events().borrow(),
    }))
}

impl Checkup {
    async fn verdict(&self, state: &State) -> Result<Duration, &'static str> {
        let mut last = self.0.lock().await;
        if let Some((at, verdict)) = last.verdict.filter(|(at, _)| at.elapsed() < limits::HEALTH_AGE) {
            let _ = at;
            return verdict;
        }
        let verdict = last.examine(state).await;
        last.verdict = Some((Instant::now(), verdict));
        verdict
    }
}

impl Last {
    async fn examine(&mut self, state: &State) -> Result<Duration, &'static str> {
        if state.journal().statistics().failing.is_some() {
            return Err("the database cannot be written");
        }
        if self.probed.is_none_or(|at| at.elapsed() >= limits::PROBE) {
            let probe = exchange::remember(state, Item::Probe(state.now()));
            probe.await.map_err(|_| "the database cannot be written")?;
            self.probed = Some(Instant::now());
        }
        let asked = Instant::now();
        let answer = state.exchange().submit(Command::ReadCounters);
        match tokio::time::timeout(limits::HEALTH, answer).await {
            Ok(Ok(_)) => Ok(asked.elapsed()),
            Ok(Err(_)) => Err("the exchange takes no orders"),
            Err(_) => Err("the signalling thread does not answer"),
        }
    }
}
