//! Calls that begin with the exchange: who asks for one sees each status, and the phone that answers goes through the flow.

use lab::{Lab, OnInvite, PhoneId, State};
use pbx::call::{Address, AddressKind, CallRecord, Direction, HangupReason, Status};
use pbx::directory::agent::{self, AgentAddress, Author, NewAgent, PasswordHash};
use pbx::flow::order::NewCall;
use pbx::flow::{Action, Value};
use pbx::groupcall::{Groupcall, GroupcallStatus, NewGroupcall, RingMethod};
use pbx::{Command, EventKind, Rejection, Reply};
use scenarios::{milliseconds, seconds};
use uuid::Uuid;

fn id(number: u32) -> Uuid {
    Uuid::from_u128(0x2000 + u128::from(number))
}

fn action<const N: usize>(number: u32, name: &str, option: [(&str, Value); N]) -> Action {
    Action { id: id(number), next_id: None, name: name.into(), option: option.into() }
}

fn address(kind: AddressKind, target: &str) -> Address {
    Address { kind, target: target.into(), target_name: String::new() }
}

fn extension(target: &str) -> Address {
    address(AddressKind::Extension, target)
}

fn to(destinations: &[Address], actions: Vec<Action>) -> NewCall {
    NewCall { source: Some(extension("1009")), destinations: destinations.to_vec(), actions, ..NewCall::default() }
}

/// A lab with the phone 1001.
fn one_phone(seed: u64) -> (Lab, PhoneId) {
    let mut lab = Lab::new(seed);
    let phone = lab.registered_phone("1001");
    lab.begin_ladder();
    (lab, phone)
}

fn make(lab: &mut Lab, new: NewCall) -> (Vec<CallRecord>, Vec<Groupcall>) {
    match lab.command(Command::CreateCalls(Box::new(new))) {
        Ok(Reply::Calls(calls, groupcalls)) => (calls, groupcalls),
        other => panic!("not made: {other:?}"),
    }
}

/// The words of the facts about calls and groups, in order.
fn told(lab: &Lab) -> Vec<&'static str> {
    let names = lab.facts.events.iter().map(|event| event.kind.name());
    names.filter(|name| name.starts_with("call_") || name.starts_with("groupcall_")).collect()
}

fn ended(lab: &Lab, call: Uuid) -> CallRecord {
    let records = lab.facts.records();
    let record = records.into_iter().find(|record| record.id == call).expect("it was made").clone();
    assert_eq!(record.status, Status::Hangup);
    record
}

#[test]
fn a_phone_is_rung_answers_and_goes_through_the_flow() {
    let (mut lab, phone) = one_phone(1);
    lab[phone].manner.on_invite = OnInvite::AnswerAfter(seconds(2));
    let actions = vec![
        action(1, "answer", []),
        action(2, "beep", []),
        action(3, "digits_receive", [("length", 1.into()), ("duration", 9_000.into())]),
        action(4, "sleep", [("duration", 1_000.into())]),
    ];
    let (calls, groupcalls) = make(&mut lab, to(&[extension("1001")], actions));
    assert_eq!((calls.len(), groupcalls.len()), (1, 1));
    let call = &calls[0];
    assert_eq!((call.status, call.direction), (Status::Dialing, Direction::Outgoing));
    assert_eq!((call.groupcall_id, groupcalls[0].call_ids.as_slice()), (Some(groupcalls[0].id), &[call.id][..]));
    lab.run_until(|lab| lab[phone].is(State::Ringing));
    lab.run_until(|lab| lab[phone].is(State::Up));
    lab.run_for(seconds(1));
    lab[phone].press('7');
    lab.run_until(|lab| lab[phone].is(State::Ended));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    let story = ["groupcall_created", "call_ringing", "call_answered", "groupcall_progressing", "call_hungup"];
    assert_eq!(told(&lab), [&["call_created"][..], &story, &["groupcall_hangup"]].concat());
    let record = ended(&lab, call.id);
    assert_eq!((record.hangup_reason, record.source.target.as_str()), (Some(HangupReason::Normal), "1009"));
    assert!(record.ringing.is_some() && record.progressing.is_some() && record.activeflow_id.is_some());
    let ran = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::ActiveflowUpdated(record) => Some(record.executed.clone()),
        _ => None,
    });
    let names: Vec<String> = ran.expect("a flow ran").into_iter().map(|action| action.name).collect();
    assert_eq!(names, ["answer", "beep", "digits_receive", "sleep"]);
}

