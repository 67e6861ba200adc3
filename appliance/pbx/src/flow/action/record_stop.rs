//! `record_stop`: ends the recording.

use crate::flow::action::{Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "record_stop",
    aliases: &["recording_stop"],
    about: "Ends the recording.",
    options: &[],
    example: r#"{}"#,
    work: Work::Order(|_| Ok(Order::StopRecording)),
    ..Info::CALL
};
