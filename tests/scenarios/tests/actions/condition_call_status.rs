//! `condition_call_status`: how far the call is.

use scenarios::seconds;

use crate::{either, example, office, ran, rest, was_so};

#[test]
fn a_call_that_was_not_answered_does_not_talk() {
    let (mut lab, alice, _) = office(1, vec![example("condition_call_status"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["condition_call_status", "sleep"]);
    lab.finish();
}

#[test]
fn what_the_call_is_decides() {
    for (status, is_so) in [("progressing", true), ("ringing", false), ("dialing", false), ("hangup", false)] {
        let (mut lab, alice, _) = office(2, either("condition_call_status", [("status", status.into())]));
        lab[alice].call("500");
        lab.run_for(seconds(3));
        assert_eq!(was_so(&lab), is_so, "{status}");
        lab.finish();
    }
}
