//! What a step of a flow costs where 10,000 of them run at once, on one core: each sleeps, sets a variable, takes a branch, and
//! sleeps again, 20 times. A step is everything from one action that waits to the next. No sockets, no store: the exchange alone.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use pbx::command::NewActiveflow;
use pbx::flow::{Action, NewFlow, Value};
use pbx::{Command, Input, Output, Pbx, Reply, RequestId, Settings};
use uuid::Uuid;

use crate::histogram::Histogram;
use crate::print;
use crate::server::Prepared;

const FLOWS: u64 = 10_000;

fn action<const N: usize>(number: u128, name: &str, option: [(&str, Value); N]) -> Action {
    Action { id: Uuid::from_u128(0x100 + number), next_id: None, name: name.into(), option: option.into() }
}

fn id(number: u128) -> Value {
    Uuid::from_u128(0x100 + number).to_string().into()
}

/// Gives an input and drains the outputs; the reply, if there is one.
fn give(pbx: &mut Pbx, now: Duration, input: Option<Input>) -> Option<Reply> {
    match input {
        Some(input) => pbx.handle(now, input),
        None => pbx.handle_timeout(now),
    }
    let mut reply = None;
    while let Some(output) = pbx.poll_output() {
        if let Output::Reply(_, answer) = output {
            reply = Some(answer.expect("it can be done"));
        }
    }
    reply
}

/// How long a step takes.
pub fn measure(_: &Prepared) -> Result<()> {
    let settings = Settings { flow_actions: 1_000, call_limit: Duration::from_secs(3_600), ..Settings::default() };
    let mut pbx = Pbx::new(settings, [7; 32]);
    give(&mut pbx, Duration::ZERO, Some(Input::Clock(Duration::from_secs(1_800_000_000))));
    let actions = vec![
        action(1, "sleep", [("duration", 1_000.into())]),
        action(2, "variable_set", [("key", "seen".into()), ("value", "${seen} and ${voipbin.activeflow.id}".into())]),
        action(
            3,
            "branch",
            [("variable", "seen".into()), ("default_target_id", id(4)), ("target_ids", Value::from([("x", id(1))]))],
        ),
        action(4, "goto", [("target_id", id(1)), ("loop_count", 19.into())]),
    ];
    let new = Command::CreateFlow(NewFlow { actions, ..NewFlow::default() });
    let Some(Reply::Flow(flow)) = give(&mut pbx, Duration::ZERO, Some(Input::Command(RequestId(0), new))) else {
        bail!("no flow was made")
    };
    for number in 0..FLOWS {
        let new = NewActiveflow { flow_id: Some(flow.id), ..NewActiveflow::default() };
        // Each wakes at a moment of its own, so that each step is measured by itself.
        let now = Duration::from_micros(number * 50);
        give(&mut pbx, now, Some(Input::Command(RequestId(number), Command::CreateActiveflow(Box::new(new)))));
    }
    let mut steps = Histogram::default();
    while let Some(deadline) = pbx.poll_timeout().filter(|deadline| deadline.at < Duration::from_secs(3_000)) {
        let start = Instant::now();
        give(&mut pbx, deadline.at, None);
        if deadline.reason == "flow" {
            steps.add(start.elapsed());
        }
    }
    if steps.len() < 20 * FLOWS as usize {
        bail!("{} steps of {FLOWS} flows", steps.len());
    }
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
        print(&format!("flow_step_{name}"), steps.milliseconds(share) * 1e3, "µs");
    }
    Ok(())
}
