//! `ai_summary`: has an AI summarize something.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "ai_summary",
    about: "Has an AI summarize a call, a conference or a recording. Not available on this box yet.",
    options: &[
        Field::new("on_end_flow_id", "", "the flow to run with the summary"),
        Field::new("reference_type", "", "what is summarized"),
        Field::new("reference_id", "", "which one"),
        Field::new("language", "", "as `en-US`"),
    ],
    example: r#"{"reference_type": "call", "reference_id": "${voipbin.call.id}", "language": "en-US"}"#,
    work: Work::Order(|_| Ok(Order::Unavailable("ai_summary"))),
    ..Info::FLOW_GOES_ON
};
