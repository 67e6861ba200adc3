//! `amd`.

use lab::{Lab, OnInvite, PhoneId, State};
use pbx::call::{Address, AddressKind, HangupReason};
use pbx::flow::{Action, NewCall};
use pbx::{Command, Reply};
use scenarios::{milliseconds, seconds};

use crate::{action, example, hung_up, office, ran, rest, waits_at};

/// A lab that has called a phone which answers at once, and goes through these actions.
fn called(seed: u64, actions: Vec<Action>) -> (Lab, PhoneId) {
    let (mut lab, alice, _) = office(seed, Vec::new());
    lab[alice].manner.on_invite = OnInvite::Answer;
    let destination = Address { kind: AddressKind::Extension, target: "1001".into(), target_name: String::new() };
    let new = NewCall { destinations: vec![destination], actions, ..NewCall::default() };
    assert!(matches!(lab.command(Command::CreateCalls(Box::new(new))), Ok(Reply::Calls(..))));
    lab.run_until(|lab| lab[alice].is(State::Up));
    (lab, alice)
}

/// Goes on only where that came of it.
fn only(who: &str) -> Action {
    let option = [
        ("variable", "voipbin.call.amd".into()),
        ("value_string", who.into()),
        ("false_target_id", pbx::flow::action::FINISH.to_string().into()),
    ];
    action("condition_variable", option)
}

/// The phone says nothing more.
fn hush(lab: &mut Lab, phone: PhoneId) {
    lab[phone].calls.last_mut().expect("it has a call").audio.next_at = None;
}

#[test]
fn a_machine_speaks_on_and_the_flow_is_told() {
    let (mut lab, alice) = called(1, vec![example("amd"), only("machine"), rest(1_000)]);
    lab.run_for(seconds(1));
    assert_eq!(waits_at(&lab).as_deref(), Some("amd"));
    lab.run_for(seconds(6));
    assert!(lab[alice].is(State::Ended));
    assert_eq!(ran(&lab), ["amd", "condition_variable", "sleep"]);
    lab.finish();
}

#[test]
fn a_machine_is_hung_up_on() {
    let (mut lab, alice) = called(2, vec![action("amd", []), rest(60_000)]);
    lab.run_for(seconds(6));
    assert!(lab[alice].is(State::Ended));
    assert_eq!((ran(&lab), hung_up(&lab).hangup_reason), (vec!["amd".to_string()], Some(HangupReason::Amd)));
    lab.finish();
}

#[test]
fn a_person_says_a_word_and_waits() {
    let (mut lab, alice) = called(3, vec![action("amd", []), only("human"), rest(3_000)]);
    lab.run_for(milliseconds(900));
    hush(&mut lab, alice);
    lab.run_for(milliseconds(1_500));
    assert_eq!(waits_at(&lab).as_deref(), Some("sleep"));
    lab.run_for(seconds(5));
    assert_eq!(ran(&lab), ["amd", "condition_variable", "sleep"]);
    lab.finish();
}

#[test]
fn who_says_nothing_is_not_known_and_not_hung_up_on() {
    let (mut lab, alice) = called(4, vec![action("amd", []), only("unsure"), rest(1_000)]);
    hush(&mut lab, alice);
    lab.run_for(seconds(6));
    assert_eq!(ran(&lab), ["amd", "condition_variable", "sleep"]);
    lab.finish();
}

#[test]
fn the_flow_may_go_on_meanwhile_and_still_end_for_it() {
    let (mut lab, alice) = called(5, vec![action("amd", [("async", true.into())]), rest(60_000)]);
    lab.run_for(seconds(1));
    assert_eq!(waits_at(&lab).as_deref(), Some("sleep"));
    lab.run_for(seconds(3));
    assert!(lab[alice].is(State::Ended));
    assert_eq!(
        (ran(&lab), hung_up(&lab).hangup_reason),
        (vec!["amd".into(), "sleep".to_string()], Some(HangupReason::Amd))
    );
    lab.finish();
}

#[test]
fn nobody_has_answered_a_call_that_came_in_and_was_not() {
    let (mut lab, alice, _) = office(6, vec![action("amd", []), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(3));
    assert_eq!(ran(&lab), ["amd", "sleep"]);
    lab.finish();
}