#[test]
fn who_does_not_answer_is_told_apart() {
    for (on_invite, reason, cause) in [
        (OnInvite::Refuse(486), HangupReason::Busy, 17),
        (OnInvite::Refuse(603), HangupReason::NoAnswer, 21),
        (OnInvite::Refuse(480), HangupReason::NoAnswer, 19),
        (OnInvite::Refuse(404), HangupReason::Failed, 1),
        (OnInvite::Refuse(500), HangupReason::Failed, 41),
        (OnInvite::Ring, HangupReason::NoAnswer, 19),
        (OnInvite::OnlyTrying, HangupReason::NoAnswer, 19),
        (OnInvite::Ignore, HangupReason::Failed, 18),
    ] {
        let (mut lab, phone) = one_phone(2);
        lab[phone].manner.on_invite = on_invite;
        let (calls, _) = make(&mut lab, to(&[extension("1001")], vec![action(1, "answer", [])]));
        lab.run_for(seconds(70));
        if on_invite == OnInvite::Ignore {
            lab[phone].lose_power();
        }
        lab.finish();
        let record = ended(&lab, calls[0].id);
        assert_eq!((record.hangup_reason, record.hangup_cause), (Some(reason), Some(cause)), "{on_invite:?}");
        assert_eq!(lab.facts.count("activeflow_created"), 0, "nothing runs for nobody");
        assert_eq!(lab.facts.count("groupcall_hangup"), 1);
    }
}

#[test]
fn nobody_registered_is_a_call_that_could_not_be_dialled() {
    let (mut lab, phone) = one_phone(3);
    lab[phone].unregister();
    lab.run_for(seconds(1));
    let (calls, groupcalls) = make(&mut lab, to(&[extension("1001")], vec![action(1, "answer", [])]));
    assert_eq!((calls[0].status, groupcalls[0].status), (Status::Dialing, GroupcallStatus::Progressing));
    lab.finish();
    let record = ended(&lab, calls[0].id);
    assert_eq!((record.hangup_reason, record.hangup_cause), (Some(HangupReason::Dialout), Some(20)));
}

#[test]
fn a_call_is_cancelled_while_it_is_dialled_and_while_it_rings() {
    for on_invite in [OnInvite::OnlyTrying, OnInvite::Ring, OnInvite::Ignore] {
        let (mut lab, phone) = one_phone(4);
        lab[phone].manner.on_invite = on_invite;
        let (calls, _) = make(&mut lab, to(&[extension("1001")], vec![action(1, "answer", [])]));
        lab.run_for(milliseconds(300));
        let answer = lab.command(Command::HangupCall(calls[0].id));
        assert!(matches!(answer, Ok(Reply::Call(_))), "{answer:?}");
        lab.run_for(seconds(40));
        if on_invite == OnInvite::Ignore {
            lab[phone].lose_power();
        }
        lab.finish();
        let record = ended(&lab, calls[0].id);
        assert_eq!(record.hangup_reason, Some(HangupReason::Cancel), "{on_invite:?}");
        assert_eq!(lab.facts.count("call_canceling"), 1);
    }
}

#[test]
fn an_answer_that_crosses_the_cancel_is_ended() {
    let (mut lab, phone) = one_phone(5);
    lab[phone].manner.on_invite = OnInvite::Ring;
    let (calls, _) = make(&mut lab, to(&[extension("1001")], vec![action(1, "answer", [])]));
    lab.run_until(|lab| lab[phone].is(State::Ringing));
    lab[phone].answer();
    let answer = lab.command(Command::HangupCall(calls[0].id));
    assert!(answer.is_ok(), "{answer:?}");
    lab.run_until(|lab| lab[phone].is(State::Ended));
    lab.finish();
    assert_eq!(ended(&lab, calls[0].id).hangup_reason, Some(HangupReason::Cancel));
}

