//! The actions of VoIPBIN that this box has not yet: each says so at once, and the flow goes on or ends as it does for any failure.

use lab::State;
use pbx::flow::Catalogue;
use scenarios::seconds;

use crate::{action, example, ladder, office, rest, told};

/// Those that are not there yet.
pub(crate) const NOT_YET: [&str; 8] = [
    "ai_summary",
    "ai_talk",
    "ai_task",
    "conversation_send",
    "queue_join",
    "transcribe_recording",
    "transcribe_start",
    "transcribe_stop",
];

#[test]
fn each_is_told_by_an_event_that_names_it() {
    for name in NOT_YET {
        let (mut lab, alice, _) = office(1, vec![action("answer", []), example(name), rest(100)]);
        lab[alice].call("500");
        lab.run_for(seconds(2));
        assert!(lab[alice].is(State::Ended), "{name} holds nobody up");
        let reason = format!("{name} is not available on this box");
        let events = told(&lab);
        let event = events.iter().find(|told| told.running && told.failure.as_deref() == Some(&reason));
        let event = event.unwrap_or_else(|| panic!("no event says “{reason}”: {events:?}"));
        assert_eq!(event.current.as_ref().map(|action| action.name.as_str()), Some(name));
        let info = Catalogue::find(name).expect("it is in the catalogue");
        let last = events.last().expect("there are some");
        let ran: Vec<&str> = last.executed.iter().map(|action| action.name.as_str()).collect();
        match info.ends_flow {
            true => assert_eq!(ran, ["answer", name]),
            false => assert_eq!(ran, ["answer", name, "sleep"]),
        }
        assert!(ladder(&lab).contains(&reason), "{}", ladder(&lab));
        lab.finish();
    }
}
