//! `message_send`.

use std::net::SocketAddr;

use lab::{Asking, Lab, PhoneId, State};
use pbx::directory::{ProviderData, Register, RouteData};
use pbx::flow::{Action, Value};
use pbx::message::record::{MessageRecord, TargetStatus};
use pbx::{Command, EventKind, Reply};
use scenarios::seconds;

use crate::{action, address, example, ladder, number, office, ran, rest};

fn message(text: &str, to: Vec<Value>) -> Action {
    action("message_send", [("destinations", Value::List(to)), ("text", text.into())])
}

fn texts(lab: &Lab, phone: PhoneId) -> Vec<String> {
    let asked = lab[phone].requests("MESSAGE");
    asked.iter().map(|request| request.body.clone()).collect()
}

/// What was told of texts, in order.
fn told(lab: &Lab) -> Vec<MessageRecord> {
    let told = lab.facts.events.iter().filter_map(|event| match &event.kind {
        EventKind::MessageCreated(record) | EventKind::MessageUpdated(record) => Some((**record).clone()),
        _ => None,
    });
    told.collect()
}

#[test]
fn every_phone_of_an_extension_gets_the_text() {
    let (mut lab, alice, bob) = office(1, vec![action("answer", []), rest(1)]);
    let second = lab.registered_phone("1001");
    number(&mut lab, "501", vec![example("message_send"), rest(500)]);
    lab[bob].call("501");
    lab.run_for(seconds(3));
    for phone in [alice, second] {
        assert_eq!(texts(&lab, phone), ["1002 called"]);
        let request = lab[phone].requests("MESSAGE")[0].clone();
        assert_eq!(request.need("Content-Type"), "text/plain;charset=UTF-8");
        assert!(request.need("From").contains("sip:501@"), "{}", request.need("From"));
        assert!(request.header("Contact").is_none(), "RFC 3428 §4: it makes no dialog");
    }
    assert_eq!(ran(&lab), ["message_send", "sleep"]);
    let ladder = ladder(&lab);
    assert!(ladder.contains("MESSAGE to sip:1001@"), "{ladder}");
    assert!(ladder.contains("the message was taken: 200 OK"), "{ladder}");
    let told = told(&lab);
    let sending =
        |record: &MessageRecord| record.targets.iter().filter(|one| one.status == TargetStatus::Sending).count();
    assert_eq!(told.iter().map(sending).collect::<Vec<_>>(), [2, 1, 0], "made, and one after the other taken");
    assert!(told[2].targets.iter().all(|target| target.status == TargetStatus::Sent), "{:?}", told[2]);
    assert_eq!((told[2].text.as_str(), told[2].targets[0].destination.target.as_str()), ("1002 called", "1001"));
    lab.finish();
}

#[test]
fn a_flow_that_no_call_goes_through_sends_as_well() {
    let (mut lab, alice, _) = office(2, Vec::new());
    let actions = vec![message("Lunch!", vec![address("extension", "1001")])];
    let new = pbx::command::NewActiveflow { actions, ..Default::default() };
    assert!(matches!(lab.command(Command::CreateActiveflow(Box::new(new))), Ok(Reply::Activeflow(_))));
    lab.run_for(seconds(1));
    assert_eq!(texts(&lab, alice), ["Lunch!"]);
    assert!(lab[alice].requests("MESSAGE")[0].need("From").contains("sip:tandem@"));
    lab.finish();
}

#[test]
fn nobody_is_waited_for_and_who_is_silent_is_seen() {
    let (mut lab, alice, bob) = office(3, vec![message("hello", vec![address("extension", "1002")]), rest(40_000)]);
    lab[bob].manner.answers_requests = false;
    lab[alice].call("500");
    lab.run_for(seconds(1));
    assert_eq!(lab.counter("messages"), 1, "it is on its way");
    lab.run_for(seconds(45));
    assert_eq!((lab.counter("messages"), lab.counter("messages_failed_total")), (0, 1));
    assert!(ladder(&lab).contains("the message was not taken"), "{}", ladder(&lab));
    assert_eq!(told(&lab).last().expect("it was told").targets[0].status, TargetStatus::Failed);
    assert!(lab[alice].is(State::Ended));
    lab.finish();
}

