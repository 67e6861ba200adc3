//! `condition_call_status` and `condition_call_digits`: what the call is like.

use pbx::call::Status;
use pbx::flow::scope::Surroundings;
use pbx::flow::{Action, Outcome};

use crate::world::{action, around, flow, go_on, mark, run, target};

fn either(condition: Action) -> Vec<Action> {
    vec![condition, mark(2), action(4, "stop", []), mark(3)]
}

#[test]
fn the_status_decides() {
    let condition = action(1, "condition_call_status", [("status", "ringing".into()), ("false_target_id", target(3))]);
    for (status, reached) in [(Status::Ringing, 2), (Status::Progressing, 3), (Status::Dialing, 3)] {
        let around = Surroundings { call: Some(status), ..around() };
        assert_eq!(go_on(flow(either(condition.clone())), around, |_| Outcome::Done).done, [reached], "{status:?}");
    }
}

#[test]
fn the_digits_decide() {
    let cases = [("12", 2, "", 2), ("1", 2, "", 3), ("1#", 4, "#", 2), ("1", 4, "#", 3), ("", 0, "", 3)];
    for (pressed, length, key, reached) in cases {
        let options = [("length", (length as i64).into()), ("key", key.into()), ("false_target_id", target(3))];
        let mut flow = flow(either(action(1, "condition_call_digits", options)));
        pressed.chars().for_each(|digit| {
            flow.digits.press(digit);
        });
        assert_eq!(go_on(flow, around(), |_| Outcome::Done).done, [reached], "{pressed:?} {length} {key:?}");
    }
}

#[test]
fn a_status_that_nobody_knows_ends_the_flow() {
    let condition = action(1, "condition_call_status", [("status", "happy".into()), ("false_target_id", target(3))]);
    let run = run(either(condition));
    assert!(crate::world::reason(&run.end).starts_with("status: is not one of dialing, "), "{:?}", run.end);
}
