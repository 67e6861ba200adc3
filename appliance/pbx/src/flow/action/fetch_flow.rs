//! `fetch_flow`: runs another flow here.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "fetch_flow",
    about: "Runs the actions of another flow, and goes on with the next action.",
    options: &[Field::new("flow_id", "", "the flow")],
    example: r#"{"flow_id": "6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11"}"#,
    work: Work::Order(|options| options.needed_id("flow_id").map(Order::FetchFlow)),
    ..Info::FLOW
};