#[test]
fn where_nobody_can_be_reached_the_flow_ends() {
    for (to, reason) in [
        (address("extension", "1009"), "there is no such extension"),
        (address("conference", "700"), "conference takes no messages"),
        (address("tel", "+4930123456"), "no provider leads there"),
    ] {
        let (mut lab, alice, _) = office(4, vec![message("hello", vec![to]), rest(1)]);
        lab[alice].call("500");
        lab.run_for(seconds(2));
        assert_eq!(ran(&lab), ["message_send"]);
        assert!(ladder(&lab).contains(reason), "{}", ladder(&lab));
        lab.finish();
    }
    let long = message(&"x".repeat(901), vec![address("extension", "1002")]);
    let (mut lab, alice, bob) = office(5, vec![long]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert!(ladder(&lab).contains("the text has 901 octets, more than 900"));
    assert!(texts(&lab, bob).is_empty());
    lab.finish();
}

#[test]
fn one_that_can_be_reached_is_enough() {
    let to = vec![address("extension", "1009"), address("extension", "1002")];
    let (mut lab, alice, bob) = office(6, vec![message("hello", to), rest(500)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!((texts(&lab, bob).len(), ran(&lab).len()), (1, 2));
    lab.finish();
}

#[test]
fn a_name_is_looked_up_first() {
    let host: SocketAddr = SocketAddr::from(([192, 0, 2, 9], 5060));
    let (mut lab, alice, _) =
        office(7, vec![message("hello", vec![address("sip", "carol@desk.example.com")]), rest(500)]);
    let carol = lab.stranger("carol", host);
    lab.names.insert("desk.example.com".into(), vec![host]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(texts(&lab, carol), ["hello"]);
    assert!(lab[carol].requests("MESSAGE")[0].need("To").contains("sip:carol@desk.example.com"));
    lab.finish();
    let (mut lab, alice, _) =
        office(8, vec![message("hello", vec![address("sip", "carol@gone.example.com")]), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(8));
    assert!(ladder(&lab).contains("nobody knows where gone.example.com is"), "{}", ladder(&lab));
    lab.finish();
}

#[test]
fn a_provider_that_asks_for_our_password_gets_it() {
    let at = SocketAddr::from(([192, 0, 2, 1], 5060));
    let (mut lab, alice, _) = office(9, vec![message("hello", vec![address("tel", "+4930123456")]), rest(1_000)]);
    let provider = lab.stranger("provider", at);
    lab[provider].manner.asking = Some(Asking::of("box", "open sesame"));
    let (username, password) = ("box".to_string(), "open sesame".to_string());
    let register = Some(Register { realm: String::new(), username, password, expires: 0 });
    let data = ProviderData { hostname: at.ip().to_string(), register, ..ProviderData::default() };
    let Ok(Reply::Provider(made)) = lab.command(Command::CreateProvider(Box::new(data))) else { panic!("not made") };
    let data = RouteData { provider_id: made.provider.id, target: "all".into(), ..RouteData::default() };
    assert!(matches!(lab.command(Command::CreateRoute(Box::new(data))), Ok(Reply::Route(_))));
    lab[alice].call("500");
    lab.run_for(seconds(3));
    let asked = lab[provider].requests("MESSAGE");
    assert_eq!(asked.len(), 2, "once to be asked, once with the password");
    assert!(asked[1].header("Authorization").is_some() || asked[1].header("Proxy-Authorization").is_some());
    assert!(asked[1].need("From").contains("sip:box@"), "{}", asked[1].need("From"));
    assert!(ladder(&lab).contains("the message was taken"), "{}", ladder(&lab));
    lab.finish();
}
