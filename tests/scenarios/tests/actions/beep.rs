//! `beep`.

use lab::State;
use scenarios::{milliseconds, seconds};

use crate::{action, example, hung_up, office, ran, rest};

#[test]
fn the_phone_hears_a_tone_and_is_not_answered_by_it() {
    let (mut lab, alice, _) = office(1, vec![example("beep"), rest(1_000)]);
    lab[alice].call("500");
    lab.run_for(milliseconds(600));
    assert!(!lab[alice].is(State::Up), "it is early media");
    assert!(!lab[alice].last().audio.heard.is_empty(), "{}", lab.ladder());
    lab.run_for(seconds(3));
    assert!(hung_up(&lab).progressing.is_none());
    assert_eq!(ran(&lab), ["beep", "sleep"]);
    lab.finish();
}

#[test]
fn the_flow_waits_for_its_end() {
    let (mut lab, alice, _) = office(2, vec![action("answer", []), example("beep"), rest(10_000)]);
    lab[alice].call("500");
    lab.run_for(milliseconds(100));
    assert_eq!(crate::waits_at(&lab).as_deref(), Some("beep"));
    lab.run_for(seconds(1));
    assert_eq!(crate::waits_at(&lab).as_deref(), Some("sleep"));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}
