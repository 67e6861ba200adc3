//! `digits_receive`: what was pressed, before and meanwhile.

use lab::{Lab, PhoneId};
use scenarios::{milliseconds, seconds};

use crate::{action, example, ladder, office, ran, rest};

/// Collects by the example after two seconds in which keys may be pressed ahead, and shows what came.
fn collect(seed: u64) -> (Lab, PhoneId) {
    let shown = action("variable_set", [("key", "shown".into()), ("value", "<${voipbin.call.digits}>".into())]);
    let actions = vec![action("answer", []), rest(2_000), example("digits_receive"), shown, rest(1)];
    let (lab, alice, _) = office(seed, actions);
    (lab, alice)
}

fn press(lab: &mut Lab, phone: PhoneId, keys: &str) {
    for key in keys.chars() {
        lab[phone].press(key);
        lab.run_for(milliseconds(300));
    }
}

#[test]
fn four_digits_are_enough_or_the_key_or_the_time() {
    for (keys, shown) in [("1234", "<1234>"), ("12#", "<12#>"), ("1", "<1>"), ("", "<>")] {
        let (mut lab, alice) = collect(1);
        lab[alice].call("500");
        lab.run_for(milliseconds(2_500));
        press(&mut lab, alice, keys);
        lab.run_for(seconds(8));
        assert_eq!(ran(&lab)[2..], ["digits_receive", "variable_set", "sleep"], "{keys:?}");
        assert!(ladder(&lab).contains(&format!("value: {shown}")), "{keys:?}: {}", ladder(&lab));
        lab.finish();
    }
}

#[test]
fn what_was_typed_ahead_counts() {
    let (mut lab, alice) = collect(2);
    lab[alice].call("500");
    lab.run_for(milliseconds(300));
    press(&mut lab, alice, "98#");
    lab.run_for(milliseconds(1_600));
    lab.run_for(seconds(2));
    assert!(ladder(&lab).contains("value: <98#>"), "nobody waits for what is there already: {}", ladder(&lab));
    lab.finish();
}
