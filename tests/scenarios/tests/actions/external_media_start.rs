//! `external_media_start`.

use lab::{Lab, OnInvite};
use pbx::flow::{Action, Value};
use scenarios::{milliseconds, seconds};

use crate::{action, address, example, ladder, office, ran, rest};

fn start<const N: usize>(host: &str, more: [(&str, Value); N]) -> Action {
    let mut start = action("external_media_start", more);
    let Value::Map(entries) = &mut start.option else { panic!("options are an object") };
    entries.push(("external_host".into(), host.into()));
    start
}

fn stop() -> Action {
    example("external_media_stop")
}

/// Whether nothing was ordered of the engine that it could not do.
fn is_clean(lab: &Lab) -> bool {
    lab.engine.counters().refused_commands == 0
}

#[test]
fn a_program_listens_until_it_is_told_to_stop() {
    let actions =
        vec![action("answer", []), example("external_media_start"), rest(1_000), stop(), rest(1_000), stop(), rest(1)];
    let (mut lab, alice, _) = office(1, actions);
    lab[alice].call("500");
    lab.run_for(milliseconds(600));
    assert_eq!((lab.counter("programs"), lab.engine.counters().streams), (1, 2));
    lab.run_for(seconds(1));
    assert_eq!((lab.counter("programs"), lab.engine.counters().streams), (0, 1));
    lab.run_for(seconds(3));
    assert_eq!(ran(&lab).len(), 7);
    let ladder = ladder(&lab);
    assert!(ladder.contains("a program at 192.0.2.7:9092"), "{ladder}");
    assert!(ladder.contains("no program listens to the call"), "{ladder}");
    assert!(is_clean(&lab));
    lab.finish();
}

#[test]
fn a_program_goes_with_the_call_and_through_a_connect() {
    let to = Value::List(vec![address("extension", "1002")]);
    let both = [("direction_listen", "both".into()), ("direction_speak", "both".into())];
    let actions = vec![action("answer", []), start("192.0.2.7:9092", both), action("connect", [("destinations", to)])];
    let (mut lab, alice, bob) = office(2, actions);
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!((lab.counter("programs"), lab.engine.counters().streams), (1, 3));
    lab[alice].hang_up();
    lab.run_for(seconds(2));
    assert_eq!(lab.counter("programs"), 0);
    assert!(is_clean(&lab));
    lab.finish();
}

#[test]
fn what_cannot_be_is_said_and_passed_over() {
    for (start, reason) in [
        (start("192.0.2.7", []), "external_host is not host:port"),
        (start("0.0.0.0:9", []), "no address that a program can have"),
        (start("gone.example.com:9092", []), "nobody knows where gone.example.com is"),
        (start("192.0.2.7:9", [("direction_listen", "none".into())]), "neither listen nor speak"),
        (start("192.0.2.7:9", [("encapsulation", "audiosocket".into())]), "audiosocket is not available on this box"),
    ] {
        let (mut lab, alice, _) = office(3, vec![action("answer", []), start, rest(1)]);
        lab[alice].call("500");
        lab.run_for(seconds(8));
        assert_eq!(ran(&lab), ["answer", "external_media_start", "sleep"]);
        assert!(ladder(&lab).contains(reason), "{reason}: {}", ladder(&lab));
        assert!(is_clean(&lab));
        lab.finish();
    }
}

#[test]
fn there_is_one_program_for_a_call_and_none_before_an_answer() {
    let first = start("192.0.2.7:9092", []);
    let (mut lab, alice, _) = office(4, vec![first.clone(), action("answer", []), first.clone(), first, rest(500)]);
    lab[alice].call("500");
    lab.run_for(milliseconds(500));
    assert_eq!(lab.counter("programs"), 1);
    lab.run_for(seconds(3));
    let ladder = ladder(&lab);
    assert!(ladder.contains("the call is not answered"), "{ladder}");
    assert!(ladder.contains("a program listens to the call already"), "{ladder}");
    lab.finish();
}
