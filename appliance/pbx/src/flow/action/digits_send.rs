//! `digits_send`: sends digits.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Digits;
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "digits_send",
    about: "Sends digits to the phone.",
    options: &[
        Field::new("digits", "", "at most 100 of `0`-`9`, `A`-`D`, `#` and `*`"),
        Field::new("duration", "100", "milliseconds of each, 100 to 1000"),
        Field::new("interval", "100", "milliseconds between them, 0 to 5000"),
    ],
    example: r#"{"digits": "1234#", "duration": 160, "interval": 80}"#,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    let digits = options.needed("digits")?;
    let draft = digits.contains("${");
    if let (Some(other), false) = (digits.chars().find(|digit| !"0123456789ABCD*#".contains(*digit)), draft) {
        return Err(Fault::new("digits", format!("{other:?} is not a key of a telephone")));
    }
    if digits.len() > 100 && !draft {
        return Err(Fault::new("digits", "are more than 100"));
    }
    Ok(Order::SendDigits(Box::new(Digits {
        digits,
        duration: options.milliseconds("duration", 100, 100..=1_000)?,
        interval: options.milliseconds("interval", 100, 0..=5_000)?,
    })))
}
