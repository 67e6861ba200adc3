//! `goto`: goes on at another action, so many times.

use crate::flow::action::{Field, Info, Step, Work, target_of};
use crate::flow::options::{Fault, Options};
use crate::flow::scope::Scope;

/// The action.
pub const INFO: Info = Info {
    name: "goto",
    about: "Goes on at another action, so many times; then at the next one.",
    options: &[Field::new("target_id", "", "the action"), Field::new("loop_count", "0", "how many times")],
    example: r#"{"target_id": "00000000-0000-0000-0000-000000000003", "loop_count": 2}"#,
    targets: |options| target_of(options, "target_id"),
    work: Work::Step { check, run },
    ..Info::FLOW
};

fn check(options: &Options) -> Result<(), Fault> {
    options.whole("loop_count", 0, 0..=1_000_000)?;
    options.needed_id("target_id").map(drop)
}

fn run(options: &Options, scope: &mut Scope) -> Result<Step, Fault> {
    let target = options.needed_id("target_id")?;
    let count = options.whole("loop_count", 0, 0..=1_000_000)? as u32;
    let left = scope.jumps.get_or_insert(count);
    if *left == 0 {
        return Ok(Step::Next);
    }
    *left -= 1;
    Ok(Step::Goto(target))
}
