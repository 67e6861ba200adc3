//! `stop`.

use lab::State;
use scenarios::seconds;

use crate::{action, example, office, ran, rest};

#[test]
fn nothing_comes_after_it() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("stop"), rest(60_000)]);
    lab[alice].call("500");
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Ended));
    assert_eq!(ran(&lab), ["answer", "stop"]);
    lab.finish();
}
