//! Flows that ask and tell the world: what comes back, what does not, and that no call ever hangs on it.

use std::time::Duration;

use lab::{Lab, PhoneId, State};
use pbx::directory::NewNumber;
use pbx::errand::{Brought, Errand, Speech};
use pbx::flow::action::FINISH;
use pbx::flow::order::{Method, Webhook};
use pbx::flow::{Action, ActiveflowRecord, NewFlow, Value};
use pbx::{Command, EventKind, Rejection, Reply, limits};
use scenarios::{milliseconds, seconds};
use uuid::Uuid;

fn action<const N: usize>(name: &str, option: [(&str, Value); N]) -> Action {
    Action { id: Uuid::nil(), next_id: None, name: name.into(), option: option.into() }
}

fn fetch() -> Action {
    action("fetch", [("event_url", "https://ada:secret@example.com/actions?key=1234".into())])
}

fn webhook(waits: bool) -> Action {
    let option = [
        ("sync", waits.into()),
        ("uri", "http://example.com/told".into()),
        ("data", "from ${voipbin.call.source.target}".into()),
    ];
    action("webhook_send", option)
}

fn rest(duration: i64) -> Action {
    action("sleep", [("duration", duration.into())])
}

/// A lab with a phone, and the number 500, which leads into this flow.
fn office(seed: u64, actions: Vec<Action>) -> (Lab, PhoneId) {
    let mut lab = Lab::new(seed);
    let phone = lab.registered_phone("1001");
    let made = lab.command(Command::CreateFlow(NewFlow { name: "Office".into(), actions, ..NewFlow::default() }));
    let Ok(Reply::Flow(flow)) = made else { panic!("not made: {made:?}") };
    let new = NewNumber { number: "500".into(), call_flow_id: Some(flow.id), ..NewNumber::default() };
    assert!(matches!(lab.command(Command::CreateNumber(new)), Ok(Reply::Number(_))));
    lab.begin_ladder();
    (lab, phone)
}

/// The flow that was told of last.
fn told(lab: &Lab) -> ActiveflowRecord {
    let told = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::ActiveflowUpdated(record) => Some((**record).clone()),
        _ => None,
    });
    told.expect("a flow ran")
}

fn ran(lab: &Lab) -> Vec<String> {
    told(lab).executed.into_iter().map(|action| action.name).collect()
}

/// The labels of the ladder's own steps.
fn labels(lab: &Lab) -> Vec<String> {
    lab.sequences.last().expect("a call is over").steps.iter().map(|step| step.label.clone()).collect()
}

fn answer(status: u16, body: &str) -> Result<Brought, String> {
    Ok(Brought::Answer { status, body: body.into() })
}

#[test]
fn fetched_actions_run_before_what_comes_next() {
    let (mut lab, phone) = office(1, vec![action("answer", []), fetch(), rest(1)]);
    lab.outside.answers =
        Box::new(|_| (seconds(1), Ok(Brought::Actions(vec![action("beep", []), action("mute", [])]))));
    lab[phone].call("500");
    lab.run_for(milliseconds(500));
    assert!(lab[phone].is(State::Up), "the call waits, and is up");
    lab.run_for(seconds(10));
    assert_eq!(ran(&lab), ["answer", "fetch", "beep", "mute", "sleep"]);
    let executed = told(&lab).executed;
    assert!(executed.iter().all(|action| !action.id.is_nil()), "those without an id got one");
    let [Errand::Fetch { url, method, reference, activeflow }] = &lab.outside.asked[..] else { panic!("one errand") };
    assert_eq!((url.as_str(), *method), ("https://ada:secret@example.com/actions?key=1234", Method::Post));
    assert_eq!((Some(*reference), *activeflow), (told(&lab).call_id, told(&lab).id));
    let ladder = format!("{:?}", lab.sequences.last().expect("the call is over"));
    assert!(labels(&lab).contains(&"POST https://example.com/actions?key=…".to_string()), "{:?}", labels(&lab));
    assert!(labels(&lab).contains(&"1000 ms".to_string()));
    assert!(!ladder.contains("secret") && !ladder.contains("1234"), "{ladder}");
    lab.finish();
}

#[test]
fn a_fetch_that_fails_ends_the_flow_and_the_call() {
    let (mut lab, phone) = office(2, vec![action("answer", []), fetch(), action("beep", [])]);
    lab.outside.answers = Box::new(|_| (milliseconds(5), Err("actions[3].type is missing".into())));
    lab[phone].call("500");
    lab.run_for(seconds(5));
    assert!(lab[phone].is(State::Ended));
    assert_eq!(ran(&lab), ["answer", "fetch"]);
    let failure = told(&lab).failure.expect("it failed");
    assert!(failure.starts_with("fetch (") && failure.ends_with("actions[3].type is missing"), "{failure}");
    lab.finish();
}

