//! `transcribe_stop`: writes nothing down any more.

use crate::flow::action::{Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "transcribe_stop",
    about: "Ends what `transcribe_start` began. Not available on this box yet.",
    options: &[],
    example: r#"{}"#,
    work: Work::Order(|_| Ok(Order::Unavailable("transcribe_stop"))),
    ..Info::FLOW_GOES_ON
};
