//! `condition_call_digits`: goes on elsewhere unless enough digits came.

use crate::flow::action::{Field, Info, Step, Work, target_of};
use crate::flow::options::{Fault, Options};
use crate::flow::scope::Scope;

/// The action.
pub const INFO: Info = Info {
    name: "condition_call_digits",
    about: "Goes on at the next action if the digits that came are enough, else at another one. The older way of `condition_variable`.",
    options: &[
        Field::new("length", "0", "how many digits are enough; 0: does not matter"),
        Field::new("key", "", "a digit that is enough wherever it stands; empty: does not matter"),
        Field::new("false_target_id", "", "where to go on otherwise"),
    ],
    example: r##"{"length": 4, "key": "#", "false_target_id": "00000000-0000-0000-0000-000000000003"}"##,
    targets: |options| target_of(options, "false_target_id"),
    work: Work::Step { check, run },
    ..Info::FLOW
};

fn check(options: &Options) -> Result<(), Fault> {
    options.whole("length", 0, 0..=100)?;
    options.text("key")?;
    options.needed_id("false_target_id").map(drop)
}

fn run(options: &Options, scope: &mut Scope) -> Result<Step, Fault> {
    let (length, key) = (options.whole("length", 0, 0..=100)? as usize, options.text("key")?);
    let digits = scope.digits.shown();
    let long_enough = length > 0 && digits.len() >= length;
    let holds = long_enough || digits.contains(|digit| key.contains(digit));
    let other = options.needed_id("false_target_id")?;
    Ok(if holds { Step::Next } else { Step::Goto(other) })
}
