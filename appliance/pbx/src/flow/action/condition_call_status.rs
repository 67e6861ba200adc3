//! `condition_call_status`: goes on elsewhere unless the call is so far.

use crate::call::Status;
use crate::flow::action::{Field, Info, Step, Work, target_of};
use crate::flow::options::{Fault, Options};
use crate::flow::scope::Scope;

/// The action.
pub const INFO: Info = Info {
    name: "condition_call_status",
    about: "Goes on at the next action if the call has this status, else at another one.",
    options: &[
        Field::new("status", "", "`dialing`, `ringing`, `progressing`, `terminating`, `canceling` or `hangup`"),
        Field::new("false_target_id", "", "where to go on otherwise"),
    ],
    example: r#"{"status": "progressing", "false_target_id": "00000000-0000-0000-0000-000000000003"}"#,
    targets: |options| target_of(options, "false_target_id"),
    work: Work::Step { check, run },
    ..Info::FLOW
};

const WORDS: [(&str, Status); 6] = [
    ("dialing", Status::Dialing),
    ("ringing", Status::Ringing),
    ("progressing", Status::Progressing),
    ("terminating", Status::Terminating),
    ("canceling", Status::Canceling),
    ("hangup", Status::Hangup),
];

fn check(options: &Options) -> Result<(), Fault> {
    options.needed("status")?;
    options.word("status", &WORDS)?;
    options.needed_id("false_target_id").map(drop)
}

fn run(options: &Options, scope: &mut Scope) -> Result<Step, Fault> {
    options.needed("status")?;
    let wanted = options.word("status", &WORDS)?;
    let other = options.needed_id("false_target_id")?;
    Ok(if scope.around.call == Some(wanted) { Step::Next } else { Step::Goto(other) })
}
