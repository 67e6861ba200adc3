//! `call`; what becomes of the calls stands in the stories of flows that make calls.

use lab::{OnInvite, State};
use scenarios::seconds;

use crate::{action, example, ladder, office, ran, rest};

#[test]
fn another_call_is_made_and_the_flow_goes_on() {
    let example = example("call");
    let text = format!("{:?}", example.option);
    assert!(text.contains("1002"), "the example rings 1002: {text}");
    let (mut lab, alice, bob) = office(1, vec![action("answer", []), example, rest(3_000)]);
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("500");
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up), "{}", lab.ladder());
    assert!(!lab.hears(alice, bob), "it is a call of its own");
    lab.run_for(seconds(60));
    assert!(lab[alice].is(State::Ended));
    assert_eq!(ran(&lab).len(), 3);
    assert!(ladder(&lab).contains("calls were made"), "{}", ladder(&lab));
    lab.finish();
}
