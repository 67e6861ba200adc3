//! `mute`: mutes the call.

use crate::call::controls::MuteDirection;
use crate::flow::action::{Field, Info, Work};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "mute",
    about: "Mutes the call from now on.",
    options: &[Field::new("direction", "both", "`both`, `in`: nobody hears the phone, `out`: the phone hears nobody")],
    example: r#"{"direction": "in"}"#,
    work: Work::Order(|options| options.word("direction", &DIRECTIONS).map(Order::Mute)),
    ..Info::CALL
};

const DIRECTIONS: [(&str, MuteDirection); 3] =
    [("both", MuteDirection::Both), ("in", MuteDirection::In), ("out", MuteDirection::Out)];
