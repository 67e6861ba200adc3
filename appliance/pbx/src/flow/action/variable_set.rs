//! `variable_set`: sets a variable.

use crate::flow::action::{Field, Info, Step, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::scope::Scope;

/// The action.
pub const INFO: Info = Info {
    name: "variable_set",
    about: "Sets a variable.",
    options: &[Field::new("key", "", "its name"), Field::new("value", "", "its text")],
    example: r#"{"key": "language", "value": "de"}"#,
    work: Work::Step { check, run },
    ..Info::FLOW_GOES_ON
};

fn check(options: &Options) -> Result<(), Fault> {
    options.needed("key")?;
    options.text("value").map(drop)
}

fn run(options: &Options, scope: &mut Scope) -> Result<Step, Fault> {
    let (key, text) = (options.needed("key")?, options.text("value")?);
    scope.variables.set(&key, &text).map_err(|refused| Fault::new("key", refused.to_string()))?;
    Ok(Step::Next)
}
