//! `branch`: goes on where the value of a variable says.

use uuid::Uuid;

use crate::flow::action::{Field, Info, Step, Target, Work, target_of};
use crate::flow::options::{Fault, Options};
use crate::flow::scope::Scope;
use crate::flow::value::Value;
use crate::flow::variables::DIGITS;

/// The action.
pub const INFO: Info = Info {
    name: "branch",
    about: "Reads a variable, empties it, and goes on at the action that belongs to its value.",
    options: &[
        Field::new("variable", "voipbin.call.digits", "its name, without `${}`"),
        Field::new("default_target_id", "", "where to go on at any other value; empty: at the next action"),
        Field::new("target_ids", "{}", "for each value the id of an action"),
    ],
    example: r#"{"variable": "voipbin.call.digits", "default_target_id": "00000000-0000-0000-0000-000000000003", "target_ids": {"1": "00000000-0000-0000-0000-000000000003"}}"#,
    targets,
    work: Work::Step { check, run },
    ..Info::FLOW
};

fn check(options: &Options) -> Result<(), Fault> {
    options.text("variable")?;
    options.id("default_target_id")?;
    entries(options).map(drop)
}

fn run(options: &Options, scope: &mut Scope) -> Result<Step, Fault> {
    let written = options.written("variable");
    let name = if written.is_empty() { DIGITS.to_string() } else { options.text("variable")? };
    let value = scope.read(&name);
    scope.empty(&name);
    let chosen = entries(options)?.into_iter().find(|(wanted, _)| *wanted == value).map(|(_, target)| target);
    Ok(Step::to(chosen.or(options.id("default_target_id")?)))
}

fn targets(options: &Options) -> Vec<Target> {
    let mut targets = target_of(options, "default_target_id");
    let entries = entries(options).unwrap_or_default();
    targets.extend(entries.into_iter().map(|(value, id)| Target { at: format!("target_ids.{value}"), id }));
    targets
}

fn entries<'a>(options: &Options<'a>) -> Result<Vec<(&'a str, Uuid)>, Fault> {
    let entry = |(value, target): &'a (String, Value)| {
        let id = target.text().and_then(|text| Uuid::parse_str(text.trim()).ok());
        id.map(|id| (value.as_str(), id)).ok_or_else(|| Fault::new(format!("target_ids.{value}"), "is not a UUID"))
    };
    options.entries("target_ids")?.iter().map(entry).collect()
}
