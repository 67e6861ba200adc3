//! `echo`: lets the phone hear itself.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "echo",
    aliases: &["stream_echo"],
    about: "Lets the phone hear what it says. It does not answer the call.",
    options: &[Field::new("duration", "180000", "milliseconds")],
    example: r#"{"duration": 10000}"#,
    rests: true,
    work: Work::Order(|options| options.milliseconds("duration", 180_000, 0..=86_400_000).map(Order::Echo)),
    ..Info::CALL
};
