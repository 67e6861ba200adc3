//! What flows bring about: calls of their own, flows that follow them, flows without a call.

use lab::{Lab, OnInvite, PhoneId, State};
use pbx::call::{Address, AddressKind, HangupReason};
use pbx::command::NewActiveflow;
use pbx::directory::{NewNumber, NumberChange};
use pbx::flow::order::NewCall;
use pbx::flow::record::Origin;
use pbx::flow::{Action, ActiveflowRecord, NewFlow, Value};
use pbx::{Command, EventKind, Rejection, Reply};
use scenarios::{milliseconds, seconds};
use uuid::Uuid;

fn action<const N: usize>(number: u32, name: &str, option: [(&str, Value); N]) -> Action {
    let id = Uuid::from_u128(0x3000 + u128::from(number));
    Action { id, next_id: None, name: name.into(), option: option.into() }
}

fn extension(number: &str) -> Value {
    Value::from([("type", "extension".into()), ("target", number.into())])
}

/// An action as an option has it.
fn written(name: &str) -> Value {
    Value::from([("type", name.into())])
}

/// `call`, to a phone that waits for the end.
fn call(number: u32, to: &str, chained: bool) -> Action {
    let option = [
        ("destinations", Value::List(vec![extension(to)])),
        ("actions", Value::List(vec![written("answer"), written("block")])),
        ("chained", chained.into()),
    ];
    action(number, "call", option)
}

fn make_flow(lab: &mut Lab, name: &str, actions: Vec<Action>, on_complete_flow_id: Option<Uuid>) -> Uuid {
    let new = NewFlow { name: name.into(), actions, on_complete_flow_id, ..NewFlow::default() };
    match lab.command(Command::CreateFlow(new)) {
        Ok(Reply::Flow(flow)) => flow.id,
        other => panic!("not made: {other:?}"),
    }
}

fn office(seed: u64, actions: Vec<Action>) -> (Lab, [PhoneId; 2]) {
    let mut lab = Lab::new(seed);
    let phones = ["1001", "1002"].map(|number| lab.registered_phone(number));
    let flow = make_flow(&mut lab, "Office", actions, None);
    let new = NewNumber { number: "500".into(), call_flow_id: Some(flow), ..NewNumber::default() };
    assert!(matches!(lab.command(Command::CreateNumber(new)), Ok(Reply::Number(_))));
    (lab, phones)
}

/// The activeflows that are over, in the order in which they ended.
fn ended(lab: &Lab) -> Vec<ActiveflowRecord> {
    let told = lab.facts.events.iter().filter_map(|event| match &event.kind {
        EventKind::ActiveflowUpdated(record) if !record.running => Some((**record).clone()),
        _ => None,
    });
    told.collect()
}

fn run(lab: &mut Lab, new: NewActiveflow) -> ActiveflowRecord {
    match lab.command(Command::CreateActiveflow(Box::new(new))) {
        Ok(Reply::Activeflow(record)) => *record,
        other => panic!("not run: {other:?}"),
    }
}

#[test]
fn a_chained_call_ends_with_the_call_that_made_it_and_another_does_not() {
    for chained in [true, false] {
        let (mut lab, [alice, bob]) =
            office(1, vec![action(1, "answer", []), call(2, "1002", chained), action(3, "block", [])]);
        lab[bob].manner.on_invite = OnInvite::Answer;
        lab[alice].call("500");
        lab.run_until(|lab| lab[bob].is(State::Up));
        lab[alice].hang_up();
        lab.run_for(seconds(2));
        assert_eq!(lab[bob].is(State::Ended), chained, "{}", lab.ladder());
        lab[bob].hang_up();
        lab.finish();
        let records = lab.facts.records();
        let (master, made) = (records[0], records[1]);
        assert_eq!(made.master_call_id, chained.then_some(master.id));
        assert_eq!(master.chained_call_ids, if chained { vec![made.id] } else { vec![] });
        assert_eq!(made.source.target, "500", "whom she called, calls");
    }
}

