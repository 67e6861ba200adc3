//! Flows in a few words: actions with numbers for ids, and somebody who carries out whatever they order.

use std::sync::Arc;

use pbx::UnixMicros;
use pbx::call::Status;
use pbx::flow::scope::Surroundings;
use pbx::flow::{Action, Activeflow, Advance, End, Order, Outcome, Value, Variables};
use uuid::Uuid;

/// A moment: Wednesday 2026-11-18, 08:30:00 UTC, which is 09:30 in Berlin.
pub const NOW: i64 = 1_794_990_600_000_000;

/// The id of action `number`.
pub fn id(number: u32) -> Uuid {
    Uuid::from_u128(0x1000 + u128::from(number))
}

/// That id as an option.
pub fn target(number: u32) -> Value {
    id(number).to_string().into()
}

/// Action `number` of a flow.
pub fn action<const N: usize>(number: u32, name: &str, option: [(&str, Value); N]) -> Action {
    Action { id: id(number), next_id: None, name: name.into(), option: option.into() }
}

/// An action that shows in [`Run::done`] that it was reached: `beep`.
pub fn mark(number: u32) -> Action {
    action(number, "beep", [])
}

/// What a flow did.
#[derive(Debug)]
pub struct Run {
    /// The flow.
    pub flow: Activeflow,
    /// The actions that were given out to be carried out, by number.
    pub done: Vec<u32>,
    /// What they ordered.
    pub orders: Vec<Order>,
    /// How it ended.
    pub end: End,
}

/// The surroundings of a call that is up.
pub fn around() -> Surroundings<'static> {
    Surroundings { at: UnixMicros(NOW), zone: "Europe/Berlin", call: Some(Status::Progressing), actions: 1_000 }
}

/// A flow before its first action.
pub fn flow(actions: Vec<Action>) -> Activeflow {
    Activeflow::new(Arc::from(actions), Variables::default())
}

/// Runs a flow to its end; every order is carried out.
pub fn run(actions: Vec<Action>) -> Run {
    go_on(flow(actions), around(), |_| Outcome::Done)
}

/// Goes on with a flow to its end; `carry_out` says what comes of each order.
pub fn go_on(mut flow: Activeflow, around: Surroundings, carry_out: impl Fn(&Order) -> Outcome) -> Run {
    let (mut done, mut orders) = (Vec::new(), Vec::new());
    for _ in 0..10_000 {
        match flow.advance(around) {
            Advance::Finished(end) => return Run { flow, done, orders, end },
            Advance::Do(order) => {
                let current = flow.current().expect("what is ordered is an action's order");
                done.push((current.id.as_u128() as u32).wrapping_sub(0x1000));
                let outcome = carry_out(&order);
                orders.push(order);
                if let Some(end) = flow.resume(outcome) {
                    return Run { flow, done, orders, end };
                }
            }
        }
    }
    panic!("it goes round for ever: {done:?}");
}

/// The reason of a flow that failed.
pub fn reason(end: &End) -> &str {
    match end {
        End::Failed { reason, .. } => reason,
        other => panic!("it did not fail: {other:?}"),
    }
}
