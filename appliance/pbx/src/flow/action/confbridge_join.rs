//! `confbridge_join`: goes into a conference by its bridge.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "confbridge_join",
    about: "Goes into a conference by the id of its bridge, which on this box is the conference's own; its `pre_flow_id` and `post_flow_id` do not run.",
    options: &[Field::new("confbridge_id", "", "the bridge")],
    example: r#"{"confbridge_id": "6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11"}"#,
    rests: true,
    work: Work::Order(|options| options.needed_id("confbridge_id").map(Order::JoinConfbridge)),
    ..Info::CALL
};
