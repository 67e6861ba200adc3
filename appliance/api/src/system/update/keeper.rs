//! Keeps an update going until the box runs with it or is known not to: what is due, whether calls are up, what came of the restart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pbx::{Command, Reply};
use serde_json::{Value, json};
use store::Item;
use store::update::{Record, UpdateStatus, UpdateWhen};
use tokio::sync::Notify;

use super::writing::{self, CANCELED, Octets, Progress};
use crate::board;
use crate::exchange;
use crate::failure::{Failure, Status};
use crate::limits;
use crate::state::State;

/// What is known of updates.
#[derive(Debug, Default)]
pub struct Updates {
    record: Mutex<Record>,
    progress: Mutex<Option<Progress>>,
    /// Whether somebody writes one.
    busy: AtomicBool,
    given_up: AtomicBool,
    /// This process has asked for the restart, so what runs says nothing of what came of it.
    leaving: AtomicBool,
    wake: Notify,
}

/// The right to write one.
struct Place<'a>(&'a Updates);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.tell(None);
        self.0.busy.store(false, Ordering::Release);
    }
}

impl Updates {
    pub(crate) fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn progress(&self) -> Option<Progress> {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, progress: Option<Progress>) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    fn take(&self) -> Result<Place<'_>, Failure> {
        if self.busy.swap(true, Ordering::AcqRel) {
            return Err(Failure::new(
                Status::FailedPrecondition,
                "BUSY",
                "Another update is being written at the moment.",
            ));
        }
        self.given_up.store(false, Ordering::Release);
        Ok(Place(self))
    }
}

/// Writes down how far it is, and has it looked at.
pub async fn note(state: &State, record: Record) -> Result<(), Failure> {
    let record = Record { tm_update: state.now(), ..record };
    exchange::remember(state, Item::Update(Box::new(record.clone()))).await?;
    *state.updates().record.lock().unwrap_or_else(PoisonError::into_inner) = record;
    state.updates().wake.notify_one();
    Ok(())
}

/// Has an update written; it is written down what came of it.
pub async fn install(state: State, record: Record, octets: impl Octets) -> Result<(), Failure> {
    let place = state.updates().take()?;
    let board = writing::begin(&state).await?;
    note(&state, Record { status: UpdateStatus::Started, ..record.clone() }).await?;
    let written = writing::write(&state, board, octets).await;
    drop(place);
    match written {
        Ok(content) => {
            let version = content["version"].as_str().map(str::to_owned);
            let build = content["build"].as_u64();
            note(&state, Record { status: UpdateStatus::Installed, version, build, ..record }).await
        }
        Err(failure) => {
            let status = if failure.reason() == CANCELED { UpdateStatus::Canceled } else { UpdateStatus::Failed };
            note(&state, failed(Record { status, ..record }, failure.reason(), failure.message())).await?;
            Err(failure)
        }
    }
}

fn failed(record: Record, reason: &str, message: &str) -> Record {
    let status = if record.status == UpdateStatus::Canceled { record.status } else { UpdateStatus::Failed };
    Record { status, reason: Some(reason.to_owned()), message: Some(message.to_owned()), ..record }
}

/// Does what is due, for as long as the process runs. Whoever runs the API has this running beside it.
pub async fn tend(state: State) {
    if state.board().is_none() {
        return;
    }
    match state.store().reader().and_then(|reader| reader.update()) {
        Ok(kept) => *state.updates().record.lock().unwrap_or_else(PoisonError::into_inner) = kept,
        Err(error) => tracing::error!(%error, "how far the last update was cannot be read"),
    }
    if state.updates().record().status == UpdateStatus::Started {
        let message = "The box was restarted while the update was written.";
        let _ = note(&state, failed(state.updates().record(), "INTERRUPTED", message)).await;
    }
    if let Err(failure) = report(&state).await {
        tracing::warn!("how the last update ended is not known: {}", failure.message());
    }
    loop {
        if let Err(failure) = step(&state).await {
            tracing::warn!(reason = failure.reason(), "an update does not get on: {}", failure.message());
        }
        let _ = tokio::time::timeout(limits::UPDATE_LOOK, state.updates().wake.notified()).await;
    }
}