#[test]
fn a_chained_call_that_rings_still_is_cancelled() {
    let (mut lab, [alice, bob]) =
        office(2, vec![action(1, "answer", []), call(2, "1002", true), action(3, "block", [])]);
    lab[alice].call("500");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    lab[alice].hang_up();
    lab.run_until(|lab| lab[bob].is(State::Ended));
    lab.finish();
    assert_eq!(lab.facts.records()[1].hangup_reason, Some(HangupReason::Cancel));
}

#[test]
fn a_call_that_cannot_be_made_is_said_and_the_flow_goes_on() {
    let (mut lab, [alice, _]) =
        office(3, vec![action(1, "answer", []), call(2, "1999", false), action(3, "hangup", [])]);
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Ended));
    lab.finish();
    let names: Vec<String> = ended(&lab)[0].executed.iter().map(|action| action.name.clone()).collect();
    assert_eq!(names, ["answer", "call", "hangup"]);
    let failed = lab.sequences[0].steps.iter().find(|step| step.label == "could not be done");
    assert_eq!(failed.map(|step| step.detail.as_str()), Some("destinations[0].target: there is no such extension"));
}

#[test]
fn a_flow_runs_without_a_call_and_passes_over_what_needs_one() {
    let (mut lab, [alice, _]) = office(4, vec![action(9, "answer", [])]);
    lab[alice].manner.on_invite = OnInvite::Answer;
    let actions = vec![
        action(1, "answer", []),
        action(2, "play", [("stream_urls", Value::List(vec!["file:x.wav".into()]))]),
        action(3, "variable_set", [("key", "seen".into()), ("value", "${given}".into())]),
        action(4, "sleep", [("duration", 2_000.into())]),
        call(5, "1001", true),
        action(6, "sleep", [("duration", 3_000.into())]),
    ];
    let id = Uuid::from_u128(77);
    let variables = vec![("given".into(), "x".into())];
    let new = NewActiveflow { id: Some(id), actions, variables, ..NewActiveflow::default() };
    let record = run(&mut lab, new.clone());
    assert_eq!((record.id, record.origin, record.call_id), (id, Origin::Api, None));
    let twice = lab.command(Command::CreateActiveflow(Box::new(new)));
    assert_eq!(twice, Err(Rejection::AlreadyExists("activeflow")));
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_until(|lab| lab[alice].is(State::Ended));
    lab.finish();
    let over = ended(&lab).into_iter().find(|record| record.id == id).expect("it ran");
    let names: Vec<&str> = over.executed.iter().map(|action| action.name.as_str()).collect();
    assert_eq!(names, ["answer", "play", "variable_set", "sleep", "call", "sleep"]);
    assert_eq!(over.executed[2].option.get("value"), Some(&Value::Text("x".into())));
}

#[test]
fn a_flow_without_a_call_is_stopped_or_ends_when_its_time_is_over() {
    let mut lab = Lab::with_settings(5, |settings| settings.call_limit = seconds(30));
    let stopped = run(&mut lab, NewActiveflow { actions: vec![action(1, "block", [])], ..NewActiveflow::default() });
    let answer = lab.command(Command::StopActiveflow(stopped.id));
    assert!(matches!(&answer, Ok(Reply::Activeflow(record)) if !record.running), "{answer:?}");
    assert_eq!(lab.command(Command::StopActiveflow(stopped.id)), Err(Rejection::NotFound("activeflow")));
    run(&mut lab, NewActiveflow { actions: vec![action(1, "block", [])], ..NewActiveflow::default() });
    lab.run_for(seconds(31));
    lab.finish();
    assert_eq!(ended(&lab)[1].failure.as_deref(), Some("it has run as long as it may"));
    let nothing = lab.command(Command::CreateActiveflow(Box::default()));
    assert!(matches!(nothing, Err(Rejection::Invalid { field: "flow_id", .. })), "{nothing:?}");
}

