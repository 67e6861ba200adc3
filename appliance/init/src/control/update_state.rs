//! `{"do":"update_state"}`: which slot runs, what the slots hold, and how the last trial ended.
use hal::slot::Slot;
use serde_json::{Value, json};

use super::conversation::Refusal;
use super::{Board, update};
use crate::update::Content;

/// Slots by their letters, builds as numbers; null where there is nothing.
pub fn obey(board: &Board) -> Result<Value, Refusal> {
    let standing = board.updater.standing().map_err(update::refused)?;
    let content = |content: &Content| json!({ "build": content.build, "version": content.version });
    let slot = |slot: Slot| standing.of(slot).map(content);
    let failure =
        standing.failure.map(|failure| json!({ "slot": failure.slot.letter(), "reason": failure.reason.name() }));
    Ok(json!({
        "running": standing.running.letter(),
        "permanent": standing.permanent.letter(),
        "on_trial": standing.on_trial.map(Slot::letter),
        "failure": failure,
        "floor": standing.floor,
        "slots": { "a": slot(Slot::A), "b": slot(Slot::B) },
    }))
}
