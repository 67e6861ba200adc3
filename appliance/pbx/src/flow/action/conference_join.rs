//! `conference_join`: goes into a conference.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "conference_join",
    aliases: &["conf_join"],
    about: "Goes into a conference, through its `pre_flow_id` before and its `post_flow_id` after; the flow goes on when the call is sent out of it, or it ends.",
    options: &[Field::new("conference_id", "", "the conference")],
    example: r#"{"conference_id": "6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11"}"#,
    rests: true,
    work: Work::Order(|options| options.needed_id("conference_id").map(Order::JoinConference)),
    ..Info::CALL
};
