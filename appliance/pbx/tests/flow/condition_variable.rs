//! `condition_variable`: on at the next action if it holds, elsewhere if not.

use pbx::flow::Value;

use crate::world::{action, mark, reason, run, target};

/// Whether a condition holds of the variable `x`.
fn holds<const N: usize>(text: &str, written: &str, option: [(&str, Value); N]) -> bool {
    let set = action(1, "variable_set", [("key", "x".into()), ("value", text.into())]);
    let mut condition = action(2, "condition_variable", option);
    let Value::Map(entries) = &mut condition.option else { panic!("options are an object") };
    entries.push(("variable".into(), written.into()));
    entries.push(("false_target_id".into(), target(4)));
    let stop = action(5, "stop", []);
    run(vec![set, condition, mark(3), stop, mark(4)]).done == [3]
}

#[test]
fn strings_are_compared() {
    for (condition, expected) in [
        ("==", [false, true, false]),
        ("!=", [true, false, true]),
        ("<", [true, false, false]),
        (">=", [false, true, true]),
    ] {
        for (text, expected) in ["a", "b", "c"].into_iter().zip(expected) {
            let found = holds(text, "${x}", [("condition", condition.into()), ("value_string", "b".into())]);
            assert_eq!(found, expected, "{text} {condition} b");
        }
    }
}

#[test]
fn a_name_means_the_variable_with_braces_and_without() {
    for written in ["x", "${x}"] {
        assert!(holds("yes", written, [("value_string", "yes".into())]), "{written}");
        assert!(!holds("no", written, [("value_string", "yes".into())]), "{written}");
    }
}

#[test]
fn numbers_are_compared_as_numbers() {
    let number = |text: &str, condition: &str| {
        let option = [("value_type", "number".into()), ("value_number", 10.into()), ("condition", condition.into())];
        holds(text, "x", option)
    };
    assert!(number("9", "<") && number("10.0", "==") && number(" 11 ", ">"));
    assert!(!number("nine", "<") && !number("", "==") && number("nine", "!="));
}

#[test]
fn lengths_are_counted_in_characters() {
    let long = |text: &str| {
        holds(text, "x", [("value_type", "length".into()), ("value_length", 3.into()), ("condition", ">=".into())])
    };
    assert!(!long("äö") && long("äöü") && long("äöüß"));
}

#[test]
fn a_condition_that_nobody_knows_ends_the_flow_and_is_named() {
    let condition = action(
        2,
        "condition_variable",
        [("condition", "~".into()), ("variable", "x".into()), ("false_target_id", target(2))],
    );
    assert_eq!(reason(&run(vec![condition]).end), "condition: is not one of ==, !=, >, >=, <, <=");
}
