//! `answer`.

use lab::State;
use pbx::Command;
use pbx::command::NewActiveflow;
use scenarios::{milliseconds, seconds};

use crate::{example, hung_up, office, ran, rest, told};

#[test]
fn the_phone_is_answered_once() {
    let (mut lab, alice, _) = office(1, vec![rest(1_000), example("answer"), example("answer"), rest(500)]);
    lab[alice].call("500");
    lab.run_for(milliseconds(800));
    assert!(!lab[alice].is(State::Up), "nobody has answered it yet");
    lab.run_for(milliseconds(400));
    assert!(lab[alice].is(State::Up));
    lab.run_for(seconds(2));
    assert!(hung_up(&lab).progressing.is_some());
    assert_eq!(ran(&lab), ["sleep", "answer", "answer", "sleep"]);
    lab.finish();
}

#[test]
fn without_a_call_it_is_passed_over() {
    let (mut lab, ..) = office(2, Vec::new());
    let new = NewActiveflow { actions: vec![example("answer"), rest(1)], ..NewActiveflow::default() };
    assert!(lab.command(Command::CreateActiveflow(Box::new(new))).is_ok());
    lab.run_for(seconds(1));
    assert_eq!(ran(&lab), ["answer", "sleep"]);
    assert!(told(&lab).iter().all(|record| record.failure.is_none()));
    lab.finish();
}
