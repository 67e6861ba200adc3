//! The flows that are kept: made once, run by every call that they are set for.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::command::{Rejection, Reply};
use crate::conference::Conference;
use crate::context::Context;
use crate::directory::extension::validate_text;
use crate::event::EventKind;
use crate::flow::action::Action;
use crate::flow::findings::{Finding, findings};
use crate::{UnixMicros, limits};

/// A flow as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Its id, for ever.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// What is done, in this order unless an action says otherwise.
    pub actions: Arc<[Action]>,
    /// The flow that runs after it.
    pub on_complete_flow_id: Option<Uuid>,
    /// When it was made.
    pub created: UnixMicros,
    /// When it was last changed.
    pub updated: UnixMicros,
    /// When it was deleted.
    pub deleted: Option<UnixMicros>,
}

impl Flow {
    /// A flow that is run once and not kept.
    pub fn temporary(name: &str, actions: Vec<Action>, at: UnixMicros) -> Flow {
        Flow {
            id: Uuid::nil(),
            name: name.into(),
            detail: String::new(),
            actions: actions.into(),
            on_complete_flow_id: None,
            created: at,
            updated: at,
            deleted: None,
        }
    }

    /// Its id, if it is kept.
    pub fn kept_id(&self) -> Option<Uuid> {
        Some(self.id).filter(|id| !id.is_nil())
    }
}

/// What [`crate::Command::CreateFlow`] needs, and [`crate::Command::UpdateFlow`] replaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewFlow {
    /// See [`Flow::name`].
    pub name: String,
    /// See [`Flow::detail`].
    pub detail: String,
    /// See [`Flow::actions`]; those without an id get one.
    pub actions: Vec<Action>,
    /// See [`Flow::on_complete_flow_id`].
    pub on_complete_flow_id: Option<Uuid>,
}

/// All flows.
#[derive(Debug, Default)]
pub struct Flows {
    by_id: FxHashMap<Uuid, Flow>,
    /// What the actions of all of them take in memory, about.
    weight: usize,
}

