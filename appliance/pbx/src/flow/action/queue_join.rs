//! `queue_join`: waits in a queue.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "queue_join",
    about: "Waits in a queue until somebody is free. Not available on this box yet.",
    options: &[Field::new("queue_id", "", "the queue")],
    example: r#"{"queue_id": "6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11"}"#,
    rests: true,
    work: Work::Order(|_| Ok(Order::Unavailable("queue_join"))),
    ..Info::CALL
};
