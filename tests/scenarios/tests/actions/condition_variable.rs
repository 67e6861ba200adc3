//! `condition_variable`: what a variable says of the call.

use scenarios::seconds;

use crate::{action, either, example, office, ran, rest, was_so};

#[test]
fn where_nothing_was_pressed_it_is_not_one() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("condition_variable"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["answer", "condition_variable", "sleep"]);
    lab.finish();
}

#[test]
fn who_calls_decides_by_its_name_with_or_without_the_sign() {
    for (variable, value, is_so) in [
        ("voipbin.call.source.target", "1001", true),
        ("${voipbin.call.source.target}", "1001", true),
        ("voipbin.call.source.target", "1002", false),
    ] {
        let option = [("variable", variable.into()), ("value_string", value.into())];
        let (mut lab, alice, _) = office(2, either("condition_variable", option));
        lab[alice].call("500");
        lab.run_for(seconds(3));
        assert_eq!(was_so(&lab), is_so, "{variable} == {value}");
        lab.finish();
    }
}
