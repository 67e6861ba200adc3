//! `{"do":"reboot"}`: the calls may end, then the box starts anew.
use serde_json::Value;

use super::Board;
use super::conversation::Refusal;
use crate::console::say;
use crate::exchange::Event;
use crate::rescue::Wish;

/// Has the box go down; it is answered before it does.
pub fn obey(board: &Board) -> Result<Value, Refusal> {
    say("the exchange asks for a restart");
    defmt::info!("the exchange asks for a restart");
    go_down(board, Wish::Restart)
}

/// Tells whoever keeps the exchange.
pub fn go_down(board: &Board, wish: Wish) -> Result<Value, Refusal> {
    board.events.try_send(Event::Wish(wish)).map_err(|_| Refusal::new("the box is going down already"))?;
    Ok(Value::Null)
}
