//! `sleep`.

use scenarios::{milliseconds, seconds};

use crate::{example, office, ran, told, waits_at};

#[test]
fn the_flow_waits_for_two_seconds() {
    let (mut lab, alice, _) = office(1, vec![example("sleep")]);
    lab[alice].call("500");
    lab.run_for(milliseconds(1_900));
    assert_eq!(waits_at(&lab).as_deref(), Some("sleep"));
    lab.run_for(milliseconds(300));
    assert_eq!(ran(&lab), ["sleep"]);
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn options_that_are_none_are_named_and_passed_over() {
    let wrong = crate::action("sleep", [("duration", "a while".into())]);
    let (mut lab, alice, _) = office(2, Vec::new());
    // What is kept is looked through; what a web server answers, or a variable becomes, is not.
    let hidden = crate::action("sleep", [("duration", "${nothing}".into())]);
    assert!(matches!(
        lab.command(pbx::Command::CreateFlow(pbx::flow::NewFlow { actions: vec![wrong], ..Default::default() })),
        Err(pbx::Rejection::Flow(_))
    ));
    crate::number(&mut lab, "501", vec![hidden]);
    lab[alice].call("501");
    lab.run_for(seconds(1));
    assert_eq!(told(&lab).last().map(|record| record.running), Some(false));
    lab.finish();
}
