//! `sleep`: waits.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "sleep",
    about: "Waits.",
    options: &[Field::new("duration", "0", "milliseconds")],
    example: r#"{"duration": 2000}"#,
    work: Work::Order(|options| options.milliseconds("duration", 0, 0..=86_400_000).map(Order::Sleep)),
    ..Info::ANYWHERE
};
