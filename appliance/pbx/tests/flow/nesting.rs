//! Flows within flows: `fetch` and `fetch_flow` bring actions that run before what comes next.

use pbx::flow::{Action, End, Order, Outcome};

use crate::world::{action, around, flow, go_on, id, mark, reason, target};

fn fetch(number: u32) -> Action {
    action(number, "fetch", [("event_url", "http://192.0.2.1/actions".into())])
}

fn answered(actions: Vec<Action>) -> impl Fn(&Order) -> Outcome {
    move |order| match order {
        Order::Fetch { .. } => Outcome::Actions(actions.clone()),
        _ => Outcome::Done,
    }
}

#[test]
fn what_was_fetched_runs_before_what_comes_next() {
    let run = go_on(flow(vec![mark(1), fetch(2), mark(3)]), around(), answered(vec![mark(11), mark(12)]));
    assert_eq!((run.done, run.end), (vec![1, 2, 11, 12, 3], End::Finished));
}

#[test]
fn nothing_fetched_is_no_failure() {
    assert_eq!(go_on(flow(vec![fetch(1), mark(2)]), around(), answered(vec![])).done, [1, 2]);
}

#[test]
fn it_goes_on_where_the_action_says_that_brought_them() {
    let fetch = Action { next_id: Some(id(4)), ..fetch(1) };
    let run = go_on(flow(vec![fetch, mark(2), mark(3), mark(4)]), around(), answered(vec![mark(11)]));
    assert_eq!(run.done, [1, 11, 4]);
}

#[test]
fn one_may_go_back_to_the_flow_below() {
    let back = action(11, "goto", [("target_id", target(3)), ("loop_count", 1.into())]);
    let run = go_on(flow(vec![fetch(1), mark(2), mark(3)]), around(), answered(vec![back, mark(12)]));
    assert_eq!(run.done, [1, 3]);
}

#[test]
fn a_fetch_that_fails_ends_the_flow() {
    let run = go_on(flow(vec![fetch(1), mark(2)]), around(), |_| Outcome::Failed("the server said 500".into()));
    assert_eq!(run.end, End::Failed { action: id(1), name: "fetch".into(), reason: "the server said 500".into() });
}

#[test]
fn a_call_side_action_that_fails_does_not() {
    let flow = flow(vec![action(1, "answer", []), mark(2)]);
    let run = go_on(flow, around(), |_| Outcome::Failed("no port".into()));
    assert_eq!((run.done, run.end), (vec![1, 2], End::Finished));
}

#[test]
fn flows_that_fetch_themselves_have_an_end() {
    let run = go_on(flow(vec![fetch(1)]), around(), answered(vec![fetch(11)]));
    assert!(reason(&run.end).contains("flows are within each other"), "{:?}", run.end);
}
