//! `/v1.0/system`: how it stands with the box itself, and what may be done with it.

pub(crate) mod backup;
pub(crate) mod diagnostics;
mod findings;
pub mod logs;
pub(crate) mod network;
pub(crate) mod power;
mod redaction;
pub(crate) mod restore;
pub mod update;
mod vitals;

use std::path::PathBuf;

use axum::Json;
use axum::extract::State as Shared;
use serde::Serialize;
use store::Timestamp;
use utoipa::ToSchema;

use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;
pub use findings::{Finding, Severity};
pub use vitals::{Disk, Flash, Machine, Memory, Process, Temperature};

/// The build, where whoever built the image named it.
pub const BUILD: Option<&str> = option_env!("TANDEM_BUILD");

/// How it stands with the box.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = System)]
pub struct Record {
    /// The program's version.
    pub version: &'static str,
    /// Which build of it; absent where nobody named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<&'static str>,
    /// When the process started, by the box's clock.
    pub tm_start: Timestamp,
    /// What the box's clock shows.
    pub tm_now: Timestamp,
    /// Seconds since the process started.
    pub uptime: u64,
    /// The process.
    pub process: Process,
    /// The machine it runs on.
    pub machine: Machine,
    /// The disk that holds everything the box remembers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// What writes it.
    pub store: Keeping,
    /// Those who bring things out of the box.
    pub readers: Vec<Reading>,
    /// What is wrong, the worst first; empty where all is well.
    pub findings: Vec<Finding>,
}

/// What the database says of itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = SystemStore)]
pub struct Keeping {
    /// Octets of the database and its log.
    pub bytes: u64,
    /// Entries that wait to be written.
    pub waiting: u64,
    /// Items that were never written.
    pub lost: u64,
    /// Why nothing can be written at the moment, if so.
    pub failing: Option<String>,
    /// The last number in the event log.
    pub latest_event: i64,
}

/// One who brings things out of the box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SystemReader)]
pub struct Reading {
    /// `cloud`, `bucket`.
    pub name: &'static str,
    /// What it has not brought out yet: records, recordings.
    pub waiting: u64,
    /// Why nothing goes at the moment, if so.
    pub failure: Option<String>,
}

/// Tells how it stands with the box. What a machine does not tell is absent.
#[utoipa::path(
    get,
    path = "/v1.0/system",
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "system"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<Json<Record>, Failure> {
    Ok(Json(look(&state).await?))
}

/// Looks at everything.
pub(crate) async fn look(state: &State) -> Result<Record, Failure> {
    let folder: PathBuf = state.data_folder().to_owned();
    let taken = tokio::task::spawn_blocking(move || vitals::take(&folder)).await;
    let vitals::Vitals { process, machine, disk } = taken.map_err(|_| Failure::internal())?;
    let journal = state.journal().statistics();
    let uptime = (state.steady_now().0 - state.started().0).max(0) / 1_000_000;
    let mut record = Record {
        version: env!("CARGO_PKG_VERSION"),
        build: BUILD,
        tm_start: Timestamp(state.now().0 - uptime * 1_000_000),
        tm_now: state.now(),
        uptime: uptime as u64,
        process,
        machine,
        disk,
        store: Keeping {
            bytes: state.store().bytes(),
            waiting: journal.waiting,
            lost: journal.lost,
            failing: journal.failing,
            latest_event: *state.events().borrow(),
        },
        readers: readers(state),
        findings: Vec::new(),
    };
    record.findings = findings::of(&record);
    Ok(record)
}

/// Those there are: a box without a cloud has none that waits for it.
fn readers(state: &State) -> Vec<Reading> {
    let latest = *state.events().borrow();
    let cloud = state.cloud().map(|cloud| Reading {
        name: "cloud",
        waiting: (latest - cloud.cursor).max(0) as u64,
        failure: cloud.failure,
    });
    let counters = state.process_counters();
    let count = |name: &str| counters.iter().find(|counter| counter.0 == name).map(|counter| counter.2);
    let bucket = count("recordings_waiting").filter(|_| state.has_bucket());
    let bucket = bucket.map(|waiting| Reading { name: "bucket", waiting, failure: None });
    cloud.into_iter().chain(bucket).collect()
}
