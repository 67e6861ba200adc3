//! What is to be run: a flow that is kept, or actions that were written for one call alone.

use std::sync::Arc;

use uuid::Uuid;

use crate::command::Rejection;
use crate::context::Context;
use crate::flow::action::Action;
use crate::flow::flows::Flow;
use crate::flow::order::NewCall;
use crate::flow::record::EventWebhook;
use crate::flow::variables::Variables;
use crate::flow::{Fault, flows};
use crate::limits;

/// A flow before its first action, and what it begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The flow, if it is one that is kept.
    pub flow_id: Option<Uuid>,
    /// What people know it as.
    pub name: String,
    /// What is done.
    pub actions: Arc<[Action]>,
    /// The flow that runs after it.
    pub on_complete_flow_id: Option<Uuid>,
    /// What its variables are at the beginning.
    pub variables: Variables,
    /// The activeflow that it follows.
    pub follows: Option<Uuid>,
    /// The id that its activeflow is to have.
    pub id: Option<Uuid>,
    /// The web server that is told of its events.
    pub webhook: Option<EventWebhook>,
    /// How many activeflows came before it in its chain.
    pub completed: u32,
}

/// An activeflow that is over.
#[derive(Debug)]
pub struct Over<'a> {
    /// Its id.
    pub id: Uuid,
    /// The flow that runs after it.
    pub next: Option<Uuid>,
    /// How many came before it.
    pub completed: u32,
    /// What its variables were in the end.
    pub variables: &'a Variables,
}

impl From<&Flow> for Script {
    fn from(flow: &Flow) -> Script {
        Script {
            flow_id: flow.kept_id(),
            name: flow.name.clone(),
            actions: flow.actions.clone(),
            on_complete_flow_id: flow.on_complete_flow_id,
            variables: Variables::default(),
            follows: None,
            id: None,
            webhook: None,
            completed: 0,
        }
    }
}

impl Script {
    /// Actions that belong to no flow that is kept.
    pub fn of_actions(actions: Vec<Action>) -> Script {
        Script {
            flow_id: None,
            name: "actions of its own".into(),
            actions: actions.into(),
            on_complete_flow_id: None,
            variables: Variables::default(),
            follows: None,
            id: None,
            webhook: None,
            completed: 0,
        }
    }

    /// The flow that is named, or the actions that are given, looked through like those of any flow; `None`: neither.
    pub fn find(
        ctx: &mut Context,
        (flow, mut actions): (Option<Uuid>, Vec<Action>),
        variables: &[(String, String)],
    ) -> Result<Option<Script>, Rejection> {
        let mut script = match flow {
            Some(id) => {
                let missing = Rejection::Invalid { field: "flow_id", reason: "there is no such flow" };
                Script::from(ctx.flows.get(id).ok_or(missing)?)
            }
            None if actions.is_empty() => return Ok(None),
            None => {
                flows::look_through(ctx, &mut actions)?;
                Script::of_actions(actions)
            }
        };
        for (name, text) in variables {
            let refused = |refused: super::variables::Refused| {
                Rejection::Fault(Fault::new(format!("variables.{name}"), refused.to_string()))
            };
            script.variables.set(name, text).map_err(refused)?;
        }
        Ok(Some(script))
    }

    /// The flow that comes after one that is over. `None`: there is none; the reason, where one more would be too many.
    pub fn after(ctx: &Context, over: &Over<'_>) -> Option<Result<Script, String>> {
        let id = over.next?;
        if over.completed + 1 >= limits::FLOW_CHAIN {
            return Some(Err(format!("on_complete_flow_id: {} flows have followed one another", limits::FLOW_CHAIN)));
        }
        let Some(flow) = ctx.flows.get(id) else {
            return Some(Err(format!("on_complete_flow_id: there is no flow {id}")));
        };
        let (variables, follows) = (over.variables.clone(), Some(over.id));
        Some(Ok(Script { variables, follows, completed: over.completed + 1, ..Script::from(flow) }))
    }

    /// What a call that is asked for goes through.
    pub fn of_call(ctx: &mut Context, new: &NewCall) -> Result<Option<Script>, Rejection> {
        Script::find(ctx, (new.flow, new.actions.clone()), &new.variables)
    }
}
