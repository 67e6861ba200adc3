//! `mute`.

use lab::{Lab, OnInvite, PhoneId};
use pbx::flow::{Action, Value};
use scenarios::seconds;

use crate::{action, address, example, office};

fn connected(seed: u64, mute: Action) -> (Lab, PhoneId, PhoneId) {
    let to = Value::List(vec![address("extension", "1002")]);
    let actions = vec![action("answer", []), mute, action("connect", [("destinations", to)])];
    let (mut lab, alice, bob) = office(seed, actions);
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("500");
    lab.run_for(seconds(3));
    (lab, alice, bob)
}

#[test]
fn nobody_hears_a_phone_that_is_muted_inwards() {
    let (mut lab, alice, bob) = connected(1, example("mute"));
    assert!(!lab.hears(bob, alice) && lab.hears(alice, bob), "{}", lab.ladder());
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn a_phone_that_is_muted_outwards_hears_nobody() {
    let (mut lab, alice, bob) = connected(2, action("mute", [("direction", "out".into())]));
    assert!(lab.hears(bob, alice) && !lab.hears(alice, bob), "{}", lab.ladder());
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn both_is_what_is_meant_where_nothing_is_said() {
    let (mut lab, alice, bob) = connected(3, action("mute", []));
    assert!(!lab.hears(bob, alice) && !lab.hears(alice, bob), "{}", lab.ladder());
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}
