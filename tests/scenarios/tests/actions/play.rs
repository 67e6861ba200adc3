//! `play`.

use lab::State;
use scenarios::seconds;

use crate::{action, example, hung_up, office, ran, rest};

#[test]
fn sounds_are_played_and_the_phone_is_not_answered_by_them() {
    let (mut lab, alice, _) = office(1, vec![example("play"), rest(500)]);
    lab[alice].call("500");
    lab.run_for(seconds(1));
    assert!(!lab[alice].is(State::Up), "it is early media");
    lab.run_for(seconds(10));
    assert_eq!(ran(&lab), ["play", "sleep"]);
    assert!(hung_up(&lab).progressing.is_none());
    lab.finish();
}

#[test]
fn nothing_to_play_is_passed_over() {
    let none = action("play", [("stream_urls", "${nothing}".into())]);
    let (mut lab, alice, _) = office(2, Vec::new());
    let made = lab.command(pbx::Command::CreateFlow(pbx::flow::NewFlow { actions: vec![none], ..Default::default() }));
    assert!(matches!(made, Err(pbx::Rejection::Flow(findings)) if findings[0].at.contains("stream_urls")));
    lab[alice].hang_up();
    lab.finish();
}
