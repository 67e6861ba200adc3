//! `record_stop`: the recording ends, the call does not.

use lab::State;
use pbx::EventKind;
use scenarios::{milliseconds, seconds};

use crate::{action, example, office, ran, rest};

#[test]
fn the_recording_is_over_while_the_call_goes_on() {
    for name in ["record_stop", "recording_stop"] {
        let stop = if name == "record_stop" { example(name) } else { action(name, []) };
        let actions = vec![action("answer", []), action("record_start", []), rest(1_000), stop, rest(3_000)];
        let (mut lab, alice, _) = office(1, actions);
        lab[alice].call("500");
        lab.run_for(milliseconds(2_500));
        let ended = |event: &pbx::Event| match &event.kind {
            EventKind::Recording(record) => record.ended.is_some(),
            _ => false,
        };
        assert!(lab.facts.events.iter().any(ended), "{name}");
        assert!(lab[alice].is(State::Up));
        lab.run_for(seconds(4));
        lab.finish();
    }
}

#[test]
fn where_nothing_is_recorded_there_is_nothing_to_end() {
    let (mut lab, alice, _) = office(2, vec![action("answer", []), example("record_stop"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["answer", "record_stop", "sleep"]);
    lab.finish();
}
