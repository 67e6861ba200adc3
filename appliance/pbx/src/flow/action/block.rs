//! `block`: waits until it is told to go on.

use crate::flow::action::{Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "block",
    about: "Waits until the call ends or the activeflow is stopped.",
    options: &[],
    example: r#"{}"#,
    work: Work::Order(|_| Ok(Order::Block)),
    ..Info::ANYWHERE
};
