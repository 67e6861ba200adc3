//! `hangup`.

use pbx::call::{CallRecord, HangupReason};
use pbx::flow::{Action, NewFlow};
use pbx::{Command, Rejection};
use scenarios::seconds;

use crate::{action, address, example, hung_up, office, rest};

/// How a call ends that goes through these actions, and the final status that the phone got.
fn end(actions: Vec<Action>) -> (CallRecord, Option<u16>) {
    let (mut lab, alice, _) = office(1, actions);
    lab[alice].call("500");
    lab.run_for(seconds(3));
    let (ended, status) = (hung_up(&lab), lab[alice].last().status);
    lab.finish();
    (ended, status)
}

#[test]
fn a_phone_that_was_not_answered_is_told_the_reason() {
    let (ended, status) = end(vec![example("hangup"), rest(1)]);
    assert_eq!((ended.hangup_reason, status), (Some(HangupReason::Busy), Some(486)));
    for (reason, expected) in [("failed", 408), ("noanswer", 480), ("dialout", 480)] {
        let (_, status) = end(vec![action("hangup", [("reason", reason.into())])]);
        assert_eq!(status, Some(expected), "{reason}");
    }
}

#[test]
fn one_that_was_is_hung_up_on() {
    let (ended, _) = end(vec![action("answer", []), action("hangup", []), rest(1)]);
    assert_eq!((ended.hangup_reason, ended.progressing.is_some()), (Some(HangupReason::Normal), true));
}

#[test]
fn a_word_that_is_no_reason_is_refused_when_the_flow_is_saved() {
    let (mut lab, ..) = office(2, Vec::new());
    let actions = vec![action("hangup", [("reason", "bored".into())])];
    let made = lab.command(Command::CreateFlow(NewFlow { actions, ..NewFlow::default() }));
    assert!(matches!(made, Err(Rejection::Flow(findings)) if findings[0].at == "actions[0].option.reason"));
    lab.finish();
}

#[test]
fn the_reason_of_another_leg_is_passed_on() {
    use lab::OnInvite;
    let to = pbx::flow::Value::List(vec![address("extension", "1002")]);
    let like = action("hangup", [("reference_id", "00000000-0000-0000-0000-0000000000ff".into())]);
    let (mut lab, alice, bob) = office(3, vec![action("connect", [("destinations", to)]), like]);
    lab[bob].manner.on_invite = OnInvite::Refuse(486);
    lab[alice].call("500");
    lab.run_for(seconds(3));
    // A leg that nobody knows has no reason: it ends as it would without one.
    assert_eq!(hung_up(&lab).hangup_reason, Some(HangupReason::Normal));
    lab.finish();
}
