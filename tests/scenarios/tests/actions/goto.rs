//! `goto`: so many times back.

use scenarios::seconds;

use crate::{action, at, example, office, ran, rest, target};

#[test]
fn a_target_that_is_the_next_action_is_gone_to_twice() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("goto"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["answer", "goto", "sleep"]);
    lab.finish();
}

#[test]
fn it_counts_by_itself_and_without_a_count_never_jumps() {
    for (count, beeps) in [(2, 3), (0, 1)] {
        let again = action("goto", [("target_id", target(1)), ("loop_count", count.into())]);
        let (mut lab, alice, _) = office(2, vec![action("answer", []), at(1, action("beep", [])), again, rest(1)]);
        lab[alice].call("500");
        lab.run_for(seconds(10));
        assert_eq!(ran(&lab).iter().filter(|name| *name == "beep").count(), beeps);
        lab.finish();
    }
}
