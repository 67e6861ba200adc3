//! `fetch`, `fetch_flow`, `webhook_send` and `talk` by their examples; what they do stands in the stories of errands and of flows.

use pbx::errand::{Brought, Errand};
use pbx::flow::order::Method;
use scenarios::{milliseconds, seconds};

use crate::{action, example, ladder, number, office, ran, rest};

#[test]
fn a_web_server_is_told_and_its_answer_is_known() {
    let seen = action("variable_set", [("key", "seen".into()), ("value", "${voipbin.webhook.body}".into())]);
    let (mut lab, alice, _) = office(1, vec![example("webhook_send"), seen, rest(1)]);
    lab.outside.answers = Box::new(|_| (milliseconds(10), Ok(Brought::Answer { status: 200, body: "noted".into() })));
    lab[alice].call("500");
    lab.run_for(seconds(3));
    let [Errand::Webhook(webhook)] = &lab.outside.asked[..] else { panic!("one errand: {:?}", lab.outside.asked) };
    assert_eq!((webhook.method, webhook.data.as_str(), webhook.waits), (Method::Post, r#"{"caller": "1001"}"#, true));
    assert!(ladder(&lab).contains("value: noted"), "{}", ladder(&lab));
    lab.finish();
}

#[test]
fn a_web_server_says_what_comes_next() {
    let (mut lab, alice, _) = office(2, vec![example("fetch"), rest(1)]);
    lab.outside.answers = Box::new(|_| (milliseconds(10), Ok(Brought::Actions(vec![action("beep", [])]))));
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["fetch", "beep", "sleep"]);
    lab.finish();
}

#[test]
fn a_flow_that_is_not_there_ends_the_one_that_wants_it() {
    let (mut lab, alice, _) = office(3, vec![example("fetch_flow"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(1));
    assert_eq!(ran(&lab), ["fetch_flow"]);
    lab.finish();
}

#[test]
fn the_actions_of_another_flow_run_here() {
    let (mut lab, alice, _) = office(4, vec![action("beep", []), action("beep", [])]);
    let inner = lab.facts.events.iter().find_map(|event| match &event.kind {
        pbx::EventKind::FlowCreated(flow) => Some(flow.id),
        _ => None,
    });
    let inner = inner.expect("it was made").to_string();
    number(&mut lab, "501", vec![action("fetch_flow", [("flow_id", inner.into())]), rest(1)]);
    lab[alice].call("501");
    lab.run_for(seconds(3));
    assert_eq!(ran(&lab), ["fetch_flow", "beep", "beep", "sleep"]);
    lab.finish();
}

#[test]
fn a_text_is_spoken_to_who_is_answered_for_it() {
    let (mut lab, alice, _) = office(5, vec![example("talk"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(5));
    let [Errand::Speak(speech)] = &lab.outside.asked[..] else { panic!("one errand: {:?}", lab.outside.asked) };
    assert_eq!(speech.text, "Good morning, Phone 1001.".replace("Phone 1001", &speech_name(&lab)));
    assert!(crate::hung_up(&lab).progressing.is_some());
    lab.finish();
}

/// The name that the caller has in the directory.
fn speech_name(lab: &lab::Lab) -> String {
    crate::hung_up(lab).source.target_name
}
