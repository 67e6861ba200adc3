//! Calls that go through flows: what the phones hear and see of each action, and that the flow goes on whatever they do.

use lab::{Lab, OnInvite, PhoneId, State};
use pbx::call::{HangupReason, Status};
use pbx::conference::{ConferenceChange, ConferenceData, NewConference};
use pbx::directory::NewNumber;
use pbx::flow::{Action, ActiveflowRecord, NewFlow, Value};
use pbx::{Command, EventKind, Rejection, Reply};
use scenarios::{assert_recorded, milliseconds, recordings_stated, sample, seconds};
use uuid::Uuid;

fn id(number: u32) -> Uuid {
    Uuid::from_u128(0x1000 + u128::from(number))
}

fn action<const N: usize>(number: u32, name: &str, option: [(&str, Value); N]) -> Action {
    Action { id: id(number), next_id: None, name: name.into(), option: option.into() }
}

fn extension(number: &str) -> Value {
    Value::from([("type", "extension".into()), ("target", number.into())])
}

fn connect<const N: usize>(number: u32, to: &[&str], more: [(&str, Value); N]) -> Action {
    let mut connect = action(number, "connect", more);
    let Value::Map(entries) = &mut connect.option else { panic!("options are an object") };
    entries.push(("destinations".into(), Value::List(to.iter().map(|to| extension(to)).collect())));
    connect
}

fn make_flow(lab: &mut Lab, actions: Vec<Action>) -> Uuid {
    let new = NewFlow { name: "Office".into(), actions, ..NewFlow::default() };
    match lab.command(Command::CreateFlow(new)) {
        Ok(Reply::Flow(flow)) => flow.id,
        other => panic!("not made: {other:?}"),
    }
}

/// A lab with the phones 1001 to 1003, and the number 500, which leads into this flow.
fn office(seed: u64, actions: Vec<Action>) -> (Lab, [PhoneId; 3]) {
    let mut lab = Lab::new(seed);
    let phones = ["1001", "1002", "1003"].map(|number| lab.registered_phone(number));
    let flow = make_flow(&mut lab, actions);
    let new = NewNumber { number: "500".into(), call_flow_id: Some(flow), ..NewNumber::default() };
    assert!(matches!(lab.command(Command::CreateNumber(new)), Ok(Reply::Number(_))));
    lab.begin_ladder();
    (lab, phones)
}

/// The last word on the activeflow that was told last.
fn ended(lab: &Lab) -> ActiveflowRecord {
    let told = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::ActiveflowUpdated(record) => Some((**record).clone()),
        _ => None,
    });
    let told = told.expect("a flow ran");
    assert!(!told.running, "it is over: {told:?}");
    told
}

/// The names of the actions that ran.
fn ran(lab: &Lab) -> Vec<String> {
    ended(lab).executed.into_iter().map(|action| action.name).collect()
}

fn is_over(lab: &Lab, phone: PhoneId) -> bool {
    lab[phone].is(State::Ended)
}

/// The call's own last record.
fn hung_up(lab: &Lab) -> pbx::call::CallRecord {
    let ended = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::CallHungup(record) if record.master_call_id.is_none() => Some((**record).clone()),
        _ => None,
    });
    ended.expect("the call is over")
}

fn menu() -> Vec<Action> {
    let ways = Value::from([("1", id(10).to_string().into()), ("2", id(20).to_string().into())]);
    vec![
        action(1, "answer", []),
        action(2, "beep", []),
        action(3, "digits_receive", [("length", 1.into()), ("duration", 5_000.into())]),
        action(4, "branch", [("target_ids", ways), ("default_target_id", id(5).to_string().into())]),
        action(5, "goto", [("target_id", id(2).to_string().into()), ("loop_count", 1.into())]),
        action(6, "hangup", []),
        connect(10, &["1002"], []),
        action(11, "hangup", []),
        connect(20, &["1003"], []),
    ]
}

