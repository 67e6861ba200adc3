//! `conference_join` and `confbridge_join`.

use lab::{Lab, State};
use pbx::conference::{ConferenceData, NewConference};
use pbx::flow::Action;
use pbx::{Command, Reply};
use scenarios::seconds;
use uuid::Uuid;

use crate::{action, example, ladder, number, office, ran, rest};

fn conference(lab: &mut Lab) -> Uuid {
    let data = ConferenceData { extension: Some("800".into()), loudest: None, tones: false };
    match lab.command(Command::CreateConference(NewConference { data, ..NewConference::default() })) {
        Ok(Reply::Conference(made)) => made.id,
        other => panic!("not made: {other:?}"),
    }
}

fn join(name: &str, id: Uuid) -> Action {
    let option = if name == "confbridge_join" { "confbridge_id" } else { "conference_id" };
    action(name, [(option, id.to_string().into())])
}

#[test]
fn a_conference_that_is_not_there_is_passed_over() {
    for name in ["conference_join", "confbridge_join"] {
        let (mut lab, alice, _) = office(1, vec![action("answer", []), example(name), rest(1)]);
        lab[alice].call("500");
        lab.run_for(seconds(2));
        assert_eq!(ran(&lab), ["answer", name, "sleep"]);
        assert!(ladder(&lab).contains("there is no such conference"), "{}", ladder(&lab));
        lab.finish();
    }
}

#[test]
fn all_names_lead_into_the_same_room_and_out_of_it() {
    let (mut lab, alice, bob) = office(2, Vec::new());
    let carol = lab.registered_phone("1003");
    let id = conference(&mut lab);
    for (at, name) in ["conference_join", "conf_join", "confbridge_join"].into_iter().enumerate() {
        number(&mut lab, &format!("51{at}"), vec![join(name, id), rest(2_000)]);
    }
    for (at, phone) in [alice, bob, carol].into_iter().enumerate() {
        lab[phone].call(&format!("51{at}"));
        lab.run_for(seconds(1));
    }
    assert_eq!(lab.counter("conferencecalls"), 3, "{}", lab.ladder());
    assert!(matches!(lab.command(Command::DeleteConference(id)), Ok(Reply::Conference(_))));
    lab.run_for(seconds(1));
    assert!([alice, bob, carol].iter().all(|phone| lab[*phone].is(State::Up)), "their flows go on");
    lab.run_for(seconds(3));
    lab.finish();
}
