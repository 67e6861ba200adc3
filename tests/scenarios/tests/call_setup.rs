//! What a call goes through before somebody talks: ringing here and there, refusals, second thoughts.

use lab::{Lab, OnInvite, State, manner};
use pbx::call::HangupReason;
use scenarios::{connect, milliseconds, seconds, two_phones};

#[test]
fn early_media_is_heard_before_the_answer() {
    let (mut lab, alice, bob) = two_phones(1);
    lab[bob].manner.on_invite = OnInvite::EarlyMedia;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert!(lab[alice].is(State::Alerting) && lab.hears(alice, bob), "an announcement\n{}", lab.ladder());
    lab[bob].answer();
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Up) && lab.hears(bob, alice) && lab.hears(alice, bob));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

#[test]
fn every_phone_of_an_extension_rings_and_the_first_to_answer_has_the_call() {
    let mut lab = Lab::new(2);
    let (alice, desk, mobile, kitchen) = (
        lab.registered_phone("1001"),
        lab.registered_phone("1002"),
        lab.registered_phone("1002"),
        lab.registered_phone("1002"),
    );
    lab[alice].call("1002");
    lab.run_until(|lab| [desk, mobile, kitchen].iter().all(|phone| lab[*phone].is(State::Ringing)));
    lab.run_for(seconds(1));
    lab[mobile].answer();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, mobile) && lab.hears(mobile, alice));
    for loser in [desk, kitchen] {
        let reason = lab[loser].last().reason.clone().expect("a CANCEL says why");
        assert!(lab[loser].is(State::Ended) && lab[loser].last().was_ended_by_peer);
        assert!(reason.starts_with("SIP;cause=200") && reason.contains("Call completed elsewhere"), "{reason}");
    }
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    let records = lab.facts.records();
    assert_eq!(records.len(), 4);
    let group = records[1].groupcall_id.expect("they rang together");
    assert!(records[1..].iter().all(|record| record.groupcall_id == Some(group)));
    assert_eq!(records[1..].iter().filter(|record| record.progressing.is_some()).count(), 1);
}

#[test]
fn one_busy_phone_does_not_end_the_ringing_of_the_other() {
    let mut lab = Lab::new(3);
    let (alice, desk, mobile) =
        (lab.registered_phone("1001"), lab.registered_phone("1002"), lab.registered_phone("1002"));
    lab[desk].manner.on_invite = OnInvite::Refuse(486);
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert!(lab[alice].is(State::Alerting) && lab[mobile].is(State::Ringing));
    lab[mobile].answer();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, mobile));
    lab[mobile].hang_up();
    lab.finish();
}