#[test]
fn a_menu_leads_to_the_phone_that_was_chosen() {
    let (mut lab, [alice, bob, carol]) = office(1, menu());
    lab[carol].manner.on_invite = OnInvite::AnswerAfter(seconds(3));
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(1));
    lab[alice].press('2');
    lab.run_until(|lab| lab[carol].is(State::Ringing));
    lab.run_until(|lab| lab[carol].is(State::Up));
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, carol) && lab.hears(carol, alice), "{}", lab.ladder());
    assert!(lab[bob].calls.is_empty(), "nobody else was rung");
    lab[carol].hang_up();
    lab.run_until(|lab| is_over(lab, alice));
    lab.finish();
    assert_eq!(ran(&lab), ["answer", "beep", "digits_receive", "branch", "connect"]);
    let labels: Vec<&str> = lab.sequences[0].steps.iter().map(|step| step.label.as_str()).collect();
    for label in ["start flow", "branch", "digits_receive", "connect", "where is 1003?", "end of the flow"] {
        assert!(labels.contains(&label), "{label} is not in {labels:?}");
    }
}

#[test]
fn who_presses_nothing_hears_the_menu_again_and_then_the_end() {
    let (mut lab, [alice, ..]) = office(2, menu());
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_until(|lab| is_over(lab, alice));
    lab.finish();
    let once = ["beep", "digits_receive", "branch", "goto"];
    assert_eq!(ran(&lab), [&["answer"][..], &once, &once, &["hangup"]].concat());
    assert_eq!(hung_up(&lab).hangup_reason, Some(HangupReason::Normal));
    assert!(lab[alice].last().was_ended_by_peer);
}

#[test]
fn what_is_typed_during_the_beep_counts() {
    let (mut lab, [alice, bob, _]) = office(3, menu());
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(milliseconds(100));
    lab[alice].press('1');
    lab.run_until(|lab| lab[bob].is(State::Up));
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob));
    lab[alice].hang_up();
    lab.finish();
    assert_eq!(ran(&lab), ["answer", "beep", "digits_receive", "branch", "connect"]);
}

