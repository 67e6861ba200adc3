//! `record_start`; what is in the files stands in the stories of recordings.

use pbx::EventKind;
use pbx::recording::RecordingRecord;
use scenarios::{milliseconds, seconds};

use crate::{action, example, ladder, office, ran, rest};

fn recordings(lab: &lab::Lab) -> Vec<RecordingRecord> {
    let told = lab.facts.events.iter().filter_map(|event| match &event.kind {
        EventKind::Recording(record) => Some((**record).clone()),
        _ => None,
    });
    told.collect()
}

#[test]
fn the_call_is_recorded_while_the_flow_goes_on_and_its_id_is_known() {
    let seen = action("variable_set", [("key", "seen".into()), ("value", "${voipbin.recording.id}".into())]);
    let actions =
        vec![action("answer", []), example("record_start"), seen, rest(2_000), example("record_stop"), rest(500)];
    let (mut lab, alice, _) = office(1, actions);
    lab[alice].call("500");
    lab.run_for(milliseconds(1_000));
    assert_eq!(crate::waits_at(&lab).as_deref(), Some("sleep"), "it goes on at once");
    let id = recordings(&lab)[0].id;
    lab.run_for(seconds(5));
    assert_eq!(ran(&lab).len(), 6);
    assert!(ladder(&lab).contains(&format!("value: {id}")), "{}", ladder(&lab));
    let last = recordings(&lab).pop().expect("it was recorded");
    assert!(last.ended.is_some() && last.id == id);
    lab.finish();
}

#[test]
fn a_hangup_ends_it() {
    let (mut lab, alice, _) = office(2, vec![action("answer", []), action("recording_start", []), rest(60_000)]);
    lab[alice].call("500");
    lab.run_for(seconds(1));
    lab[alice].hang_up();
    lab.run_for(seconds(3));
    assert!(recordings(&lab).pop().expect("it was recorded").ended.is_some());
    lab.finish();
}

#[test]
fn a_call_that_is_not_answered_is_not_recorded() {
    let (mut lab, alice, _) = office(3, vec![action("record_start", []), action("record_stop", []), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert!(recordings(&lab).is_empty());
    assert_eq!(ran(&lab), ["record_start", "record_stop", "sleep"]);
    lab.finish();
}
