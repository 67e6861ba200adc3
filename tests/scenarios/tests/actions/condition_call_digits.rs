//! `condition_call_digits`: whether enough was pressed.

use scenarios::{milliseconds, seconds};

use crate::{action, at, either, example, office, ran, rest};

#[test]
fn without_a_digit_it_goes_on_elsewhere() {
    // The place of the example is the next action.
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("condition_call_digits"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["answer", "condition_call_digits", "sleep"]);
    lab.finish();
}

#[test]
fn as_many_as_are_asked_for_are_enough_and_so_is_the_key() {
    for (pressed, is_so) in [("12", true), ("1", false), ("#", true), ("", false)] {
        let mut actions = either("condition_call_digits", [("length", 2.into()), ("key", "#".into())]);
        actions.insert(1, at(9, rest(2_000)));
        let (mut lab, alice, _) = office(2, actions);
        lab[alice].call("500");
        lab.run_for(milliseconds(300));
        for key in pressed.chars() {
            lab[alice].press(key);
            lab.run_for(milliseconds(400));
        }
        lab.run_for(seconds(5));
        let count = ran(&lab).iter().filter(|name| *name == "sleep").count();
        assert_eq!(count == 2, is_so, "{pressed:?}: {:?}", ran(&lab));
        lab.finish();
    }
}