#[test]
fn all_destinations_ring_and_the_first_to_answer_has_the_call() {
    let (mut lab, [alice, bob, carol]) = office(4, vec![connect(1, &["1002", "1003"], [])]);
    lab[bob].manner.on_invite = OnInvite::AnswerAfter(seconds(2));
    lab[alice].call("500");
    lab.run_until(|lab| lab[bob].is(State::Ringing) && lab[carol].is(State::Ringing));
    lab.run_until(|lab| lab[alice].is(State::Alerting));
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(1));
    assert!(is_over(&lab, carol) && lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_flow_goes_on_when_nobody_takes_the_call() {
    for (on_invite, reason) in [
        (OnInvite::Refuse(486), "User busy"),
        (OnInvite::Refuse(603), "Call rejected"),
        (OnInvite::Ring, "No answer"),
        (OnInvite::OnlyTrying, "No answer"),
    ] {
        let actions = vec![action(1, "answer", []), connect(2, &["1002"], []), connect(3, &["1003"], [])];
        let (mut lab, [alice, bob, carol]) = office(5, actions);
        lab[bob].manner.on_invite = on_invite;
        lab[carol].manner.on_invite = OnInvite::Answer;
        lab[alice].call("500");
        lab.run_until(|lab| lab[carol].is(State::Up));
        lab.run_for(seconds(1));
        assert!(lab.hears(alice, carol) && lab.hears(carol, alice), "{on_invite:?}");
        lab[carol].hang_up();
        lab.run_until(|lab| is_over(lab, alice));
        lab.finish();
        let failed = lab.sequences[0].steps.iter().find(|step| step.label == "could not be done");
        assert_eq!(failed.map(|step| step.detail.as_str()), Some(reason), "{on_invite:?}");
    }
}

#[test]
fn who_waits_for_an_answer_hears_that_it_rings() {
    let (mut lab, [alice, bob, _]) = office(6, vec![action(1, "answer", []), connect(2, &["1002"], [])]);
    lab[alice].call("500");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    lab.run_for(seconds(1));
    let since = lab.now() - milliseconds(500);
    let heard = lab[alice].last().audio.heard.iter().filter(|heard| heard.at >= since).count();
    assert!((20..=30).contains(&heard), "{heard} packets in half a second");
    lab[bob].answer();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn the_reason_of_the_other_leg_is_passed_on_where_that_is_asked_for() {
    for (status, expected) in [(486, 486), (603, 403), (480, 480)] {
        let relay = [("relay_reason", true.into())];
        let (mut lab, [alice, bob, _]) = office(7, vec![connect(1, &["1002"], relay), action(2, "answer", [])]);
        lab[bob].manner.on_invite = OnInvite::Refuse(status);
        lab[alice].call("500");
        lab.run_until(|lab| is_over(lab, alice));
        assert_eq!(lab[alice].last().status, Some(expected));
        lab.finish();
    }
}

#[test]
fn a_call_that_no_action_answers_gets_a_reason() {
    let hangup = |reason: &str| vec![action(1, "hangup", [("reason", reason.into())])];
    let nothing = vec![action(1, "variable_set", [("key", "x".into())])];
    for (actions, status) in [(hangup("busy"), 486), (hangup("noanswer"), 480), (hangup("failed"), 408), (nothing, 480)]
    {
        let (mut lab, [alice, ..]) = office(8, actions);
        lab[alice].call("500");
        lab.run_until(|lab| is_over(lab, alice));
        assert_eq!(lab[alice].last().status, Some(status));
        lab.finish();
    }
}

#[test]
fn a_caller_that_gives_up_ends_the_flow() {
    let waits = || vec![action(1, "answer", []), action(2, "sleep", [("duration", 60_000.into())])];
    let (mut lab, [alice, ..]) = office(9, waits());
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(2));
    lab[alice].hang_up();
    lab.finish();
    assert_eq!((ran(&lab), hung_up(&lab).status), (vec!["answer".into(), "sleep".into()], Status::Hangup));
    // Before it was answered, and while others ring.
    let (mut lab, [alice, bob, _]) = office(10, vec![connect(1, &["1002"], []), action(2, "answer", [])]);
    lab[alice].call("500");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    lab[alice].hang_up();
    lab.run_until(|lab| is_over(lab, alice) && is_over(lab, bob));
    lab.finish();
    assert_eq!(ran(&lab), ["connect"]);
}

#[test]
fn a_phone_that_offers_late_is_answered_first() {
    let (mut lab, [alice, bob, _]) =
        office(11, vec![action(1, "answer", []), action(2, "beep", []), connect(3, &["1002"], [])]);
    lab[alice].manner.offers_late = true;
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("500");
    lab.run_until(|lab| lab[bob].is(State::Up));
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[bob].hang_up();
    lab.finish();
}

#[test]
fn a_conference_is_joined_and_left_and_the_flow_goes_on() {
    let mut lab = Lab::new(12);
    let [alice, bob] = ["1001", "1002"].map(|number| lab.registered_phone(number));
    let data = ConferenceData { extension: Some("800".into()), loudest: None, tones: false };
    let Ok(Reply::Conference(made)) =
        lab.command(Command::CreateConference(NewConference { data, ..NewConference::default() }))
    else {
        panic!("it can be made")
    };
    let join = action(1, "conference_join", [("conference_id", made.id.to_string().into())]);
    let record = action(3, "record_start", [("format", "wav".into())]);
    let flow = make_flow(&mut lab, vec![action(4, "answer", []), record, join, connect(2, &["1002"], [])]);
    let new = NewNumber { number: "500".into(), call_flow_id: Some(flow), ..NewNumber::default() };
    assert!(lab.command(Command::CreateNumber(new)).is_ok());
    lab[bob].call("800");
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Up) && lab[bob].is(State::Up));
    lab.run_for(seconds(2));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    lab[bob].manner.on_invite = OnInvite::Answer;
    assert!(lab.command(Command::DeleteConference(made.id)).is_ok());
    lab.run_until(|lab| lab[bob].live().is_some_and(|call| call.is_incoming && call.state == State::Up));
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab.run_for(seconds(1));
    lab[alice].hang_up();
    lab.finish();
    assert_eq!(ran(&lab), ["answer", "record_start", "conference_join", "connect"]);
    // One recording of all of it: what was said in the conference, and to whom the flow led then.
    let told = recordings_stated(&lab);
    let file = told[told.len() - 1].file.clone().expect("it is filed");
    assert!(told.iter().all(|record| record.id == told[0].id), "{told:?}");
    assert_recorded(&lab, 0, milliseconds(300), sample(0, lab[alice].voice));
    let end = file.duration.saturating_sub(milliseconds(1_300));
    for from in [milliseconds(300), end] {
        assert_recorded(&lab, 1, from, sample(0, lab[bob].voice));
    }
}

