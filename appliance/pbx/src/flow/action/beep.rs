//! `beep`: lets the phone hear a beep.

use crate::flow::action::{Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "beep",
    about: "Lets the phone hear a beep.",
    options: &[],
    example: r#"{}"#,
    rests: true,
    work: Work::Order(|_| Ok(Order::Beep)),
    ..Info::CALL
};
