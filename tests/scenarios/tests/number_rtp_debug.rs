//! The audio of calls to a number, looked at closely where its `rtp_debug` is set.

use lab::{Lab, OnInvite, PhoneId, State};
use pbx::directory::{NewNumber, NumberChange};
use pbx::flow::{Action, NewFlow, Value};
use pbx::sequence::StepKind;
use pbx::{Command, Reply};
use scenarios::{milliseconds, seconds};
use uuid::Uuid;

/// A lab in which the number 500 connects to 1002, and whether its calls are looked at.
fn office(seed: u64, rtp_debug: bool) -> (Lab, PhoneId, PhoneId) {
    let mut lab = Lab::new(seed);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    lab[bob].manner.on_invite = OnInvite::Answer;
    let to = Value::from([("type", "extension".into()), ("target", "1002".into())]);
    let option = Value::from([("destinations", Value::List(vec![to]))]);
    let connect = Action { id: Uuid::from_u128(1), next_id: None, name: "connect".into(), option };
    let new = NewFlow { name: "Office".into(), actions: vec![connect], ..NewFlow::default() };
    let Ok(Reply::Flow(flow)) = lab.command(Command::CreateFlow(new)) else { panic!("no flow") };
    let new = NewNumber { number: "500".into(), call_flow_id: Some(flow.id), ..NewNumber::default() };
    let Ok(Reply::Number(number)) = lab.command(Command::CreateNumber(new)) else { panic!("no number") };
    let change = NumberChange { rtp_debug: Some(rtp_debug), ..NumberChange::default() };
    let Ok(Reply::Number(number)) = lab.command(Command::UpdateNumber(number.id, change)) else { panic!("unchanged") };
    assert_eq!(number.rtp_debug, rtp_debug);
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Up) && lab[bob].is(State::Up));
    (lab, alice, bob)
}

/// What was noted of audio, of all phones.
fn noted(lab: &Lab) -> Vec<(String, String)> {
    let steps = lab.sequences[0].steps.iter().filter(|step| step.kind == StepKind::Media);
    let words = steps.map(|step| (step.label.clone(), step.detail.clone()));
    words.filter(|(label, _)| label.starts_with("second ")).collect()
}

#[test]
fn the_first_seconds_are_noted_and_then_the_bad_ones() {
    let (mut lab, alice, _) = office(1, true);
    lab.run_for(seconds(20));
    let index = lab.phones.iter().position(|phone| phone.number == "1001").expect("it is there");
    lab.paths[index].loss = 0.2;
    lab.run_for(seconds(3));
    lab.paths[index].loss = 0.0;
    lab.run_for(seconds(20));
    lab[alice].hang_up();
    lab.finish();
    let noted = noted(&lab);
    let good = noted.iter().filter(|(_, words)| words.starts_with("50 packets came, 50 went, 0 were lost"));
    assert!(good.count() >= 12, "{noted:#?}");
    let lost = noted.iter().filter(|(_, words)| !words.contains(" 0 were lost"));
    assert!((2..=5).contains(&lost.count()), "{noted:#?}");
    assert!((20..=30).contains(&noted.len()), "only those: {noted:#?}");
}

#[test]
fn a_call_that_is_bad_for_long_notes_so_much_and_no_more() {
    let (mut lab, alice, _) = office(2, true);
    let index = lab.phones.iter().position(|phone| phone.number == "1001").expect("it is there");
    lab.paths[index].loss = 0.2;
    lab.run_for(seconds(180));
    lab[alice].hang_up();
    lab.run_for(milliseconds(500));
    lab.paths[index].loss = 0.0;
    lab.finish();
    assert_eq!(noted(&lab).len(), 100);
    let ends = lab.sequences[0].steps.iter().filter(|step| step.label == "call_hungup").count();
    assert_eq!(ends, 2, "there was room for the rest");
}

#[test]
fn other_calls_are_not_looked_at() {
    let (mut lab, alice, _) = office(3, false);
    lab.run_for(seconds(5));
    lab[alice].hang_up();
    lab.finish();
    assert_eq!(noted(&lab), []);
}
