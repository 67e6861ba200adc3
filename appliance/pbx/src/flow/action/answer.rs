//! `answer`: answers the call.

use crate::flow::action::{Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "answer",
    about: "Answers the call.",
    options: &[],
    example: r#"{}"#,
    work: Work::Order(|_| Ok(Order::Answer)),
    ..Info::CALL
};
