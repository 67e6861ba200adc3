//! `fetch`: asks a web server for actions.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Method;
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "fetch",
    about: "Asks a web server for a list of actions, runs them, and goes on with the next action.",
    options: &[
        Field::new("event_url", "", "where; it is told `activeflow_id` and `reference_id`"),
        Field::new("event_method", "POST", "`POST` or `GET`"),
    ],
    example: r#"{"event_url": "http://192.0.2.7/actions", "event_method": "POST"}"#,
    work: Work::Order(read),
    ..Info::FLOW
};

fn read(options: &Options) -> Result<Order, Fault> {
    let methods = [("POST", Method::Post), ("GET", Method::Get), ("PUT", Method::Put)];
    Ok(Order::Fetch { url: options.url("event_url")?, method: options.word("event_method", &methods)? })
}
