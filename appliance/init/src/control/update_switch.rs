//! `{"do":"update_switch"}`: the calls may end, then the box starts anew from the other slot, on trial.
use serde_json::{Value, json};

use super::conversation::Refusal;
use super::{Board, reboot, update};
use crate::console::say;
use crate::rescue::Wish;

/// Has the box go down with the trial written; it is answered before it does.
pub fn obey(board: &Board) -> Result<Value, Refusal> {
    let content = board.updater.switch().map_err(update::refused)?;
    say(format_args!("version {} (build {}) is tried at the next start", content.version, content.build));
    defmt::info!("build {=u64} is tried at the next start", content.build);
    reboot::go_down(board, Wish::Restart)?;
    Ok(json!({ "build": content.build, "version": content.version }))
}