#[test]
fn the_first_of_several_phones_to_answer_has_the_call() {
    let mut lab = Lab::new(6);
    let (desk, cell) = (lab.registered_phone("1001"), lab.registered_phone("1001"));
    lab[cell].manner.on_invite = OnInvite::AnswerAfter(seconds(1));
    let actions = vec![action(1, "sleep", [("duration", 5_000.into())])];
    let (calls, groupcalls) = make(&mut lab, to(&[extension("1001")], actions));
    assert_eq!((calls.len(), groupcalls[0].call_count), (2, 2));
    lab.run_until(|lab| lab[desk].is(State::Ringing) && lab[cell].is(State::Ringing));
    lab.run_until(|lab| lab[cell].is(State::Up));
    lab.run_for(milliseconds(200));
    assert!(lab[desk].is(State::Ended), "{}", lab.ladder());
    lab.finish();
    let reasons: Vec<_> = calls.iter().map(|call| ended(&lab, call.id).hangup_cause).collect();
    assert!(reasons.contains(&Some(26)) && reasons.contains(&Some(16)), "{reasons:?}");
    let last = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::GroupcallHangup(groupcall) => Some((**groupcall).clone()),
        _ => None,
    });
    let last = last.expect("the group is over");
    let answered = calls.iter().find(|call| ended(&lab, call.id).progressing.is_some()).expect("one was answered");
    assert_eq!((last.answer_call_id, last.call_count), (Some(answered.id), 0));
    assert_eq!(lab.facts.count("activeflow_created"), 1);
}

fn group(lab: &mut Lab, ring_method: RingMethod, actions: Vec<Action>) -> Groupcall {
    let call = to(&[extension("1001"), extension("1002"), extension("1003")], actions);
    match lab.command(Command::CreateGroupcall(Box::new(NewGroupcall { call, ring_method }))) {
        Ok(Reply::Groupcall(groupcall)) => *groupcall,
        other => panic!("not made: {other:?}"),
    }
}

#[test]
fn a_linear_group_rings_one_after_the_other() {
    let mut lab = Lab::new(7);
    let [busy, away, there] = ["1001", "1002", "1003"].map(|number| lab.registered_phone(number));
    lab[busy].manner.on_invite = OnInvite::Refuse(486);
    lab[away].unregister();
    lab.run_for(seconds(1));
    lab[there].manner.on_invite = OnInvite::AnswerAfter(seconds(1));
    let made = group(&mut lab, RingMethod::Linear, vec![action(1, "sleep", [("duration", 3_000.into())])]);
    assert_eq!((made.call_ids.len(), made.dial_index), (1, 0));
    lab.run_until(|lab| lab[there].is(State::Up));
    assert!(!lab[busy].calls.is_empty() && lab[away].calls.is_empty());
    lab.finish();
    let last = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::GroupcallHangup(groupcall) => Some((**groupcall).clone()),
        _ => None,
    });
    let last = last.expect("the group is over");
    assert_eq!((last.call_ids.len(), last.dial_index, last.answer_call_id), (3, 2, Some(last.call_ids[2])));
}

#[test]
fn a_group_that_is_hung_up_rings_nobody_any_more() {
    for ring_method in [RingMethod::RingAll, RingMethod::Linear] {
        let mut lab = Lab::new(8);
        let phones = ["1001", "1002", "1003"].map(|number| lab.registered_phone(number));
        let made = group(&mut lab, ring_method, vec![action(1, "answer", [])]);
        lab.run_until(|lab| lab[phones[0]].is(State::Ringing));
        let answer = lab.command(Command::HangupGroupcall(made.id));
        assert!(
            matches!(&answer, Ok(Reply::Groupcall(group)) if group.status == GroupcallStatus::HangingUp),
            "{answer:?}"
        );
        lab.run_for(seconds(2));
        assert!(phones.iter().all(|phone| lab[*phone].calls.is_empty() || lab[*phone].is(State::Ended)));
        lab.finish();
        assert!(lab[phones[2]].calls.is_empty() || ring_method == RingMethod::RingAll);
        assert!(lab.facts.records().iter().all(|record| record.hangup_reason == Some(HangupReason::Cancel)));
        assert_eq!(lab.command(Command::HangupGroupcall(made.id)), Err(Rejection::NotFound("groupcall")));
    }
}

#[test]
fn a_flow_may_begin_when_it_rings() {
    let (mut lab, phone) = one_phone(9);
    lab[phone].manner.on_invite = OnInvite::AnswerAfter(seconds(5));
    let actions = vec![
        action(1, "variable_set", [("key", "seen".into()), ("value", "yes".into())]),
        action(2, "sleep", [("duration", 1_000.into())]),
        action(3, "beep", []),
    ];
    let new = NewCall { early_execution: true, ..to(&[extension("1001")], actions) };
    make(&mut lab, new);
    lab.run_until(|lab| lab.facts.count("activeflow_created") == 1);
    assert!(lab[phone].is(State::Ringing), "it is not answered yet");
    lab.run_until(|lab| lab[phone].is(State::Up));
    lab.run_until(|lab| lab[phone].is(State::Ended));
    assert!(lab[phone].last().audio.heard.len() > 5, "the beep waited for the answer");
    lab.finish();
    assert_eq!(lab.facts.count("activeflow_created"), 1);
}

