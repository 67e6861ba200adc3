//! `echo`.

use lab::State;
use scenarios::{milliseconds, seconds};

use crate::{action, example, office, ran, rest};

#[test]
fn a_phone_hears_itself_for_ten_seconds() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("echo"), rest(5_000)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert!(lab.hears(alice, alice), "{}", lab.ladder());
    lab.run_for(seconds(10));
    assert!(!lab.hears(alice, alice), "it is over");
    lab.run_for(seconds(10));
    assert!(lab[alice].is(State::Ended));
    assert_eq!(ran(&lab), ["answer", "echo", "sleep"]);
    lab.finish();
}

#[test]
fn keys_pressed_meanwhile_wait_for_the_next_action() {
    let digits = action("digits_receive", [("length", 2.into()), ("duration", 1_000.into())]);
    let echo = action("stream_echo", [("duration", 2_000.into())]);
    let (mut lab, alice, _) = office(2, vec![action("answer", []), echo, digits, rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(1));
    lab[alice].press('1');
    lab.run_for(milliseconds(500));
    lab[alice].press('2');
    lab.run_for(milliseconds(800));
    assert_eq!(ran(&lab), ["answer", "stream_echo", "digits_receive", "sleep"], "they were enough");
    lab.finish();
}

#[test]
fn who_hangs_up_hears_nothing_more() {
    let (mut lab, alice, _) = office(3, vec![action("answer", []), action("echo", [])]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    lab[alice].hang_up();
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["answer", "echo"]);
    assert_eq!(lab.engine.counters().refused_commands, 0);
    lab.finish();
}
