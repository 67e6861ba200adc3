//! `hangup`: ends the call.

use crate::call::HangupReason;
use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "hangup",
    about: "Ends the call.",
    options: &[
        Field::new(
            "reason",
            "normal",
            "`normal`, `failed`, `busy`, `cancel`, `timeout`, `noanswer`, `dialout` or `amd`: as the phone is told",
        ),
        Field::new("reference_id", "", "the call whose reason is passed on instead"),
    ],
    example: r#"{"reason": "busy"}"#,
    goes_on: false,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    let reasons = [
        ("normal", HangupReason::Normal),
        ("failed", HangupReason::Failed),
        ("busy", HangupReason::Busy),
        ("cancel", HangupReason::Cancel),
        ("timeout", HangupReason::Timeout),
        ("noanswer", HangupReason::NoAnswer),
        ("dialout", HangupReason::Dialout),
        ("amd", HangupReason::Amd),
    ];
    Ok(Order::Hangup { reason: options.word("reason", &reasons)?, like: options.id("reference_id")? })
}
