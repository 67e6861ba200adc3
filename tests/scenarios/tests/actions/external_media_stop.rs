//! `external_media_stop`: the program hears no more. What it heard before is told with `external_media_start`.

use scenarios::{milliseconds, seconds};

use crate::{action, example, ladder, office, rest};

#[test]
fn the_program_is_let_go_and_the_call_goes_on() {
    let start = example("external_media_start");
    let actions = vec![action("answer", []), start, rest(500), example("external_media_stop"), rest(1_000)];
    let (mut lab, alice, _) = office(1, actions);
    lab[alice].call("500");
    lab.run_for(milliseconds(300));
    assert_eq!(lab.counter("programs"), 1);
    lab.run_for(milliseconds(600));
    assert_eq!((lab.counter("programs"), lab.engine.counters().streams), (0, 1));
    lab.run_for(seconds(2));
    lab.finish();
}

#[test]
fn where_no_program_listens_that_is_said() {
    let (mut lab, alice, _) = office(2, vec![action("answer", []), example("external_media_stop"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert!(ladder(&lab).contains("no program listens to the call"), "{}", ladder(&lab));
    lab.finish();
}
