//! `variable_set`, and variables wherever they stand.

use pbx::flow::{Order, Value};

use crate::world::{action, mark, run};

#[test]
fn options_are_filled_in_wherever_a_text_stands() {
    let set =
        |number, key: &str, value: &str| action(number, "variable_set", [("key", key.into()), ("value", value.into())]);
    let who = Value::from([("type", "extension".into()), ("target", "${who}".into())]);
    let connect = action(3, "connect", [("destinations", Value::List(vec![who]))]);
    let run = run(vec![set(1, "one", "10"), set(2, "who", "${one}02"), connect]);
    let [Order::Connect(connect)] = run.orders.as_slice() else { panic!("{:?}", run.orders) };
    assert_eq!(connect.destinations[0].target, "1002");
}

#[test]
fn what_cannot_be_set_does_not_stop_the_flow() {
    let reserved = action(1, "variable_set", [("key", "voipbin.call.id".into()), ("value", "x".into())]);
    let mut run = run(vec![reserved, action(2, "variable_set", []), mark(3)]);
    assert_eq!(run.done, [3]);
    let told: Vec<String> = std::iter::from_fn(|| run.flow.poll_executed()).map(|executed| executed.note).collect();
    assert_eq!(told, ["key: names that begin with voipbin. are set by the exchange only", "key: is missing", ""]);
}
