//! `email_send`: sends an e-mail.

use crate::flow::action::{Field, Info, Work};
use uuid::Uuid;

use crate::flow::options::{Fault, Options};
use crate::flow::order::Email;
use crate::flow::order::Order;
use crate::flow::value::Value;

/// The action.
pub const INFO: Info = Info {
    name: "email_send",
    about: "Sends an e-mail, and goes on. It is tried again while the mail server is away, or a recording is not ready.",
    options: &[
        Field::new("destinations", "", "a list of addresses of type `email`"),
        Field::new("subject", "", "what it is about"),
        Field::new("content", "", "what it says"),
        Field::new("attachments", "[]", "recordings, each `{\"reference_type\": \"recording\", \"reference_id\": id}`"),
    ],
    example: r#"{"destinations": [{"type": "email", "target": "ada@example.com"}], "subject": "A message for you", "content": "From ${voipbin.call.source.target}", "attachments": [{"reference_type": "recording", "reference_id": "6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11"}]}"#,
    work: Work::Order(read),
    ..Info::FLOW_GOES_ON
};

fn read(options: &Options) -> Result<Order, Fault> {
    let target = |(at, value): (usize, &Value)| match value.get("target") {
        Some(Value::Text(target)) if target.contains('@') || target.contains("${") => Ok(target.clone()),
        _ => Err(Fault::new(format!("destinations[{at}].target"), "is not an e-mail address")),
    };
    let recording = |(at, value): (usize, &Value)| {
        let id = value.get("reference_id").and_then(Value::text);
        match id.map(|id| (Uuid::parse_str(&id), id)) {
            Some((Ok(id), _)) => Ok(id),
            Some((Err(_), text)) if text.contains("${") => Ok(Uuid::nil()),
            _ => Err(Fault::new(format!("attachments[{at}].reference_id"), "is not a UUID")),
        }
    };
    let destinations = options.list("destinations")?.iter().enumerate().map(target).collect::<Result<Vec<_>, _>>()?;
    if destinations.is_empty() {
        return Err(Fault::new("destinations", "is missing"));
    }
    Ok(Order::SendEmail(Box::new(Email {
        destinations,
        subject: options.text("subject")?,
        content: options.text("content")?,
        recordings: options.list("attachments")?.iter().enumerate().map(recording).collect::<Result<_, _>>()?,
    })))
}
