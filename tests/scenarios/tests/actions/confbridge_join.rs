//! `confbridge_join`: into a conference by its bridge, past the flows around it. That it leads where `conference_join` leads is told
//! there.

use pbx::conference::NewConference;
use pbx::{Command, Reply};
use scenarios::{milliseconds, seconds};

use crate::{action, example, ladder, number, office, ran, rest};

#[test]
fn a_bridge_that_is_not_there_is_passed_over() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("confbridge_join"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["answer", "confbridge_join", "sleep"]);
    assert!(ladder(&lab).contains("there is no such conference"), "{}", ladder(&lab));
    lab.finish();
}

#[test]
fn the_flow_goes_on_once_the_conference_is_over() {
    let (mut lab, alice, _) = office(2, Vec::new());
    let made = lab.command(Command::CreateConference(NewConference::default()));
    let Ok(Reply::Conference(made)) = made else { panic!("not made: {made:?}") };
    let join = action("confbridge_join", [("confbridge_id", made.id.to_string().into())]);
    number(&mut lab, "501", vec![action("answer", []), join, rest(100)]);
    lab[alice].call("501");
    lab.run_for(seconds(1));
    assert_eq!(lab.counter("conferencecalls"), 1);
    assert!(matches!(lab.command(Command::DeleteConference(made.id)), Ok(Reply::Conference(_))));
    lab.run_for(milliseconds(1_500));
    assert_eq!(ran(&lab), ["answer", "confbridge_join", "sleep"]);
    lab.finish();
}