#[test]
fn a_server_that_never_answers_holds_a_flow_for_so_long_and_no_longer() {
    let (mut lab, phone) = office(3, vec![action("answer", []), webhook(true), fetch()]);
    lab.outside.answers = Box::new(|_| (seconds(300), Err("gave up".into())));
    lab[phone].call("500");
    lab.run_for(limits::ERRAND_WAIT + seconds(1));
    assert_eq!(ran(&lab).len(), 0, "it waits for the fetch now: {:?}", told(&lab));
    assert!(lab[phone].is(State::Up));
    lab.run_for(limits::ERRAND_WAIT);
    assert!(lab[phone].is(State::Ended));
    assert_eq!(ran(&lab), ["answer", "webhook_send", "fetch"]);
    assert_eq!(lab.counter("errands"), 2, "they are on their way still");
    lab.run_for(seconds(300));
    lab.finish();
}

#[test]
fn the_caller_may_go_while_a_server_thinks() {
    let (mut lab, phone) = office(4, vec![action("answer", []), fetch()]);
    lab.outside.answers = Box::new(|_| (seconds(20), Ok(Brought::Actions(vec![action("beep", [])]))));
    lab[phone].call("500");
    lab.run_for(seconds(2));
    lab[phone].hang_up();
    lab.run_for(seconds(5));
    assert_eq!(ran(&lab), ["answer", "fetch"]);
    lab.finish();
}

#[test]
fn the_answer_to_a_webhook_lands_in_variables() {
    let check = |name: &str, value: &str| {
        let option = [
            ("variable", format!("voipbin.webhook.{name}").into()),
            ("value_string", value.into()),
            ("false_target_id", FINISH.to_string().into()),
        ];
        action("condition_variable", option)
    };
    let (mut lab, phone) = office(5, vec![webhook(true), check("status", "201"), check("body", "hello"), rest(1)]);
    lab.outside.answers = Box::new(|_| (milliseconds(30), answer(201, "hello")));
    lab[phone].call("500");
    lab.run_for(seconds(5));
    assert_eq!(ran(&lab), ["webhook_send", "condition_variable", "condition_variable", "sleep"]);
    let expected = Webhook {
        url: "http://example.com/told".into(),
        method: Method::Post,
        data_type: "application/json".into(),
        data: "from 1001".into(),
        waits: true,
    };
    assert_eq!(lab.outside.asked, [Errand::Webhook(Box::new(expected))]);
    lab.finish();
}

#[test]
fn what_nobody_waits_for_is_told_three_times_at_most() {
    let (mut lab, phone) = office(6, vec![action("answer", []), webhook(false), rest(60_000)]);
    lab.outside.answers = Box::new(|_| (milliseconds(30), Err("connection refused".into())));
    lab[phone].call("500");
    lab.run_for(milliseconds(500));
    assert_eq!(told(&lab).current.map(|action| action.name), Some("sleep".into()), "the flow went on");
    lab.run_for(seconds(30));
    assert_eq!(lab.outside.asked.len(), 3);
    assert_eq!(lab.counter("errands"), 0);
    lab[phone].hang_up();
    lab.run_for(seconds(5));
    let tried = labels(&lab).iter().filter(|label| *label == "is tried again").count();
    assert_eq!(tried, 2, "{:?}", labels(&lab));
    lab.finish();
}

#[test]
fn a_slow_server_does_not_hold_up_the_calls_of_others() {
    let (mut lab, phone) = office(7, vec![webhook(true), action("hangup", [])]);
    lab.outside.answers = Box::new(|_| (Duration::from_secs(30), answer(200, "")));
    let others: Vec<PhoneId> = (0..limits::ERRANDS_AT_A_PLACE + 1).map(|_| lab.registered_phone("1002")).collect();
    for other in &others {
        lab[*other].call("500");
    }
    lab.run_for(seconds(1));
    assert_eq!(lab.outside.asked.len(), limits::ERRANDS_AT_A_PLACE);
    let quick = NewFlow {
        actions: vec![action("answer", []), action("fetch", [("event_url", "http://quick.example/".into())])],
        ..NewFlow::default()
    };
    let Ok(Reply::Flow(flow)) = lab.command(Command::CreateFlow(quick)) else { panic!("not made") };
    let new = NewNumber { number: "501".into(), call_flow_id: Some(flow.id), ..NewNumber::default() };
    assert!(lab.command(Command::CreateNumber(new)).is_ok());
    lab.outside.answers = Box::new(|_| (milliseconds(10), Ok(Brought::Actions(Vec::new()))));
    lab[phone].call("501");
    lab.run_for(seconds(1));
    assert!(lab[phone].is(State::Ended));
    lab.run_for(seconds(60));
    lab.finish();
}

