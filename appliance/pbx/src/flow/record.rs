//! The public record of a flow that runs or ran.

use uuid::Uuid;

use crate::UnixMicros;
use crate::flow::action::Action;

/// What the API shows of an activeflow, what events carry, what is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveflowRecord {
    /// Its id.
    pub id: Uuid,
    /// The flow that runs; none of one that has only actions.
    pub flow_id: Option<Uuid>,
    /// Whether it still runs.
    pub running: bool,
    /// The call that goes through it.
    pub call_id: Option<Uuid>,
    /// The activeflow that it follows.
    pub follows: Option<Uuid>,
    /// The flow that runs after it.
    pub on_complete_flow_id: Option<Uuid>,
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
