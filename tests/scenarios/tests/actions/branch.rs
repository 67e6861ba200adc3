//! `branch`: what was pressed says where the flow goes on.

use lab::{Lab, PhoneId};
use pbx::flow::{Action, Value};
use scenarios::{milliseconds, seconds};

use crate::{action, at, example, office, ran, rest, target};

/// A menu in which 1 leads to a beep, 2 to silence for a moment, and all else to the end.
fn menu(seed: u64) -> (Lab, PhoneId) {
    let ways = Value::from([("1", target(1)), ("2", target(2))]);
    let branch = action("branch", [("default_target_id", target(3)), ("target_ids", ways)]);
    let receive = action("digits_receive", [("length", 1.into()), ("duration", 3_000.into())]);
    let stop = || action("stop", []);
    let ways: [Action; 5] = [at(1, action("beep", [])), stop(), at(2, rest(1)), stop(), at(3, action("hangup", []))];
    let (lab, alice, _) = office(seed, [vec![action("answer", []), receive, branch], ways.to_vec()].concat());
    (lab, alice)
}

#[test]
fn where_nothing_was_pressed_the_default_is_taken() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("branch"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["answer", "branch", "sleep"]);
    lab.finish();
}

#[test]
fn each_key_has_its_way() {
    for (key, way) in [(Some('1'), "beep"), (Some('2'), "sleep"), (Some('9'), "hangup"), (None, "hangup")] {
        let (mut lab, alice) = menu(2);
        lab[alice].call("500");
        lab.run_for(milliseconds(500));
        if let Some(key) = key {
            lab[alice].press(key);
        }
        lab.run_for(seconds(6));
        assert!(ran(&lab).contains(&way.to_string()), "{key:?} leads to {:?}", ran(&lab));
        assert_eq!(ran(&lab)[..3], ["answer", "digits_receive", "branch"]);
        lab.finish();
    }
}