#[test]
fn a_flow_is_stopped_by_whoever_asks() {
    let (mut lab, [alice, ..]) = office(13, vec![action(1, "answer", []), action(2, "block", [])]);
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(100));
    let created = lab.facts.events.iter().find_map(|event| match &event.kind {
        EventKind::ActiveflowCreated(record) => Some(record.id),
        _ => None,
    });
    let running = created.expect("it runs");
    assert!(matches!(lab.command(Command::StopActiveflow(running)), Ok(Reply::Activeflow(_))));
    lab.run_until(|lab| is_over(lab, alice));
    assert_eq!(lab.command(Command::StopActiveflow(running)), Err(Rejection::NotFound("activeflow")));
    lab.finish();
}

#[test]
fn what_a_box_has_not_is_said_and_passed_over() {
    let actions = vec![action(1, "answer", []), action(2, "transcribe_stop", []), action(3, "beep", [])];
    let (mut lab, [alice, ..]) = office(14, actions);
    lab[alice].call("500");
    lab.run_until(|lab| is_over(lab, alice));
    lab.finish();
    assert_eq!(ran(&lab), ["answer", "transcribe_stop", "beep"]);
    let said = lab.sequences[0].steps.iter().find(|step| step.label == "could not be done").expect("it is said");
    assert_eq!(said.detail, "transcribe_stop is not available on this box");
}

#[test]
fn numbers_and_flows_are_kept_consistent() {
    let (mut lab, [alice, ..]) = office(15, vec![action(1, "answer", [])]);
    let taken = |number: &str| NewNumber { number: number.into(), ..NewNumber::default() };
    assert_eq!(lab.command(Command::CreateNumber(taken("500"))), Err(Rejection::AlreadyExists("number")));
    assert_eq!(lab.command(Command::CreateNumber(taken("1001"))), Err(Rejection::AlreadyExists("extension")));
    let nowhere = NewNumber { call_flow_id: Some(id(99)), ..taken("501") };
    let refused = Rejection::Invalid { field: "call_flow_id", reason: "there is no such flow" };
    assert_eq!(lab.command(Command::CreateNumber(nowhere)), Err(refused));
    let wrong = NewFlow { actions: vec![action(1, "fly", [])], ..NewFlow::default() };
    assert!(matches!(lab.command(Command::CreateFlow(wrong)), Err(Rejection::Flow(findings)) if findings.len() == 1));
    assert!(lab.command(Command::CreateNumber(taken("502"))).is_ok());
    lab[alice].call("502");
    lab.run_until(|lab| is_over(lab, alice));
    assert_eq!(lab[alice].last().status, Some(404), "a number without a flow leads nowhere");
    lab.finish();
}

#[test]
fn digits_are_sent_to_the_phone() {
    let option = [("digits", "147*#A".into()), ("duration", 120.into()), ("interval", 80.into())];
    let (mut lab, [alice, ..]) =
        office(16, vec![action(1, "answer", []), action(2, "digits_send", option), action(3, "beep", [])]);
    lab[alice].call("500");
    lab.run_until(|lab| is_over(lab, alice));
    assert_eq!(lab[alice].last().audio.keys_heard(), "147*#A");
    lab.finish();
    assert_eq!(ran(&lab), ["answer", "digits_send", "beep"]);
}

