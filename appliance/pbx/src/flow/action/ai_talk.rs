//! `ai_talk`: lets an AI talk with the caller.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "ai_talk",
    about: "Lets an AI talk with the caller. Not available on this box yet.",
    options: &[
        Field::new("assistance_type", "ai", "`ai` or `team`"),
        Field::new("assistance_id", "", "which one"),
        Field::new("ai_id", "", "its older name"),
        Field::new("duration", "0", "seconds; 0: no limit"),
    ],
    example: r#"{"assistance_type": "ai", "assistance_id": "6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11"}"#,
    rests: true,
    work: Work::Order(|_| Ok(Order::Unavailable("ai_talk"))),
    ..Info::CALL
};
