//! What a flow can do: one file for each action, and what all of them have in common.

pub mod ai_summary;
pub mod ai_talk;
pub mod ai_task;
pub mod amd;
pub mod answer;
pub mod beep;
pub mod block;
pub mod branch;
pub mod call;
pub mod condition_call_digits;
pub mod condition_call_status;
pub mod condition_datetime;
pub mod condition_variable;
pub mod confbridge_join;
pub mod conference_join;
pub mod connect;
pub mod conversation_send;
pub mod digits_receive;
pub mod digits_send;
pub mod echo;
pub mod email_send;
pub mod external_media_start;
pub mod external_media_stop;
pub mod fetch;
pub mod fetch_flow;
pub mod goto;
pub mod hangup;
pub mod message_send;
pub mod mute;
pub mod play;
pub mod queue_join;
pub mod record_start;
pub mod record_stop;
pub mod sleep;
pub mod stop;
pub mod talk;
pub mod transcribe_recording;
pub mod transcribe_start;
pub mod transcribe_stop;
pub mod variable_set;
pub mod webhook_send;

use uuid::Uuid;

use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;
use crate::flow::scope::Scope;
use crate::flow::value::Value;
use crate::limits;

/// No action: what VoIPBIN calls the empty one.
pub const EMPTY: Uuid = Uuid::nil();
/// The first action of the list.
pub const START: Uuid = Uuid::from_u128(1);
/// The end of the flow.
pub const FINISH: Uuid = Uuid::from_u128(2);
/// The next action of the list.
pub const NEXT: Uuid = Uuid::from_u128(3);

/// An action of a flow, as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its id, for those who jump to it.
    pub id: Uuid,
    /// The action after it, unless that is the next one of the list.
    pub next_id: Option<Uuid>,
    /// What it does: a name of the [`Catalogue`], or one that nobody knows.
    pub name: String,
    /// How it does that.
    pub option: Value,
}

/// What the exchange knows of an action.
#[derive(Debug, Clone, Copy)]
pub struct Info {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What it does, in a sentence or two.
    pub about: &'static str,
    /// Its options.
    pub options: &'static [Field],
    /// An example of them, as JSON.
    pub example: &'static str,
    /// Whether it is passed over where there is no call.
    pub needs_call: bool,
    /// Whether the flow ends when it fails.
    pub ends_flow: bool,
    /// Whether it takes its time: a loop through it waits for somebody, or something.
    pub rests: bool,
    /// Whether the action after it is ever reached.
    pub goes_on: bool,
    /// Where it may go on instead of at the next action.
    pub targets: fn(&Options) -> Vec<Target>,
    /// What it does.
    pub work: Work,
}

/// An option of an action.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is where nothing is said; empty: nothing.
    pub default: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// An action that another one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The option that names it.
    pub at: String,
    /// Its id.
    pub id: Uuid,
}

/// What an action does.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// Somebody else has to carry it out.
    Order(fn(&Options) -> Result<Order, Fault>),
    /// It is done at once.
    Step {
        /// Reads its options.
        check: fn(&Options) -> Result<(), Fault>,
        /// Does it.
        run: fn(&Options, &mut Scope) -> Result<Step, Fault>,
    },
}

/// What comes after an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The next one.
    Next,
    /// Another one.
    Goto(Uuid),
    /// None.
    Stop,
}

/// All actions, by name.
#[derive(Debug)]
pub struct Catalogue;

const INFOS: &[Info] = &[
    ai_summary::INFO,
    ai_talk::INFO,
    ai_task::INFO,
    amd::INFO,
    answer::INFO,
    beep::INFO,
    block::INFO,
    branch::INFO,
    call::INFO,
    condition_call_digits::INFO,
    condition_call_status::INFO,
    condition_datetime::INFO,
    condition_variable::INFO,
    confbridge_join::INFO,
    conference_join::INFO,
    connect::INFO,
    conversation_send::INFO,
    digits_receive::INFO,
    digits_send::INFO,
    echo::INFO,
    email_send::INFO,
    external_media_start::INFO,
    external_media_stop::INFO,
    fetch::INFO,
    fetch_flow::INFO,
    goto::INFO,
    hangup::INFO,
    message_send::INFO,
    mute::INFO,
    play::INFO,
    queue_join::INFO,
    record_start::INFO,
    record_stop::INFO,
    sleep::INFO,
    stop::INFO,
    talk::INFO,
    transcribe_recording::INFO,
    transcribe_start::INFO,
    transcribe_stop::INFO,
    variable_set::INFO,
    webhook_send::INFO,
];

