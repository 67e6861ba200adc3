//! `connect`: rings somebody and brings the two together.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Connect;
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "connect",
    about: "Rings all destinations at once and brings the call together with the one that answers first. A conference among them answers at once. The flow goes on when nobody answered or the other one has hung up.",
    options: &[
        Field::new("source", "{}", "who they see calling; empty: who calls"),
        Field::new("destinations", "", "a list of addresses"),
        Field::new("early_media", "false", "whether the caller hears what they send before they answer"),
        Field::new("relay_reason", "false", "whether the call ends for the reason that their leg ended for"),
        Field::new("anonymous", "false", "whether they may not see who calls"),
    ],
    example: r#"{"destinations": [{"type": "extension", "target": "1001"}, {"type": "extension", "target": "1002"}]}"#,
    rests: true,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    Ok(Order::Connect(Box::new(Connect {
        // Flows of VoIPBIN say `{}` where nobody is meant.
        source: options.address("source").ok().flatten(),
        destinations: options.destinations()?,
        early_media: options.flag("early_media")?,
        relay_reason: options.flag("relay_reason")?,
        anonymous: options.flag("anonymous")?,
    })))
}
