//! What is found wrong with a flow before it runs.

use pbx::flow::{Action, Value, findings};

use crate::world::{action, id, mark, target};

fn found(actions: &[Action]) -> Vec<(String, String, bool)> {
    findings(actions).into_iter().map(|finding| (finding.at, finding.reason, finding.grave)).collect()
}

fn grave(at: &str, reason: &str) -> (String, String, bool) {
    (at.into(), reason.into(), true)
}

fn light(at: &str, reason: &str) -> (String, String, bool) {
    (at.into(), reason.into(), false)
}

#[test]
fn nothing_is_wrong_with_a_menu() {
    let ways = Value::from([("1", target(5)), ("2", target(6))]);
    let to_end = |number| Action { next_id: Some(pbx::flow::action::FINISH), ..mark(number) };
    let flow = [
        action(1, "talk", [("text", "Press 1 or 2, ${voipbin.call.source.target_name}".into())]),
        action(2, "digits_receive", [("length", "${how_many}".into())]),
        action(3, "branch", [("default_target_id", target(4)), ("target_ids", ways)]),
        action(4, "goto", [("target_id", target(1)), ("loop_count", 2.into())]),
        to_end(5),
        to_end(6),
    ];
    assert_eq!(found(&flow), []);
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let flow = [
        action(1, "fly", []),
        action(2, "goto", [("target_id", target(9)), ("loop_count", 1.into())]),
        action(2, "sleep", [("duration", "long".into())]),
        Action { next_id: Some(id(8)), ..action(4, "answer", [("loudly", true.into())]) },
        action(5, "connect", [("destinations", Value::List(vec![Value::from([("type", "pigeon".into())])]))]),
    ];
    assert_eq!(
        found(&flow),
        [
            grave("actions[0].type", "there is no action \"fly\""),
            grave("actions[1].option.target_id", "names no action of this flow"),
            grave("actions[2].id", "is the id of an earlier action too"),
            grave("actions[2].option.duration", "is a string, not a whole number"),
            grave("actions[3].next_id", "names no action of this flow"),
            light("actions[3].option.loudly", "is no option of this action"),
            grave("actions[4].option.destinations[0].type", "is not one of extension, sip, tel, conference, agent"),
            light("actions[4]", "is never reached"),
        ]
    );
}

#[test]
fn what_is_never_reached_is_found() {
    let stop = action(2, "stop", []);
    assert_eq!(found(&[mark(1), stop, mark(3)]), [light("actions[2]", "is never reached")]);
}

#[test]
fn a_loop_that_neither_waits_nor_counts_is_found() {
    let set = |number| action(number, "variable_set", [("key", "x".into())]);
    let back = |number, to| Action { next_id: Some(id(to)), ..set(number) };
    let endless = "goes round for ever: nothing in this loop waits or counts";
    assert_eq!(found(&[set(1), set(2), back(3, 2)]), [grave("actions[1]", endless)]);
    let waits = action(2, "sleep", [("duration", 1_000.into())]);
    assert_eq!(found(&[set(1), waits, back(3, 2)]), [], "it waits");
    let condition = action(1, "condition_variable", [("variable", "x".into()), ("false_target_id", target(1))]);
    assert_eq!(found(&[condition, mark(2)]), [grave("actions[0]", endless)]);
}

#[test]
fn a_thousand_actions_are_looked_through() {
    let flow: Vec<Action> = (0..1_000).map(mark).collect();
    assert_eq!(found(&flow), []);
}

#[test]
fn a_loop_is_found_among_twenty_thousand_ways() {
    let ways = |number: u32| {
        let way = |key: u32| (key.to_string(), target(1_000 + (number + key * 37) % 1_000));
        Value::Map((0..20).map(way).collect())
    };
    let branch = |number: u32| action(1_000 + number, "branch", [("target_ids", ways(number))]);
    let flow: Vec<Action> = (0..1_000).map(branch).collect();
    let found = found(&flow);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.starts_with("goes round for ever"));
}