#[test]
fn five_flows_follow_one_another_and_no_more() {
    let mut lab = Lab::new(6);
    let note = || {
        vec![
            action(
                1,
                "variable_set",
                [("key", "count".into()), ("value", "${voipbin.activeflow.complete_count}".into())],
            ),
            action(2, "variable_set", [("key", "way".into()), ("value", "${way}.${count}".into())]),
        ]
    };
    let mut next = None;
    for at in (1..=6).rev() {
        next = Some(make_flow(&mut lab, &format!("flow {at}"), note(), next));
    }
    run(&mut lab, NewActiveflow { flow_id: next, ..NewActiveflow::default() });
    lab.finish();
    let over = ended(&lab);
    assert_eq!(over.len(), 5, "the sixth is refused");
    assert!(
        over[4].failure.as_deref().is_some_and(|failure| failure.contains("5 flows have followed")),
        "{:?}",
        over[4]
    );
    for (at, pair) in over.windows(2).enumerate() {
        assert_eq!((pair[1].follows, pair[1].origin), (Some(pair[0].id), Origin::Nothing), "{at}");
    }
    assert_eq!(
        over[4].executed[1].option.get("value"),
        Some(&Value::Text(".0.1.2.3.4".into())),
        "variables go with it"
    );
}

#[test]
fn a_flow_follows_that_of_a_call_and_knows_what_was_pressed() {
    let (mut lab, [alice, _]) = office(7, vec![action(9, "answer", [])]);
    let after = vec![
        action(1, "answer", []),
        action(2, "variable_set", [("key", "seen".into()), ("value", "${voipbin.call.digits}".into())]),
    ];
    let after = make_flow(&mut lab, "After", after, None);
    let receive = action(2, "digits_receive", [("length", 1.into()), ("duration", 5_000.into())]);
    let first =
        make_flow(&mut lab, "First", vec![action(1, "answer", []), receive, action(3, "block", [])], Some(after));
    let Ok(Reply::Number(number)) = lab.command(Command::CreateNumber(NewNumber {
        number: "501".into(),
        call_flow_id: Some(first),
        ..NewNumber::default()
    })) else {
        panic!("501 is free")
    };
    lab[alice].call("501");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(milliseconds(500));
    lab[alice].press('4');
    lab.run_for(seconds(1));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
    assert_eq!(lab.facts.count("dtmf_received"), 1);
    let over = ended(&lab);
    assert_eq!((over.len(), over[1].flow_id, over[1].call_id), (2, Some(after), None));

    let refused = lab.command(Command::DeleteFlow(after));
    assert!(matches!(&refused, Err(Rejection::InUse(words)) if words.contains("First")), "{refused:?}");
    let refused = lab.command(Command::DeleteFlow(first));
    assert!(matches!(&refused, Err(Rejection::InUse(words)) if words.contains("501")), "{refused:?}");
    let change = NumberChange { call_flow_id: Some(None), ..NumberChange::default() };
    assert!(lab.command(Command::UpdateNumber(number.id, change)).is_ok());
    assert!(lab.command(Command::DeleteFlow(first)).is_ok() && lab.command(Command::DeleteFlow(after)).is_ok());
}

#[test]
fn flows_and_numbers_name_only_flows_that_are_there() {
    let mut lab = Lab::new(8);
    let nowhere = Some(Uuid::from_u128(9));
    let flow = NewFlow { actions: vec![action(1, "answer", [])], on_complete_flow_id: nowhere, ..NewFlow::default() };
    let refused = lab.command(Command::CreateFlow(flow));
    assert!(matches!(refused, Err(Rejection::Invalid { field: "on_complete_flow_id", .. })), "{refused:?}");
    let number = NewNumber { number: "500".into(), message_flow_id: nowhere, ..NewNumber::default() };
    let refused = lab.command(Command::CreateNumber(number));
    assert!(matches!(refused, Err(Rejection::Invalid { field: "message_flow_id", .. })), "{refused:?}");
}

