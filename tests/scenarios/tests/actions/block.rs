//! `block`.

use lab::State;
use pbx::{Command, Reply};
use scenarios::seconds;

use crate::{action, example, office, ran, rest, told, waits_at};

#[test]
fn the_flow_waits_until_it_is_stopped() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("block"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(60));
    assert!(lab[alice].is(State::Up));
    assert_eq!(waits_at(&lab).as_deref(), Some("block"));
    let running = told(&lab).last().expect("a flow runs").id;
    assert!(matches!(lab.command(Command::StopActiveflow(running)), Ok(Reply::Activeflow(_))));
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Ended));
    assert_eq!(ran(&lab), ["answer", "block"]);
    lab.finish();
}
