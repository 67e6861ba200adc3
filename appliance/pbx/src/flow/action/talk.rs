//! `talk`: says something.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;
use crate::flow::order::Talk;

/// The action.
pub const INFO: Info = Info {
    name: "talk",
    about: "Answers the call, if that was not done, and says something.",
    options: &[
        Field::new("text", "", "the words"),
        Field::new("language", "en-US", "as `en-US`"),
        Field::new("provider", "", "who speaks; empty: whom the box has"),
        Field::new("voice_id", "", "with which voice"),
        Field::new("digits_handle", "", "`next`: the first digit ends it"),
        Field::new("async", "false", "whether the flow goes on meanwhile"),
    ],
    example: r#"{"text": "Good morning, ${voipbin.call.source.target_name}.", "language": "en-US", "digits_handle": "next"}"#,
    rests: true,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    let language = options.text("language")?;
    Ok(Order::Talk(Box::new(Talk {
        text: options.needed("text")?,
        language: if language.is_empty() { "en-US".into() } else { language },
        provider: options.text("provider")?,
        voice: options.text("voice_id")?,
        until_digit: options.word("digits_handle", &[("", false), ("next", true)])?,
        meanwhile: options.flag("async")?,
    })))
}
