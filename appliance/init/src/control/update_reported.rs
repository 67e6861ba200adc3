//! `{"do":"update_reported"}`: an event tells of how the last trial ended, so the boot state need not any more.
use serde_json::Value;

use super::conversation::Refusal;
use super::{Board, update};

/// Forgets it.
pub fn obey(board: &Board) -> Result<Value, Refusal> {
    board.updater.forget_failure().map(|()| Value::Null).map_err(update::refused)
}
