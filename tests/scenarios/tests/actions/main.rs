//! What each action means for the phones and the world: a file for each, the example of its documentation first.

mod amd;
mod answer;
mod bad_input;
mod beep;
mod block;
mod branch;
mod call;
mod condition_call_digits;
mod condition_call_status;
mod condition_datetime;
mod condition_variable;
mod confbridge_join;
mod conference_join;
mod connect;
mod digits_receive;
mod digits_send;
mod echo;
mod email_send;
mod external_media_start;
mod external_media_stop;
mod fetch;
mod fetch_flow;
mod goto;
mod hangup;
mod message_send;
mod mute;
mod not_available;
mod play;
mod record_start;
mod record_stop;
mod sleep;
mod stop;
mod talk;
mod variable_set;
mod webhook_send;

use lab::{Lab, PhoneId};
use pbx::directory::NewNumber;
use pbx::flow::{Action, ActiveflowRecord, Catalogue, NewFlow, Value};
use pbx::{Command, EventKind, Reply};
use uuid::Uuid;

/// An action with these options.
fn action<const N: usize>(name: &str, option: [(&str, Value); N]) -> Action {
    Action { id: Uuid::nil(), next_id: None, name: name.into(), option: option.into() }
}

/// An action with the options of its documentation.
fn example(name: &str) -> Action {
    let info = Catalogue::find(name).expect("it is in the catalogue");
    let text = format!(r#"[{{"type": "{name}", "option": {}}}]"#, info.example);
    store::action::read(text.as_bytes()).expect("examples can be read").remove(0)
}

/// The action with this number as its id, for others to lead there.
fn at(number: u128, action: Action) -> Action {
    Action { id: target_id(number), ..action }
}

fn target_id(number: u128) -> Uuid {
    Uuid::from_u128(0x1000 + number)
}

/// An option that leads to the action with this number.
fn target(number: u128) -> Value {
    target_id(number).to_string().into()
}

/// What is asked for, and the way there: `sleep` if that is so, `beep` if not.
fn either<const N: usize>(name: &str, option: [(&str, Value); N]) -> Vec<Action> {
    let mut condition = action(name, option);
    let Value::Map(entries) = &mut condition.option else { panic!("options are an object") };
    entries.push(("false_target_id".into(), target(1)));
    vec![action("answer", []), condition, rest(1), action("stop", []), at(1, action("beep", []))]
}

/// Whether what [`either`] asks for was so.
fn was_so(lab: &Lab) -> bool {
    ran(lab).iter().any(|name| name == "sleep")
}

#[test]
fn every_action_has_its_file() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/actions");
    for info in Catalogue::all() {
        let is_there = folder.join(format!("{}.rs", info.name)).is_file();
        assert!(is_there != not_available::NOT_YET.contains(&info.name), "{} has no file, or too many", info.name);
    }
}

fn rest(milliseconds: i64) -> Action {
    action("sleep", [("duration", milliseconds.into())])
}

/// A destination.
fn address(kind: &str, target: &str) -> Value {
    Value::from([("type", kind.into()), ("target", target.into())])
}

/// A lab with the phones 1001 and 1002, and the number 500, which leads into this flow.
fn office(seed: u64, actions: Vec<Action>) -> (Lab, PhoneId, PhoneId) {
    let mut lab = Lab::new(seed);
    let phones = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    number(&mut lab, "500", actions);
    lab.begin_ladder();
    (lab, phones.0, phones.1)
}

/// A number that leads into a flow.
fn number(lab: &mut Lab, number: &str, actions: Vec<Action>) {
    let made = lab.command(Command::CreateFlow(NewFlow { name: "Office".into(), actions, ..NewFlow::default() }));
    let Ok(Reply::Flow(flow)) = made else { panic!("not made: {made:?}") };
    let new = NewNumber { number: number.into(), call_flow_id: Some(flow.id), ..NewNumber::default() };
    assert!(matches!(lab.command(Command::CreateNumber(new)), Ok(Reply::Number(_))));
}

/// All that was told of flows.
fn told(lab: &Lab) -> Vec<ActiveflowRecord> {
    let updates = lab.facts.events.iter().filter_map(|event| match &event.kind {
        EventKind::ActiveflowUpdated(record) => Some((**record).clone()),
        _ => None,
    });
    updates.collect()
}

/// The names of the actions that ran in the flow that ended last.
fn ran(lab: &Lab) -> Vec<String> {
    let told = told(lab);
    let over = told.iter().rfind(|record| !record.running).expect("a flow is over");
    over.executed.iter().map(|action| action.name.clone()).collect()
}

/// The action at which the flow that was told of last waits.
fn waits_at(lab: &Lab) -> Option<String> {
    told(lab).pop().and_then(|record| record.current).map(|action| action.name)
}

/// The labels and the remarks of the ladder's steps, of the call that is over.
fn ladder(lab: &Lab) -> String {
    let sequence = lab.sequences.last().expect("a call is over");
    sequence.steps.iter().map(|step| format!("{} {:?}\n", step.label, step)).collect()
}

/// The last record of the call.
fn hung_up(lab: &Lab) -> pbx::call::CallRecord {
    let ended = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::CallHungup(record) if record.master_call_id.is_none() => Some((**record).clone()),
        _ => None,
    });
    ended.expect("the call is over")
}