#[test]
fn two_phones_answer_at_the_same_time_and_one_is_sent_home() {
    let mut lab = Lab::new(4);
    let (alice, desk, mobile) =
        (lab.registered_phone("1001"), lab.registered_phone("1002"), lab.registered_phone("1002"));
    lab[alice].call("1002");
    lab.run_until(|lab| lab[desk].is(State::Ringing) && lab[mobile].is(State::Ringing));
    lab[desk].answer();
    lab[mobile].answer();
    lab.run_for(seconds(2));
    let up = [desk, mobile].iter().filter(|phone| lab[**phone].is(State::Up)).count();
    assert_eq!((up, lab[alice].is(State::Up)), (1, true), "{}", lab.ladder());
    insta::assert_snapshot!(lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_busy_phone_is_busy() {
    let (mut lab, alice, bob) = two_phones(5);
    lab[bob].manner.on_invite = OnInvite::Refuse(486);
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(486));
    assert!(lab[alice].last().reason.as_deref().is_some_and(|reason| reason.starts_with("Q.850;cause=17")));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    assert!(lab.facts.records().iter().all(|record| record.hangup_reason == Some(HangupReason::Busy)));
}

#[test]
fn a_phone_refuses_while_it_rings() {
    for (status, expected) in [(486, 486), (603, 603), (480, 480), (404, 404), (500, 480), (302, 480)] {
        let (mut lab, alice, bob) = two_phones(6);
        lab[alice].call("1002");
        lab.run_until(|lab| lab[bob].is(State::Ringing));
        lab[bob].reject(status);
        lab.run_for(seconds(1));
        assert_eq!(lab[alice].last().status, Some(expected), "the phone said {status}\n{}", lab.ladder());
        lab.finish();
    }
}

#[test]
fn nobody_answers() {
    let (mut lab, alice, bob) = two_phones(7);
    lab[alice].call("1002");
    lab.run_for(seconds(59));
    assert!(lab[alice].is(State::Alerting) && lab[bob].is(State::Ringing));
    lab.run_for(seconds(2));
    assert_eq!((lab[alice].last().status, lab[bob].last().status), (Some(480), Some(487)));
    for phone in [alice, bob] {
        let reason = lab[phone].last().reason.clone().unwrap_or_default();
        assert!(reason.starts_with("Q.850;cause=19"), "{reason}");
    }
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    assert!(lab.facts.records().iter().all(|record| record.hangup_reason == Some(HangupReason::NoAnswer)));
}

#[test]
fn the_caller_thinks_better_of_it() {
    let (mut lab, alice, bob) = two_phones(8);
    lab[alice].call("1002");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    lab.run_for(seconds(1));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_eq!((lab[alice].last().status, lab[bob].last().status), (Some(487), Some(487)));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    assert!(lab.facts.records().iter().all(|record| record.hangup_reason == Some(HangupReason::Cancel)
        || record.hangup_reason == Some(HangupReason::Normal)));
}

#[test]
fn the_caller_thinks_better_of_it_before_the_phone_says_anything() {
    let (mut lab, alice, bob) = two_phones(9);
    lab[bob].manner.on_invite = OnInvite::Ignore;
    lab[alice].call("1002");
    lab.run_for(milliseconds(300));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(487), "the caller does not wait for the phone");
    lab[bob].answer();
    lab.run_for(seconds(2));
    assert!(lab[bob].is(State::Ended), "a phone that answers too late is sent home\n{}", lab.ladder());
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

#[test]
fn the_answer_and_the_second_thought_cross() {
    for delay in 0..12 {
        let (mut lab, alice, bob) = two_phones(10);
        lab[alice].call("1002");
        lab.run_until(|lab| lab[bob].is(State::Ringing));
        lab.run_for(seconds(1));
        lab[alice].hang_up();
        lab.run_for(milliseconds(delay));
        lab[bob].answer();
        lab.run_for(seconds(2));
        assert!(lab[alice].is(State::Ended) && lab[bob].is(State::Ended), "{delay} ms\n{}", lab.ladder());
        lab.finish();
    }
}

#[test]
fn a_phone_that_lost_its_power_is_given_up() {
    let (mut lab, alice, bob) = two_phones(11);
    lab[bob].lose_power();
    lab[alice].call("1002");
    lab.run_for(seconds(33));
    assert_eq!(lab[alice].last().status, Some(480), "{}", lab.ladder());
    lab.finish();
}

#[test]
fn nobody_is_registered_there_and_nobody_is_there() {
    let (mut lab, alice, _) = two_phones(12);
    lab.extension("1003");
    lab[alice].call("1003");
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(480));
    lab[alice].call("1999");
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(404));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    assert_eq!(lab.facts.count("call_created"), 2, "they were calls, and are in the record");
}

