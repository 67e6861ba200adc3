//! `transcribe_recording`: writes down what the recordings say.

use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "transcribe_recording",
    about: "Writes down what the recordings of the call say. Not available on this box yet.",
    options: &[
        Field::new("language", "", "as `en-US`"),
        Field::new("provider", "", "who writes"),
        Field::new("direction", "both", "`both`, `in` or `out`"),
        Field::new("on_end_flow_id", "", "the flow to run when it is over"),
    ],
    example: r#"{"language": "en-US"}"#,
    work: Work::Order(|_| Ok(Order::Unavailable("transcribe_recording"))),
    ..Info::FLOW_GOES_ON
};
