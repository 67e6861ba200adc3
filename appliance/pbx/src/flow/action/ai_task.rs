//! `ai_task`: gives an AI a task.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "ai_task",
    about: "Gives an AI a task without a conversation. Not available on this box yet.",
    options: &[Field::new("assistance_type", "ai", "`ai` or `team`"), Field::new("assistance_id", "", "which one")],
    example: r#"{"assistance_type": "ai", "assistance_id": "6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11"}"#,
    work: Work::Order(|_| Ok(Order::Unavailable("ai_task"))),
    ..Info::FLOW_GOES_ON
};