async fn step(state: &State) -> Result<(), Failure> {
    let record = state.updates().record();
    match record.status {
        _ if state.updates().leaving.load(Ordering::Acquire) => Ok(()),
        UpdateStatus::Scheduled if is_time(state, record.when) => {
            let Some(url) = record.url.clone() else { return Ok(()) };
            let octets = writing::download(state.download().clone(), url);
            let installed = install(state.clone(), record.clone(), octets).await;
            // Nothing was written down of one that never began.
            if let Err(failure) = &installed
                && state.updates().record().status == UpdateStatus::Scheduled
                && failure.reason() != "BUSY"
            {
                note(state, failed(record, failure.reason(), failure.message())).await?;
            }
            installed
        }
        UpdateStatus::Installed if is_time(state, record.when) && may_restart(state, record.when).await? => {
            restart(state, record).await
        }
        UpdateStatus::Restarting => judge(state, record).await,
        _ => Ok(()),
    }
}

fn is_time(state: &State, when: UpdateWhen) -> bool {
    match when {
        UpdateWhen::Now | UpdateWhen::Idle => true,
        UpdateWhen::At(moment) => moment <= state.now(),
    }
}

/// Whether no call is up, where that matters.
async fn may_restart(state: &State, when: UpdateWhen) -> Result<bool, Failure> {
    if when != UpdateWhen::Idle {
        return Ok(true);
    }
    let Reply::Counters(counters) = exchange::ask(state, Command::ReadCounters).await? else { return Ok(false) };
    Ok(counters.values.iter().any(|(name, _, value)| *name == "calls" && *value == 0))
}

/// That is written down before the board hears of it: what comes after it is another process, perhaps an older one.
async fn restart(state: &State, record: Record) -> Result<(), Failure> {
    note(state, Record { status: UpdateStatus::Restarting, ..record.clone() }).await?;
    state.updates().leaving.store(true, Ordering::Release);
    let asked = board::ask(state, json!({ "do": "update_switch" })).await;
    if let Err(failure) = asked {
        state.updates().leaving.store(false, Ordering::Release);
        note(state, failed(record, failure.reason(), failure.message())).await?;
    }
    Ok(())
}

/// After the restart: whether the new version runs and has proven itself.
async fn judge(state: &State, record: Record) -> Result<(), Failure> {
    let board = standing(state).await?;
    let running = board["running"].as_str().unwrap_or_default();
    let is_new = record.build.is_some() && board["slots"][running]["build"].as_u64() == record.build;
    if is_new && board["on_trial"] == running {
        return Ok(());
    }
    if is_new {
        return note(state, Record { status: UpdateStatus::Succeeded, ..record }).await;
    }
    let reason = board["failure"]["reason"].as_str().unwrap_or("not_finished");
    note(state, failed(record, &reason.to_ascii_uppercase(), sentence(reason))).await?;
    board::ask(state, json!({ "do": "update_reported" })).await.map(drop)
}

/// A version that was given up without anybody here having asked for it: at the rescue page, or because its slot is damaged.
async fn report(state: &State) -> Result<(), Failure> {
    let record = state.updates().record();
    // What is on its way tells by itself how it ends.
    if matches!(record.status, UpdateStatus::Restarting | UpdateStatus::Installed | UpdateStatus::Scheduled) {
        return Ok(());
    }
    let Ok(board) = standing(state).await else { return Ok(()) };
    let Some(reason) = board["failure"]["reason"].as_str() else { return Ok(()) };
    let none = Record { when: record.when, ..Record::none() };
    note(state, failed(none, &reason.to_ascii_uppercase(), sentence(reason))).await?;
    board::ask(state, json!({ "do": "update_reported" })).await.map(drop)
}

async fn standing(state: &State) -> Result<Value, Failure> {
    board::ask(state, json!({ "do": "update_state" })).await
}

/// What the board says in a word, for people.
fn sentence(reason: &str) -> &'static str {
    match reason {
        "damaged" => "The new version cannot be read: the flash may be worn out. The version of before runs again.",
        "not_started" => "The board did not start the new version. The version of before runs again.",
        "not_healthy" => "The new version was started and did not answer calls. The version of before runs again.",
        "ordered" => "Somebody has gone back to the version of before.",
        _ => "The new version was started and did not get to work. The version of before runs again.",
    }
}