impl Catalogue {
    /// All of them, by name.
    pub fn all() -> &'static [Info] {
        INFOS
    }

    /// The one with this name, or this other name.
    pub fn find(name: &str) -> Option<&'static Info> {
        INFOS.iter().find(|info| info.name == name || info.aliases.contains(&name))
    }
}

impl Step {
    /// There, or to the next one.
    pub fn to(target: Option<Uuid>) -> Step {
        target.map_or(Step::Next, Step::Goto)
    }
}

impl Field {
    /// An option.
    pub const fn new(name: &'static str, default: &'static str, about: &'static str) -> Field {
        Field { name, default, about }
    }
}

impl Info {
    /// What is done to a call; where it fails, the flow goes on.
    const CALL: Info = Info {
        name: "",
        aliases: &[],
        about: "",
        options: &[],
        example: "{}",
        needs_call: true,
        ends_flow: false,
        rests: false,
        goes_on: true,
        targets: |_| Vec::new(),
        work: Work::Step { check: |_| Ok(()), run: |_, _| Ok(Step::Next) },
    };
    /// What is done to the flow itself; where it fails, the flow ends.
    const FLOW: Info = Info { needs_call: false, ends_flow: true, ..Info::CALL };
    /// What is done beside the flow; where it fails, the flow goes on.
    const FLOW_GOES_ON: Info = Info { ends_flow: false, ..Info::FLOW };
    /// What is possible with a call and without.
    const ANYWHERE: Info = Info { rests: true, ..Info::FLOW_GOES_ON };

    /// Reads the options without doing anything.
    pub fn check(&self, options: &Options) -> Result<(), Fault> {
        match self.work {
            Work::Order(order) => order(options).map(drop),
            Work::Step { check, .. } => check(options),
        }
    }
}

impl Action {
    /// Reads a list of actions. Names that nobody knows, and options that are wrong, are the concern of
    /// [`crate::flow::findings`].
    pub fn read_list(at: &str, values: &[Value]) -> Result<Vec<Action>, Fault> {
        if values.len() > limits::FLOW_ACTIONS {
            return Err(Fault::new(at, format!("are {}, more than {}", values.len(), limits::FLOW_ACTIONS)));
        }
        values.iter().enumerate().map(|(index, value)| Action::read(&format!("{at}[{index}]"), value)).collect()
    }

    fn read(at: &str, value: &Value) -> Result<Action, Fault> {
        if !matches!(value, Value::Map(_)) {
            return Err(Fault::new(at, format!("is {}, not an action", value.kind())));
        }
        let id = |name: &str| match value.get(name) {
            None | Some(Value::Null) => Ok(EMPTY),
            Some(Value::Text(text)) if text.is_empty() => Ok(EMPTY),
            Some(Value::Text(text)) => {
                Uuid::parse_str(text).map_err(|_| Fault::new(format!("{at}.{name}"), "is not a UUID"))
            }
            Some(_) => Err(Fault::new(format!("{at}.{name}"), "is not a UUID")),
        };
        let name = match value.get("type") {
            Some(Value::Text(name)) if !name.is_empty() => name.clone(),
            _ => return Err(Fault::new(format!("{at}.type"), "is missing")),
        };
        let option = match value.get("option") {
            None | Some(Value::Null) => Value::Map(Vec::new()),
            Some(option @ Value::Map(_)) => option.clone(),
            Some(other) => {
                return Err(Fault::new(format!("{at}.option"), format!("is {}, not an object", other.kind())));
            }
        };
        Ok(Action { id: id("id")?, next_id: Some(id("next_id")?).filter(|id| !id.is_nil()), name, option })
    }
}

/// The target of an option that names one action.
fn target_of(options: &Options, name: &str) -> Vec<Target> {
    options.id(name).ok().flatten().map(|id| Target { at: name.into(), id }).into_iter().collect()
}
