//! `amd`: finds out whether a machine answered.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "amd",
    about: "Finds out whether a machine answered, by how long it speaks before it pauses. `voipbin.call.amd` says what came of it: `human`, `machine` or `unsure`.",
    options: &[
        Field::new(
            "machine_handle",
            "hangup",
            "`hangup` or `continue`: what becomes of a call that a machine answered",
        ),
        Field::new("async", "false", "whether the flow goes on meanwhile"),
    ],
    example: r#"{"machine_handle": "continue", "async": false}"#,
    rests: true,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    let hang_up = options.word("machine_handle", &[("hangup", true), ("continue", false)])?;
    Ok(Order::DetectMachine { hang_up, meanwhile: options.flag("async")? })
}
