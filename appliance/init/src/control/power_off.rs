//! `{"do":"power_off"}`: the calls may end, then the box is switched off.
use serde_json::Value;

use super::conversation::Refusal;
use super::{Board, reboot};
use crate::console::say;
use crate::rescue::Wish;

/// Has the box go down; it is answered before it does.
pub fn obey(board: &Board) -> Result<Value, Refusal> {
    say("the exchange asks to be switched off");
    defmt::info!("the exchange asks to be switched off");
    reboot::go_down(board, Wish::PowerOff)
}
