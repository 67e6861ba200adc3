//! `message_send`: sends a SIP MESSAGE.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Message;
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "message_send",
    about: "Sends a text as a SIP MESSAGE (RFC 3428), and goes on. It fails where nobody can be reached.",
    options: &[
        Field::new("source", "{}", "who sends it; empty: who was called"),
        Field::new("destinations", "", "a list of addresses of type `extension`, `agent`, `sip` or `tel`"),
        Field::new("text", "", "the words, at most 900 bytes"),
    ],
    example: r#"{"destinations": [{"type": "extension", "target": "1001"}], "text": "${voipbin.call.source.target} called"}"#,
    work: Work::Order(read),
    ..Info::FLOW
};

fn read(options: &Options) -> Result<Order, Fault> {
    Ok(Order::SendMessage(Box::new(Message {
        source: options.address("source").ok().flatten(),
        destinations: options.destinations()?,
        text: options.needed("text")?,
    })))
}
