//! `stop`: ends the flow.

use crate::flow::action::{Info, Step, Work};

/// The action.
pub const INFO: Info = Info {
    name: "stop",
    about: "Ends the flow, and with it the call.",
    options: &[],
    example: r#"{}"#,
    goes_on: false,
    work: Work::Step { check: |_| Ok(()), run: |_, _| Ok(Step::Stop) },
    ..Info::FLOW
};
