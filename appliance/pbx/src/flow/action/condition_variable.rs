//! `condition_variable`: goes on elsewhere unless a variable is so.

use crate::flow::action::{Field, Info, Step, Work, target_of};
use crate::flow::condition::Comparison;
use crate::flow::options::{Fault, Options};
use crate::flow::scope::Scope;
use crate::flow::value::Value;

/// The action.
pub const INFO: Info = Info {
    name: "condition_variable",
    about: "Compares the value of a variable.",
    options: &[
        Field::new("condition", "==", "`==`, `!=`, `>`, `>=`, `<` or `<=`"),
        Field::new("variable", "", "its name, with or without `${}`"),
        Field::new("value_type", "string", "`string`, `number` or `length`: what of it is compared"),
        Field::new("value_string", "", "with what a string is compared"),
        Field::new("value_number", "0", "with what a number is compared"),
        Field::new("value_length", "0", "with what the length is compared"),
        Field::new("false_target_id", "", "where to go on otherwise"),
    ],
    example: r#"{"condition": "==", "variable": "${voipbin.call.digits}", "value_type": "string", "value_string": "1", "false_target_id": "00000000-0000-0000-0000-000000000003"}"#,
    targets: |options| target_of(options, "false_target_id"),
    work: Work::Step { check, run },
    ..Info::FLOW
};

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Length,
}

const KINDS: [(&str, Kind); 3] = [("string", Kind::Text), ("number", Kind::Number), ("length", Kind::Length)];

fn check(options: &Options) -> Result<(), Fault> {
    Comparison::read(options)?;
    options.needed("variable")?;
    options.word("value_type", &KINDS)?;
    options.text("value_string")?;
    number(options)?;
    options.whole("value_length", 0, 0..=i64::MAX)?;
    options.needed_id("false_target_id").map(drop)
}

fn run(options: &Options, scope: &mut Scope) -> Result<Step, Fault> {
    let comparison = Comparison::read(options)?;
    let text = scope.read_either(options.written("variable"), options.text("variable")?);
    let holds = match options.word("value_type", &KINDS)? {
        Kind::Text => comparison.holds(text.as_str(), options.text("value_string")?.as_str()),
        // What is no number is like no number.
        Kind::Number => match text.trim().parse::<f64>() {
            Ok(found) => comparison.holds(&found, &number(options)?),
            Err(_) => comparison == Comparison::Different,
        },
        Kind::Length => {
            comparison.holds(&(text.chars().count() as i64), &options.whole("value_length", 0, 0..=i64::MAX)?)
        }
    };
    let other = options.needed_id("false_target_id")?;
    Ok(if holds { Step::Next } else { Step::Goto(other) })
}

fn number(options: &Options) -> Result<f64, Fault> {
    match options.value("value_number") {
        None => Ok(0.0),
        Some(Value::Whole(number)) => Ok(*number as f64),
        Some(Value::Real(number)) => Ok(*number),
        Some(Value::Text(text)) if text.contains("${") => Ok(0.0),
        Some(Value::Text(text)) => text.trim().parse().map_err(|_| Fault::new("value_number", "is not a number")),
        Some(_) => Err(Fault::new("value_number", "is not a number")),
    }
}
