//! `branch`: on where the value of a variable says.

use pbx::flow::{Activeflow, Outcome, Value};

use crate::world::{action, around, flow, go_on, mark, target};

fn menu(pressed: &str) -> Activeflow {
    let ways = Value::from([("1", target(3)), ("2", target(4))]);
    let branch = action(1, "branch", [("default_target_id", target(5)), ("target_ids", ways)]);
    let to_end = |number| pbx::flow::Action { next_id: Some(pbx::flow::action::FINISH), ..mark(number) };
    let mut flow = flow(vec![branch, mark(2), to_end(3), to_end(4), to_end(5)]);
    pressed.chars().for_each(|digit| {
        flow.digits.press(digit);
    });
    flow
}

#[test]
fn the_digits_choose_where_to_go_on() {
    for (pressed, reached) in [("1", 3), ("2", 4), ("3", 5), ("", 5), ("12", 5)] {
        let run = go_on(menu(pressed), around(), |_| Outcome::Done);
        assert_eq!(run.done, [reached], "{pressed:?}");
        assert_eq!(run.flow.digits.shown(), "", "what was read is gone");
    }
}

#[test]
fn without_a_default_it_goes_on_at_the_next_action() {
    let run = go_on(flow(vec![action(1, "branch", []), mark(2)]), around(), |_| Outcome::Done);
    assert_eq!(run.done, [2]);
}

#[test]
fn another_variable_is_read_and_emptied() {
    let ways = Value::from([("de", target(3))]);
    let set = action(0, "variable_set", [("key", "language".into()), ("value", "de".into())]);
    let branch = action(1, "branch", [("variable", "language".into()), ("target_ids", ways)]);
    let run = go_on(flow(vec![set, branch, mark(2), mark(3)]), around(), |_| Outcome::Done);
    assert_eq!(run.done, [3]);
    assert_eq!(run.flow.variables.get("language"), Some(""));
}

#[test]
fn a_target_that_is_no_id_ends_the_flow_and_is_named() {
    let ways = Value::from([("1", "there".into())]);
    let run = crate::world::run(vec![action(1, "branch", [("target_ids", ways)]), mark(2)]);
    assert_eq!(crate::world::reason(&run.end), "target_ids.1: is not a UUID");
}