fn talk<const N: usize>(text: &str, more: [(&str, Value); N]) -> Action {
    let mut talk = action("talk", more);
    let Value::Map(entries) = &mut talk.option else { panic!("options are an object") };
    entries.push(("text".into(), text.into()));
    talk
}

/// How many texts were to be spoken.
fn spoken(lab: &Lab) -> usize {
    lab.outside.asked.iter().filter(|errand| matches!(errand, Errand::Speak(_))).count()
}

#[test]
fn a_text_is_spoken_and_then_heard_by_whoever_is_answered_for_it() {
    let (mut lab, phone) = office(8, vec![talk("Hello ${voipbin.call.source.target}.", []), rest(1)]);
    lab[phone].call("500");
    lab.run_for(milliseconds(600));
    assert!(lab[phone].is(State::Up), "to be spoken to is to be answered");
    assert!(told(&lab).running, "it takes a second to say");
    lab.run_for(seconds(5));
    assert_eq!(ran(&lab), ["talk", "sleep"]);
    let Some(Errand::Speak(speech)) = lab.outside.asked.first() else { panic!("one text") };
    assert_eq!((speech.text.as_str(), speech.language.as_str()), ("Hello 1001.", "en-US"));
    lab.finish();
}

#[test]
fn a_phone_that_offers_late_is_spoken_to_as_well() {
    let (mut lab, phone) = office(9, vec![talk("Hello.", []), rest(1)]);
    lab[phone].manner.offers_late = true;
    lab[phone].call("500");
    lab.run_for(seconds(5));
    assert_eq!((ran(&lab), spoken(&lab)), (vec!["talk".to_string(), "sleep".into()], 1));
    lab.finish();
}

#[test]
fn a_digit_ends_a_text_that_is_not_even_spoken_yet() {
    let (mut lab, phone) = office(10, vec![talk("One or two?", [("digits_handle", "next".into())]), rest(1_000)]);
    lab.outside.answers = Box::new(|_| (seconds(5), Ok(Brought::Spoken("one.wav".into()))));
    lab[phone].call("500");
    lab.run_for(milliseconds(500));
    lab[phone].press('1');
    lab.run_for(milliseconds(800));
    assert_eq!(told(&lab).current.map(|action| action.name), Some("sleep".into()));
    lab.run_for(seconds(10));
    lab.finish();
}

#[test]
fn what_cannot_be_spoken_is_passed_over_in_time() {
    let long = "x".repeat(limits::SPEECH + 1);
    let (mut lab, phone) = office(11, vec![talk("Hello.", []), talk(&long, []), rest(1)]);
    lab.outside.answers = Box::new(|_| (milliseconds(5), Err("there is nobody to speak".into())));
    lab[phone].call("500");
    lab.run_for(seconds(3));
    assert_eq!((ran(&lab), spoken(&lab)), (vec!["talk".to_string(), "talk".into(), "sleep".into()], 1));
    let said = format!("{:?}", lab.sequences.last().expect("the call is over"));
    assert!(said.contains("the text has 4001 characters, more than 4000"), "{said}");
    lab.finish();
}

#[test]
fn a_program_says_something_to_a_call() {
    let (mut lab, phone) =
        office(12, vec![action("answer", []), talk("Hello.", [("async", true.into())]), rest(9_000)]);
    lab[phone].call("500");
    lab.run_for(milliseconds(500));
    let id = told(&lab).call_id.expect("a call");
    let speech = Speech { text: "Your turn.".into(), ..Speech::default() };
    assert!(matches!(lab.command(Command::Talk(id, speech.clone())), Ok(Reply::Call(_))));
    lab.run_for(seconds(12));
    assert_eq!((ran(&lab), spoken(&lab)), (vec!["answer".to_string(), "talk".into(), "sleep".into()], 2));
    assert_eq!(lab.command(Command::Talk(id, speech)), Err(Rejection::NotFound("call")));
    lab.finish();
}
