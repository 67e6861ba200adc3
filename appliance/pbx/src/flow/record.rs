//! The public record of a flow that runs or ran.

use uuid::Uuid;

use crate::UnixMicros;
use crate::flow::action::Action;
use crate::flow::order::Method;

/// What an activeflow runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A call, which goes through it.
    Call,
    /// Somebody who asked for it by API.
    Api,
    /// A recording that is over.
    Recording(Uuid),
    /// Nothing but the flow that it follows.
    Nothing,
}

impl Origin {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Call => "call",
            Origin::Api => "api",
            Origin::Recording(_) => "recording",
            Origin::Nothing => "none",
        }
    }
}

/// A web server that is told of each event of one activeflow, and of the calls that go through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWebhook {
    /// Where.
    pub uri: String,
    /// How.
    pub method: Method,
}

/// What the API shows of an activeflow, what events carry, what is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveflowRecord {
    /// Its id.
    pub id: Uuid,
    /// The flow that runs; none of one that has only actions.
    pub flow_id: Option<Uuid>,
    /// Whether it still runs.
    pub running: bool,
    /// What it runs for.
    pub origin: Origin,
    /// The call that goes through it.
    pub call_id: Option<Uuid>,
    /// The activeflow that it follows.
    pub follows: Option<Uuid>,
    /// The flow that runs after it.
    pub on_complete_flow_id: Option<Uuid>,
    /// The web server that is told of its events.
    pub webhook: Option<EventWebhook>,
    /// The action that runs, its options filled in.
    pub current: Option<Action>,
    /// What it has done, the latest actions; told once it is over.
    pub executed: Vec<Action>,
    /// Why it ended, where it did not come to its end.
    pub failure: Option<String>,
    /// When it began.
    pub created: UnixMicros,
    /// When it changed last.
    pub updated: UnixMicros,
}
