//! `connect` to a conference; what it does with phones stands in the stories of flows and of calls.

use lab::State;
use pbx::conference::{ConferenceData, NewConference};
use pbx::flow::{Action, Value};
use pbx::{Command, Reply};
use scenarios::seconds;
use uuid::Uuid;

use crate::{action, address, example, hung_up, ladder, number, office, ran, rest};

fn connect(to: Vec<Value>) -> Action {
    action("connect", [("destinations", Value::List(to))])
}

fn conference(lab: &mut lab::Lab) -> Uuid {
    let data = ConferenceData { extension: Some("800".into()), loudest: None, tones: false };
    match lab.command(Command::CreateConference(NewConference { data, ..NewConference::default() })) {
        Ok(Reply::Conference(made)) => made.id,
        other => panic!("not made: {other:?}"),
    }
}

#[test]
fn the_first_of_two_that_answers_talks_to_the_caller() {
    let (mut lab, alice, bob) = office(1, vec![action("hangup", [])]);
    number(&mut lab, "501", vec![example("connect")]);
    lab[alice].call("501");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    lab[bob].answer();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(ran(&lab), ["connect"]);
    assert!(lab[alice].is(State::Ended));
    lab.finish();
}

#[test]
fn a_call_is_connected_to_a_conference_and_comes_back() {
    let (mut lab, alice, bob) = office(2, Vec::new());
    let id = conference(&mut lab);
    number(&mut lab, "501", vec![connect(vec![address("conference", &id.to_string())]), rest(2_000)]);
    // By its number, and nobody else is rung.
    let both = vec![address("extension", "1001"), address("conference", "800")];
    number(&mut lab, "502", vec![connect(both)]);
    lab[alice].call("501");
    lab.run_for(seconds(1));
    lab[bob].call("502");
    lab.run_for(seconds(2));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    assert_eq!(lab[alice].calls.len(), 1, "it is not rung");
    assert!(matches!(lab.command(Command::DeleteConference(id)), Ok(Reply::Conference(_))));
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Up), "its flow goes on");
    lab.run_for(seconds(3));
    assert!(lab[alice].is(State::Ended) && lab[bob].is(State::Ended));
    lab.finish();
}

#[test]
fn a_conference_that_is_not_there_is_nobody() {
    let (mut lab, alice, _) = office(3, vec![connect(vec![address("conference", "899")]), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["connect", "sleep"]);
    assert!(ladder(&lab).contains("no such conference"), "{}", ladder(&lab));
    assert!(hung_up(&lab).progressing.is_none(), "it was never answered");
    lab.finish();
}
