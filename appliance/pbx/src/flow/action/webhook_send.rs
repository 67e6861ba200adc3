//! `webhook_send`: tells a web server.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;
use crate::flow::order::{Method, Webhook};

/// The action.
pub const INFO: Info = Info {
    name: "webhook_send",
    about: "Sends a request to a web server. With `sync` the flow waits, and finds the answer in `voipbin.webhook.status` and `voipbin.webhook.body`.",
    options: &[
        Field::new("sync", "false", "whether the flow waits for the answer"),
        Field::new("uri", "", "where"),
        Field::new("method", "POST", "`POST`, `GET`, `PUT` or `DELETE`"),
        Field::new("data_type", "application/json", "the content type"),
        Field::new("data", "", "the body"),
    ],
    example: r#"{"sync": true, "uri": "http://192.0.2.7/calls", "method": "POST", "data": "{\"caller\": \"${voipbin.call.source.target}\"}"}"#,
    work: Work::Order(read),
    ..Info::FLOW_GOES_ON
};

fn read(options: &Options) -> Result<Order, Fault> {
    let methods = [("POST", Method::Post), ("GET", Method::Get), ("PUT", Method::Put), ("DELETE", Method::Delete)];
    let data_type = options.text("data_type")?;
    Ok(Order::SendWebhook(Box::new(Webhook {
        url: options.url("uri")?,
        method: options.word("method", &methods)?,
        data_type: if data_type.is_empty() { "application/json".into() } else { data_type },
        data: options.text("data")?,
        waits: options.flag("sync")?,
    })))
}