/// Whoever cannot prove who it is learns nothing about who is there.
#[test]
fn strangers_learn_nothing() {
    let mut lab = Lab::new(13);
    let bob = lab.registered_phone("1002");
    lab.extension("1003");
    let strangers = [lab.phone("1001"), lab.phone("1001"), lab.phone("1001"), lab.phone("1001")];
    lab[strangers[0]].password = "guess".into();
    lab[strangers[1]].password = "guess".into();
    lab[strangers[2]].number = "7777".into();
    lab[strangers[3]].number = "7777".into();
    let called = ["1002", "1999", "1003", "1002"];
    for (stranger, number) in strangers.iter().zip(called) {
        lab[*stranger].call(number);
        lab.run_for(seconds(1));
        assert_eq!(lab[*stranger].last().status, Some(403));
    }
    let answers = |phone: lab::PhoneId| {
        let all = lab.messages(phone);
        all.into_iter().filter(|label| label.starts_with('<')).collect::<Vec<_>>()
    };
    assert!(strangers.iter().all(|stranger| answers(*stranger) == answers(strangers[0])));
    assert!(lab[bob].calls.is_empty());
    assert_eq!(lab.facts.count("call_created"), 0);
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

#[test]
fn a_phone_that_is_not_registered_may_call_when_it_proves_its_password() {
    let mut lab = Lab::new(14);
    let (alice, bob) = (lab.phone("1001"), lab.registered_phone("1002"));
    connect(&mut lab, alice, bob);
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

/// The called phone is told the name that was proved, whatever the caller wrote.
#[test]
fn nobody_calls_as_somebody_else() {
    let (mut lab, alice, bob) = two_phones(15);
    lab[alice].manner.extra = vec![("From", "\"Boss\" <sip:1003@tandem.lab>;tag=5".into())];
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    match lab[bob].calls.last() {
        Some(call) => {
            let from = call.invite.as_ref().expect("it came in").need("From").to_string();
            assert!(from.contains("sip:1001@") && !from.contains("Boss"), "{from}");
            lab[alice].hang_up();
        }
        None => assert_eq!(lab[alice].last().status, Some(403)),
    }
    lab.finish();
}

#[test]
fn the_called_phone_sees_nothing_of_the_callers_network() {
    let (mut lab, alice, bob) = two_phones(16);
    connect(&mut lab, alice, bob);
    let invite = lab[bob].last().invite.clone().expect("it came in");
    let text = String::from_utf8(invite.write()).expect("text");
    let caller = lab[alice].address.ip().to_string();
    assert!(!text.contains(&caller) && !text.contains(&lab[alice].last().dialog.call_id), "{text}");
    assert_eq!(invite.all("Via").count(), 1);
    assert!(invite.need("From").trim_start_matches('"').starts_with("Phone 1001"));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn hops_are_counted() {
    let (mut lab, alice, bob) = two_phones(17);
    lab[alice].manner.max_forwards = 0;
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert_eq!((lab[alice].last().status, lab[bob].calls.len()), (Some(483), 0));
    lab[alice].manner.max_forwards = 9;
    connect(&mut lab, alice, bob);
    let invite = lab[bob].last().invite.clone().expect("it came in");
    assert_eq!(invite.header("Max-Forwards"), Some("8"));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_phone_that_calls_itself_does_not_ring() {
    let (mut lab, alice, _) = two_phones(18);
    lab[alice].call("1001");
    lab.run_for(seconds(1));
    assert_eq!((lab[alice].last().status, lab[alice].calls.len()), (Some(480), 1), "{}", lab.ladder());
    let second = lab.registered_phone("1001");
    connect(&mut lab, alice, second);
    assert!(lab[alice].calls.iter().all(|call| !call.is_incoming), "the other phone of the same extension rings");
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn without_a_common_codec_there_is_no_call() {
    let (mut lab, alice, bob) = two_phones(19);
    lab[alice].manner.codecs = vec![manner::EXOTIC, manner::DIGITS];
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert_eq!((lab[alice].last().status, lab[bob].calls.len()), (Some(488), 0));
    lab[alice].manner.codecs = vec![manner::PCMU];
    lab[bob].manner.codecs = vec![manner::EXOTIC];
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    lab[bob].answer();
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(488), "{}", lab.ladder());
    lab.finish();
}

#[test]
fn without_a_stream_there_is_no_call() {
    let (mut lab, alice, bob) = two_phones(20);
    lab.opens_streams = false;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    let status = lab[alice].last().status.expect("it was answered");
    assert!((500..600).contains(&status) && lab[bob].is(State::Ended), "{status}\n{}", lab.ladder());
    lab.opens_streams = true;
    lab.run_for(seconds(40));
    connect(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn an_exchange_that_drains_takes_no_new_calls_and_keeps_the_old() {
    let (mut lab, alice, bob) = two_phones(22);
    let (carol, dave) = (lab.registered_phone("1003"), lab.registered_phone("1004"));
    connect(&mut lab, alice, bob);
    lab.input(pbx::Input::Drain);
    lab[carol].call("1004");
    lab.run_for(seconds(5));
    assert_eq!((lab[carol].last().status, lab[dave].calls.len()), (Some(503), 0));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice) && !lab.is_drained);
    lab[bob].hang_up();
    lab.run_for(seconds(5));
    assert!(lab.is_drained);
    lab.finish();
}
