//! Flows and callers that want too much: digits without end, texts that grow without end, loops that never rest.

use lab::State;
use pbx::flow::Action;
use pbx::limits;
use scenarios::{milliseconds, seconds};

use crate::{action, hung_up, office, ran, rest, told};

#[test]
fn digits_that_come_in_floods_are_bounded_and_the_menu_still_works() {
    let wait = action("digits_receive", [("length", 1.into()), ("duration", 1_000.into())]);
    let seen = action("variable_set", [("key", "seen".into()), ("value", "${voipbin.call.digits}".into())]);
    let (mut lab, alice, _) = office(1, vec![action("answer", []), rest(20_000), wait, seen, rest(500)]);
    lab[alice].call("500");
    lab.run_until(|lab| lab[alice].is(State::Up));
    for _ in 0..400 {
        lab[alice].send_digit('7');
        lab.run_for(milliseconds(40));
    }
    lab.run_for(seconds(30));
    assert_eq!(ran(&lab), ["answer", "sleep", "digits_receive", "variable_set", "sleep"]);
    let told = lab.facts.count("dtmf_received");
    assert!(told < 400 && lab.counter("digits_omitted_total") > 0, "{told} of 400 were told");
    assert!(hung_up(&lab).hungup.is_some());
    lab.finish();
}

#[test]
fn a_text_that_doubles_again_and_again_stays_small_enough() {
    let double = |_| action("variable_set", [("key", "a".into()), ("value", "${a}${a}x".into())]);
    let mut actions: Vec<Action> = (0..40).map(double).collect();
    actions.push(rest(1));
    let (mut lab, alice, _) = office(2, actions);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    let over = told(&lab).pop().expect("it is over");
    assert!(!over.running && over.executed.len() == 41);
    let longest = over.executed.iter().map(|action| format!("{:?}", action.option).len()).max().unwrap_or_default();
    assert!(longest <= limits::FILLED_TEXT + 200, "{longest}");
    lab.finish();
}

#[test]
fn a_flow_that_goes_round_without_end_is_ended_and_the_action_named() {
    let mut beat = action("sleep", [("duration", 1.into())]);
    beat.id = uuid::Uuid::from_u128(0x77);
    let next =
        Action { next_id: Some(beat.id), ..action("variable_set", [("key", "a".into()), ("value", "b".into())]) };
    let (mut lab, alice, _) = office(3, vec![action("answer", []), beat, next]);
    lab[alice].call("500");
    lab.run_for(seconds(10));
    assert!(lab[alice].is(State::Ended));
    let failure = told(&lab).pop().and_then(|record| record.failure).expect("it says why");
    assert!(failure.contains("more actions than a flow may run"), "{failure}");
    assert!(failure.starts_with("sleep (") || failure.starts_with("variable_set ("), "{failure}");
    lab.finish();
}