#[test]
fn a_flow_that_began_when_it_rang_ends_with_the_ringing() {
    for actions in [vec![action(1, "beep", [])], vec![action(1, "block", [])]] {
        let (mut lab, phone) = one_phone(10);
        lab[phone].manner.on_invite = OnInvite::Ring;
        let new = NewCall { early_execution: true, ..to(&[extension("1001")], actions) };
        let (calls, _) = make(&mut lab, new);
        lab.run_until(|lab| lab[phone].is(State::Ringing));
        lab.run_for(seconds(2));
        lab[phone].reject(486);
        lab.run_for(seconds(1));
        lab.finish();
        assert_eq!(ended(&lab, calls[0].id).hangup_reason, Some(HangupReason::Busy));
    }
}

#[test]
fn the_phone_that_was_rung_is_connected_to_another() {
    let mut lab = Lab::new(11);
    let [alice, bob] = ["1001", "1002"].map(|number| lab.registered_phone(number));
    lab[alice].manner.on_invite = OnInvite::Answer;
    lab[bob].manner.on_invite = OnInvite::AnswerAfter(seconds(1));
    let called = Value::from([("type", "extension".into()), ("target", "1002".into())]);
    let connect = action(1, "connect", [("destinations", Value::List(vec![called]))]);
    make(&mut lab, to(&[extension("1001")], vec![connect]));
    lab.run_until(|lab| lab[bob].is(State::Up));
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[alice].hold();
    lab.run_for(seconds(1));
    lab[alice].resume();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[bob].hang_up();
    lab.run_until(|lab| lab[alice].is(State::Ended));
    lab.finish();
}

#[test]
fn a_uri_with_an_address_is_rung_and_may_not_see_who_calls() {
    let (mut lab, phone) = one_phone(12);
    lab[phone].manner.on_invite = OnInvite::AnswerAfter(seconds(1));
    let uri = address(AddressKind::Sip, "sip:1001@10.0.1.10:5060");
    let new = NewCall { anonymous: true, ..to(&[uri], vec![action(1, "beep", [])]) };
    let (calls, groupcalls) = make(&mut lab, new);
    assert_eq!((calls.len(), groupcalls.len()), (1, 0));
    lab.run_until(|lab| lab[phone].is(State::Up));
    let ladder = lab.ladder();
    lab.run_until(|lab| lab[phone].is(State::Ended));
    lab.finish();
    let invite = lab.sequences.iter().flat_map(|sequence| &sequence.steps).find(|step| step.label.contains("INVITE"));
    let invite = &invite.expect("it was rung").detail;
    assert!(invite.contains("anonymous@anonymous.invalid") && invite.contains("Privacy: id"), "{invite}\n{ladder}");
    assert!(!invite.contains("1009"), "{invite}");
}

#[test]
fn what_cannot_be_called_is_refused_by_its_field() {
    let (mut lab, _) = one_phone(13);
    let play = || vec![action(1, "answer", [])];
    let cases = [
        (to(&[extension("1999")], play()), "destinations[0].target"),
        (to(&[extension("1001"), extension("1999")], play()), "destinations[1].target"),
        (to(&[address(AddressKind::Sip, "sip:x@10.0.0.9;transport=tls")], play()), "destinations[0].target"),
        (to(&[address(AddressKind::Sip, "\r\n")], play()), "destinations[0].target"),
        (to(&[address(AddressKind::Conference, "800")], vec![]), "destinations[0].target"),
        (to(&[], play()), "destinations"),
        (to(&[extension("1001")], vec![]), "flow_id"),
        (NewCall { flow: Some(id(9)), ..to(&[extension("1001")], vec![]) }, "flow_id"),
        (to(&[extension("1001")], vec![action(1, "sing", [])]), "actions[0].type"),
        (
            NewCall { variables: vec![("voipbin.call.id".into(), "7".into())], ..to(&[extension("1001")], play()) },
            "variables.voipbin.call.id",
        ),
        (NewCall { source: Some(extension(&"9".repeat(256))), ..to(&[extension("1001")], play()) }, "source.target"),
    ];
    for (new, field) in cases {
        let words = format!("{new:?}");
        let refused = lab.command(Command::CreateCalls(Box::new(new)));
        let at = match &refused {
            Err(Rejection::Fault(fault)) => fault.at.clone(),
            Err(Rejection::Invalid { field, .. }) => (*field).to_owned(),
            Err(Rejection::Flow(findings)) => findings[0].at.clone(),
            other => panic!("{words}: {other:?}"),
        };
        assert_eq!(at, field, "{words}");
    }
    lab.finish();
    assert_eq!(lab.facts.count("call_created"), 0, "all or none");
}

