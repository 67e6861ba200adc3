//! `{"do":"factory_reset"}`: the box starts anew as it came out of the carton.
use serde_json::Value;

use super::conversation::Refusal;
use super::{Board, reboot};
use crate::console::say;
use crate::factory_reset;
use crate::rescue::Wish;

/// Writes the order down, and has the box go down only where that could be done.
pub fn obey(board: &Board) -> Result<Value, Refusal> {
    say("the exchange asks for everything to be erased");
    defmt::warn!("the exchange asks for everything to be erased");
    factory_reset::order_in(&board.data).map_err(|error| Refusal::new(format!("nothing will be erased: {error:#}")))?;
    reboot::go_down(board, Wish::Restart)
}
