//! `call`: makes a call of its own.

use crate::flow::action::Action;
use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::NewCall;
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "call",
    about: "Makes a call that goes through a flow of its own.",
    options: &[
        Field::new("source", "{}", "who calls; empty: who is called now"),
        Field::new("destinations", "", "whom, a list of addresses"),
        Field::new("flow_id", "", "the flow"),
        Field::new("actions", "[]", "the actions, where there is no flow_id"),
        Field::new("chained", "false", "whether it ends when this call ends"),
        Field::new("early_execution", "false", "whether its flow begins when it rings"),
        Field::new("anonymous", "false", "whether they may not see who calls"),
    ],
    example: r#"{"destinations": [{"type": "extension", "target": "1002"}], "actions": [{"type": "talk", "option": {"text": "There is a caller."}}], "chained": true}"#,
    work: Work::Order(read),
    ..Info::FLOW_GOES_ON
};

fn read(options: &Options) -> Result<Order, Fault> {
    let flow = options.id("flow_id")?;
    let actions = Action::read_list("actions", options.list("actions")?)?;
    if flow.is_none() && actions.is_empty() && options.written("flow_id").is_empty() {
        return Err(Fault::new("flow_id", "is missing, and so are actions"));
    }
    Ok(Order::Call(Box::new(NewCall {
        source: options.address("source").ok().flatten(),
        destinations: options.destinations()?,
        flow,
        actions,
        variables: Vec::new(),
        chained: options.flag("chained")?,
        early_execution: options.flag("early_execution")?,
        anonymous: options.flag("anonymous")?,
    })))
}