/// An agent who is reached at these extensions.
fn agent(lab: &mut Lab, ring_method: agent::RingMethod, numbers: &[&str]) -> Uuid {
    let at = |number: &&str| AgentAddress { target: (*number).into(), ..AgentAddress::default() };
    let new = NewAgent {
        username: "ada".into(),
        password_hash: PasswordHash("$argon2id$x".into()),
        name: "Ada".into(),
        ring_method,
        addresses: numbers.iter().map(at).collect(),
        ..NewAgent::default()
    };
    match lab.command(Command::CreateAgent(Box::new(new), Author::Exchange)) {
        Ok(Reply::Agent(made)) => made.id,
        other => panic!("not made: {other:?}"),
    }
}

#[test]
fn an_agent_is_rung_where_it_is_reached_at_once_or_one_after_the_other() {
    for ring_method in [agent::RingMethod::RingAll, agent::RingMethod::Linear] {
        let mut lab = Lab::new(60);
        let phones = ["1001", "1002"].map(|number| lab.registered_phone(number));
        let id = agent(&mut lab, ring_method, &["1001", "1002"]);
        let destination = address(AddressKind::Agent, &id.to_string());
        let (_, groups) = make(&mut lab, to(&[destination], vec![action(1, "answer", []), action(2, "block", [])]));
        assert_eq!(groups[0].destinations[0].target_name, "Ada");
        lab.run_until(|lab| lab[phones[0]].is(State::Ringing));
        lab.run_for(seconds(1));
        assert_eq!(lab[phones[1]].is(State::Ringing), ring_method == agent::RingMethod::RingAll);
        lab[phones[0]].reject(486);
        lab.run_until(|lab| lab[phones[1]].is(State::Ringing));
        lab[phones[1]].answer();
        lab.run_until(|lab| lab[phones[1]].is(State::Up));
        lab[phones[1]].hang_up();
        lab.finish();
    }
}

#[test]
fn a_flow_connects_to_an_agent_by_its_user_name() {
    let (mut lab, phone) = one_phone(61);
    let second = lab.registered_phone("1002");
    lab[second].manner.on_invite = OnInvite::Answer;
    agent(&mut lab, agent::RingMethod::RingAll, &["1002"]);
    let ada = Value::from([("type", "agent".into()), ("target", "ada".into())]);
    let nobody = Value::from([("type", "agent".into()), ("target", "eve".into())]);
    let actions = vec![
        action(1, "answer", []),
        action(2, "connect", [("destinations", Value::List(vec![nobody]))]),
        action(3, "connect", [("destinations", Value::List(vec![ada]))]),
    ];
    make(&mut lab, to(&[extension("1001")], actions));
    lab.run_until(|lab| lab[phone].is(State::Ringing));
    lab[phone].answer();
    lab.run_for(seconds(3));
    assert!(lab.hears(phone, second) && lab.hears(second, phone), "{}", lab.ladder());
    lab[phone].hang_up();
    lab.finish();
}

#[test]
fn an_agent_that_cannot_be_rung_is_refused_by_its_field() {
    let (mut lab, _) = one_phone(62);
    let nowhere = agent(&mut lab, agent::RingMethod::RingAll, &[]).to_string();
    for (target, reason) in [("eve", "there is no such agent"), (&nowhere, "the agent has no address")] {
        let new = to(&[address(AddressKind::Agent, target)], vec![action(1, "answer", [])]);
        let refused = lab.command(Command::CreateCalls(Box::new(new)));
        let Err(Rejection::Fault(fault)) = &refused else { panic!("{refused:?}") };
        assert_eq!((fault.at.as_str(), fault.reason.as_str()), ("destinations[0].target", reason));
    }
}
