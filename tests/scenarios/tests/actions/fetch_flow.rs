//! `fetch_flow`: another flow runs here.

use scenarios::seconds;

use crate::{action, example, number, office, ran, rest};

#[test]
fn a_flow_that_is_not_there_ends_the_one_that_wants_it() {
    let (mut lab, alice, _) = office(3, vec![example("fetch_flow"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(1));
    assert_eq!(ran(&lab), ["fetch_flow"]);
    lab.finish();
}

#[test]
fn the_actions_of_another_flow_run_here() {
    let (mut lab, alice, _) = office(4, vec![action("beep", []), action("beep", [])]);
    let inner = lab.facts.events.iter().find_map(|event| match &event.kind {
        pbx::EventKind::FlowCreated(flow) => Some(flow.id),
        _ => None,
    });
    let inner = inner.expect("it was made").to_string();
    number(&mut lab, "501", vec![action("fetch_flow", [("flow_id", inner.into())]), rest(1)]);
    lab[alice].call("501");
    lab.run_for(seconds(3));
    assert_eq!(ran(&lab), ["fetch_flow", "beep", "beep", "sleep"]);
    lab.finish();
}