#[test]
fn flows_come_before_a_conference_and_after_it() {
    let mut lab = Lab::new(31);
    let alice = lab.registered_phone("1001");
    let before = make_flow(&mut lab, vec![action(1, "answer", []), action(2, "beep", [])]);
    let after = make_flow(&mut lab, vec![action(3, "digits_send", [("digits", "7".into())])]);
    let new = NewConference {
        data: ConferenceData { extension: Some("800".into()), loudest: None, tones: false },
        pre_flow_id: Some(before),
        post_flow_id: Some(after),
        ..NewConference::default()
    };
    let Ok(Reply::Conference(made)) = lab.command(Command::CreateConference(new)) else { panic!("it can be made") };
    lab[alice].call("800");
    lab.run_until(|lab| lab.facts.count("conferencecall_joined") == 1);
    assert!(lab.command(Command::DeleteConference(made.id)).is_ok());
    lab.run_until(|lab| is_over(lab, alice));
    lab.finish();
    assert_eq!(ran(&lab), ["fetch_flow", "answer", "beep", "confbridge_join", "fetch_flow", "digits_send"]);
    let (ended, call) = (ended(&lab), hung_up(&lab));
    assert_eq!((ended.flow_id, call.flow_id), (None, None), "no flow of the kept ones began it");
    assert_eq!(call.destination.target, made.id.to_string());

    // While the conference leads through it, it stays.
    let data = ConferenceData { extension: Some("801".into()), loudest: None, tones: false };
    let new = NewConference { data, pre_flow_id: Some(before), ..NewConference::default() };
    let Ok(Reply::Conference(second)) = lab.command(Command::CreateConference(new)) else { panic!("it can be made") };
    assert!(matches!(lab.command(Command::DeleteFlow(before)), Err(Rejection::InUse(_))));
    let change = ConferenceChange { pre_flow_id: Some(None), ..ConferenceChange::default() };
    assert!(lab.command(Command::UpdateConference(second.id, change)).is_ok());
    assert!(lab.command(Command::DeleteFlow(before)).is_ok());
    lab[alice].call("801");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab[alice].hang_up();
    lab.finish();
    assert_eq!(lab.facts.count("activeflow_created"), 1);
}

#[test]
fn a_flow_before_a_conference_must_be_there() {
    let mut lab = Lab::new(32);
    let gone = Some(Uuid::from_u128(77));
    let new = NewConference { post_flow_id: gone, ..NewConference::default() };
    let refused = Rejection::Invalid { field: "post_flow_id", reason: "there is no such flow" };
    assert_eq!(lab.command(Command::CreateConference(new)), Err(refused));
    let Ok(Reply::Conference(made)) = lab.command(Command::CreateConference(NewConference::default())) else {
        panic!("it can be made")
    };
    let change = ConferenceChange { pre_flow_id: Some(gone), ..ConferenceChange::default() };
    let refused = Rejection::Invalid { field: "pre_flow_id", reason: "there is no such flow" };
    assert_eq!(lab.command(Command::UpdateConference(made.id, change)), Err(refused));
}

#[test]
fn whom_a_flow_rings_or_talks_to_may_be_replaced_and_the_flow_goes_on_after() {
    for is_up in [false, true] {
        let actions = vec![action(1, "answer", []), connect(2, &["1002"], []), connect(3, &["1002"], [])];
        let (mut lab, [alice, bob, carol]) = office(6, actions);
        lab[alice].call("500");
        lab.run_until(|lab| lab[bob].is(State::Ringing));
        if is_up {
            lab[bob].answer();
            lab.run_for(seconds(2));
        }
        let place = lab[bob].last().dialog.replaces();
        lab[carol].pick_up("1002", &place);
        lab.run_until(|lab| lab[carol].is(State::Up) && is_over(lab, bob));
        lab.run_for(seconds(2));
        assert!(lab.hears(alice, carol) && lab.hears(carol, alice), "{is_up}\n{}", lab.ladder());
        lab[carol].hang_up();
        lab.run_until(|lab| lab[bob].is(State::Ringing));
        lab[bob].answer();
        lab.run_for(seconds(2));
        assert!(lab.hears(alice, bob), "the next action");
        lab[alice].hang_up();
        lab.finish();
        assert_eq!(lab.counter("index_entries"), 0);
    }
}