#[test]
fn all_flows_together_have_a_limit_in_bytes() {
    let mut lab = Lab::new(9);
    let long = || {
        let text = Value::Text("x".repeat(200_000));
        vec![action(1, "variable_set", [("key", "x".into()), ("value", text)])]
    };
    let mut made = Vec::new();
    let refused = loop {
        let new = NewFlow { actions: long(), ..NewFlow::default() };
        match lab.command(Command::CreateFlow(new)) {
            Ok(Reply::Flow(flow)) => made.push(flow.id),
            other => break other,
        }
    };
    assert!(matches!(refused, Err(Rejection::Exhausted(_))), "{refused:?}");
    assert!((160..170).contains(&made.len()), "{}", made.len());
    assert!(lab.command(Command::DeleteFlow(made[0])).is_ok());
    assert!(lab.command(Command::CreateFlow(NewFlow { actions: long(), ..NewFlow::default() })).is_ok());
}

#[test]
fn a_flow_runs_after_a_recording_with_the_variables_of_the_call() {
    let (mut lab, [alice, _]) = office(10, vec![action(9, "answer", [])]);
    let text = "${colour} ${voipbin.recording.format} ${voipbin.activeflow.reference_type}";
    let after = vec![action(1, "variable_set", [("key", "seen".into()), ("value", text.into())])];
    let after = make_flow(&mut lab, "After", after, None);
    let actions = vec![
        action(1, "answer", []),
        action(2, "record_start", [("on_end_flow_id", after.to_string().into())]),
        action(3, "variable_set", [("key", "colour".into()), ("value", "green".into())]),
        action(4, "sleep", [("duration", 2_000.into())]),
    ];
    let flow = make_flow(&mut lab, "Record", actions, None);
    let new = NewNumber { number: "501".into(), call_flow_id: Some(flow), ..NewNumber::default() };
    assert!(lab.command(Command::CreateNumber(new)).is_ok());
    lab[alice].call("501");
    lab.run_until(|lab| lab.facts.count("activeflow_created") == 2);
    lab.finish();
    let over = ended(&lab).into_iter().find(|record| record.flow_id == Some(after)).expect("it ran");
    assert!(matches!(over.origin, Origin::Recording(_)));
    assert_eq!(over.executed[0].option.get("value"), Some(&Value::Text("green wav recording".into())));
}

#[test]
fn digits_are_sent_to_a_phone_that_was_answered() {
    let mut lab = Lab::new(11);
    let alice = lab.registered_phone("1001");
    let to = Address { kind: AddressKind::Extension, target: "1001".into(), target_name: String::new() };
    let actions = vec![action(1, "block", [])];
    let new = NewCall { destinations: vec![to], actions, ..NewCall::default() };
    let Ok(Reply::Calls(calls, _)) = lab.command(Command::CreateCalls(Box::new(new))) else { panic!("not made") };
    let send =
        |digits: &str, ms| Command::SendDigits { call: calls[0].id, digits: digits.into(), duration: milliseconds(ms) };
    lab.run_until(|lab| lab[alice].is(State::Ringing));
    assert_eq!(lab.command(send("12", 100)), Err(Rejection::NotAnswered));
    lab[alice].answer();
    lab.run_until(|lab| lab[alice].is(State::Up));
    for (digits, ms, field) in
        [("", 100, "digits"), ("12x", 100, "digits"), ("1", 99, "duration"), ("1", 1_001, "duration")]
    {
        let refused = lab.command(send(digits, ms));
        assert!(matches!(refused, Err(Rejection::Invalid { field: at, .. }) if at == field), "{digits}: {refused:?}");
    }
    assert!(matches!(lab.command(send("12#", 160)), Ok(Reply::Call(_))));
    lab.run_for(seconds(2));
    assert_eq!(lab[alice].last().audio.keys_heard(), "12#");
    lab[alice].hang_up();
    lab.finish();
}
