//! `digits_receive`: what it orders, and what of its options it refuses.

use std::time::Duration;

use pbx::flow::Order;
use pbx::flow::digits::Until;

use crate::world::{action, run};

#[test]
fn it_asks_for_digits() {
    let asked = action(1, "digits_receive", [("duration", 3_000.into()), ("length", 4.into()), ("key", "#".into())]);
    let until = Until { length: 4, keys: "#".into(), duration: Duration::from_secs(3) };
    assert_eq!(run(vec![asked]).orders, [Order::ReceiveDigits(until)]);
}

#[test]
fn numbers_may_come_from_variables() {
    let set = action(1, "variable_set", [("key", "wait".into()), ("value", "2500".into())]);
    let asked = action(2, "digits_receive", [("duration", "${wait}".into()), ("length", 1.into())]);
    let until = Until { length: 1, keys: String::new(), duration: Duration::from_millis(2_500) };
    assert_eq!(run(vec![set, asked]).orders, [Order::ReceiveDigits(until)]);
}

#[test]
fn what_it_cannot_read_is_passed_over_and_told() {
    let asked = action(1, "digits_receive", [("key", "x".into())]);
    let mut run = run(vec![asked]);
    assert_eq!(run.orders, []);
    let told = run.flow.poll_executed().expect("it was tried");
    assert_eq!(told.note, "key: 'x' is not a key of a telephone");
}
