//! `external_media_stop`: ends the connection with the program.

use crate::flow::action::{Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "external_media_stop",
    about: "Ends what `external_media_start` began.",
    options: &[],
    example: r#"{}"#,
    work: Work::Order(|_| Ok(Order::StopExternalMedia)),
    ..Info::CALL
};