impl Flows {
    /// The flow with this id.
    pub fn get(&self, id: Uuid) -> Option<&Flow> {
        self.by_id.get(&id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Takes up what the store remembers.
    pub fn restore(&mut self, flows: Vec<Flow>) {
        for flow in flows.into_iter().filter(|flow| flow.deleted.is_none()) {
            self.keep(flow);
        }
    }

    /// What the actions of all flows take in memory, about, in bytes.
    pub fn weight(&self) -> usize {
        self.weight
    }

    fn keep(&mut self, flow: Flow) {
        self.weight += weigh(&flow.actions);
        if let Some(before) = self.by_id.insert(flow.id, flow) {
            self.weight -= weigh(&before.actions);
        }
    }

    /// Whether there is room for these actions, where others go.
    fn refuse_too_heavy(&self, actions: &[Action], gone: usize) -> Result<(), Rejection> {
        match self.weight - gone + weigh(actions) > limits::FLOWS_WEIGHT {
            true => Err(Rejection::Exhausted("all flows together are as long as the exchange can hold")),
            false => Ok(()),
        }
    }
}

/// What actions take in memory, about, in bytes.
fn weigh(actions: &[Action]) -> usize {
    actions.iter().map(|action| size_of::<Action>() + action.name.len() + action.option.weight()).sum()
}

/// Refuses a flow that is to follow and is not there. One that follows itself is, once it is made.
fn refuse_missing_follower(ctx: &Context, next: Option<Uuid>) -> Result<(), Rejection> {
    match next {
        Some(id) if ctx.flows.get(id).is_none() => {
            Err(Rejection::Invalid { field: "on_complete_flow_id", reason: "there is no such flow" })
        }
        _ => Ok(()),
    }
}

impl NewFlow {
    /// Gives an id to each action that has none, and looks for what is wrong.
    fn check(&mut self, ctx: &mut Context) -> Result<(), Rejection> {
        validate_text("name", &self.name)?;
        validate_text("detail", &self.detail)?;
        look_through(ctx, &mut self.actions)
    }
}

/// Gives an id to each action that has none, and refuses a list that cannot be run.
pub fn look_through(ctx: &mut Context, actions: &mut [Action]) -> Result<(), Rejection> {
    if actions.len() > limits::FLOW_ACTIONS {
        return Err(Rejection::Invalid { field: "actions", reason: "are more than a flow may have" });
    }
    for action in actions.iter_mut().filter(|action| action.id.is_nil()) {
        action.id = ctx.uuid();
    }
    let grave: Vec<Finding> = findings(actions).into_iter().filter(|finding| finding.grave).collect();
    if grave.is_empty() { Ok(()) } else { Err(Rejection::Flow(grave)) }
}

/// Makes a flow.
pub fn create(ctx: &mut Context, mut new: NewFlow) -> Result<Reply, Rejection> {
    new.check(ctx)?;
    if ctx.flows.len() >= limits::FLOWS {
        return Err(Rejection::Exhausted("there are as many flows as the exchange can hold"));
    }
    refuse_missing_follower(ctx, new.on_complete_flow_id)?;
    ctx.flows.refuse_too_heavy(&new.actions, 0)?;
    let at = ctx.unix();
    let NewFlow { name, detail, actions, on_complete_flow_id } = new;
    let (id, actions) = (ctx.uuid(), actions.into());
    let made = Flow { id, name, detail, actions, on_complete_flow_id, created: at, updated: at, deleted: None };
    ctx.flows.keep(made.clone());
    ctx.event(EventKind::FlowCreated(Box::new(made.clone())));
    Ok(Reply::Flow(Box::new(made)))
}

/// Changes a flow. Calls that run it go on with it as it was.
pub fn update(ctx: &mut Context, id: Uuid, mut new: NewFlow) -> Result<Reply, Rejection> {
    if ctx.flows.get(id).is_none() {
        return Err(Rejection::NotFound("flow"));
    }
    new.check(ctx)?;
    refuse_missing_follower(ctx, new.on_complete_flow_id)?;
    let at = ctx.unix();
    let flow = ctx.flows.get(id).ok_or(Rejection::NotFound("flow"))?;
    ctx.flows.refuse_too_heavy(&new.actions, weigh(&flow.actions))?;
    let NewFlow { name, detail, actions, on_complete_flow_id } = new;
    let (created, actions) = (flow.created, actions.into());
    let changed = Flow { id, name, detail, actions, on_complete_flow_id, created, updated: at, deleted: None };
    ctx.flows.keep(changed.clone());
    ctx.event(EventKind::FlowUpdated(Box::new(changed.clone())));
    Ok(Reply::Flow(Box::new(changed)))
}

/// Deletes a flow that no number and no conference leads to, and that follows no other.
pub fn delete(ctx: &mut Context, id: Uuid) -> Result<Reply, Rejection> {
    if let Some(number) = ctx.numbers.leading_to(id) {
        return Err(Rejection::InUse(format!("the number {number} leads to the flow")));
    }
    if let Some(conference) = ctx.conferences.led_through(id) {
        let Conference { id, name, .. } = conference;
        return Err(Rejection::InUse(format!("the conference {id} ({name}) leads through the flow")));
    }
    let mut others = ctx.flows.by_id.values().filter(|flow| flow.id != id && flow.on_complete_flow_id == Some(id));
    if let Some(other) = others.next() {
        return Err(Rejection::InUse(format!("the flow follows the flow {} ({})", other.id, other.name)));
    }
    let at = ctx.unix();
    let mut flow = ctx.flows.by_id.remove(&id).ok_or(Rejection::NotFound("flow"))?;
    ctx.flows.weight -= weigh(&flow.actions);
    (flow.updated, flow.deleted) = (at, Some(at));
    ctx.event(EventKind::FlowDeleted(Box::new(flow.clone())));
    Ok(Reply::Flow(Box::new(flow)))
}
