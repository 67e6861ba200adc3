//! `conversation_send`: sends into a conversation.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "conversation_send",
    about: "Sends a text into a conversation. Not available on this box yet.",
    options: &[
        Field::new("conversation_id", "", "which one"),
        Field::new("text", "", "the words"),
        Field::new("sync", "false", "whether the flow waits until it is sent"),
    ],
    example: r#"{"conversation_id": "6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11", "text": "Hello"}"#,
    work: Work::Order(|_| Ok(Order::Unavailable("conversation_send"))),
    ..Info::FLOW_GOES_ON
};
