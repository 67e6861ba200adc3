//! `variable_set`: a word for later.

use scenarios::seconds;

use crate::{action, example, ladder, office, ran, rest};

#[test]
fn what_was_set_is_filled_in_later_and_what_is_unknown_is_nothing() {
    let said = action("variable_set", [("key", "said".into()), ("value", "${language}${nobody.knows}!".into())]);
    let (mut lab, alice, _) = office(1, vec![example("variable_set"), said, rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert!(ladder(&lab).contains("value: de!"), "{}", ladder(&lab));
    lab.finish();
}

#[test]
fn a_reserved_name_is_refused_and_the_flow_goes_on() {
    let reserved = action("variable_set", [("key", "voipbin.call.id".into()), ("value", "mine".into())]);
    let (mut lab, alice, _) = office(2, vec![reserved, rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["variable_set", "sleep"]);
    assert!(ladder(&lab).contains("variable_set"), "{}", ladder(&lab));
    lab.finish();
}
