//! `condition_datetime`: whether it is the time. Years of clocks are told in the tests of the interpreter.

use scenarios::seconds;

use crate::{action, either, example, office, ran, rest, was_so};

#[test]
fn it_goes_on_either_way() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("condition_datetime"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["answer", "condition_datetime", "sleep"]);
    lab.finish();
}

#[test]
fn every_day_is_one_of_the_week_and_no_month_is_before_january() {
    let all = pbx::flow::Value::List((0..7).map(Into::into).collect());
    for (option, is_so) in [
        ([("condition", "==".into()), ("weekdays", all)], true),
        ([("condition", "<".into()), ("month", 1.into())], false),
    ] {
        let (mut lab, alice, _) = office(2, either("condition_datetime", option.clone()));
        lab[alice].call("500");
        lab.run_for(seconds(3));
        assert_eq!(was_so(&lab), is_so, "{option:?}");
        lab.finish();
    }
}
