//! What no flow may do without end.

use pbx::flow::scope::Surroundings;
use pbx::flow::{Action, End, Outcome};

use crate::world::{action, around, flow, go_on, id, mark, reason, run, target};

#[test]
fn a_flow_that_goes_round_is_ended_and_the_action_is_named() {
    let round = Action { next_id: Some(id(1)), ..action(2, "variable_set", [("key", "x".into())]) };
    let around = Surroundings { actions: 7, ..around() };
    let run = go_on(flow(vec![mark(1), round]), around, |_| Outcome::Done);
    assert_eq!(run.done, [1, 1, 1, 1], "seven actions, every other one of them a beep");
    assert_eq!(run.end, End::Exhausted { action: id(2), name: "variable_set".into() });
}

#[test]
fn an_action_that_nobody_knows_ends_the_flow() {
    let run = run(vec![mark(1), action(2, "fly", []), mark(3)]);
    assert_eq!(reason(&run.end), "there is no such action");
}

#[test]
fn what_needs_a_call_is_passed_over_where_there_is_none() {
    let actions =
        vec![mark(1), action(2, "sleep", [("duration", 5.into())]), action(3, "talk", [("text", "hello".into())])];
    let around = Surroundings { call: None, ..around() };
    assert_eq!(go_on(flow(actions), around, |_| Outcome::Done).done, [2]);
}

#[test]
fn the_reserved_ids_mean_what_they_say() {
    let goto = |number, to: pbx_id::Reserved| {
        action(number, "goto", [("target_id", to.text().into()), ("loop_count", 1.into())])
    };
    assert_eq!(run(vec![goto(1, pbx_id::Reserved::Finish), mark(2)]).done, []);
    assert_eq!(run(vec![goto(1, pbx_id::Reserved::Next), mark(2)]).done, [2]);
    assert_eq!(run(vec![mark(1), goto(2, pbx_id::Reserved::Start), mark(3)]).done, [1, 1, 3]);
    let to_nothing = action(1, "goto", [("target_id", target(9)), ("loop_count", 0.into())]);
    assert_eq!(run(vec![to_nothing, mark(2)]).done, [2], "it never jumps");
}

/// VoIPBIN's ids that are no action's.
mod pbx_id {
    pub enum Reserved {
        Start,
        Finish,
        Next,
    }

    impl Reserved {
        pub fn text(self) -> &'static str {
            match self {
                Reserved::Start => "00000000-0000-0000-0000-000000000001",
                Reserved::Finish => "00000000-0000-0000-0000-000000000002",
                Reserved::Next => "00000000-0000-0000-0000-000000000003",
            }
        }
    }
}
