//! What is asked of the numbers: whatever is dialled leads to one thing only.

use uuid::Uuid;

use super::Pbx;
use crate::command::{Rejection, Reply};
use crate::directory::{NewNumber, Number, NumberChange};
use crate::event::EventKind;

impl Pbx {
    pub(super) fn create_number(&mut self, new: NewNumber) -> Result<Reply, Rejection> {
        self.refuse_taken_by_another(&new.number, "number")?;
        self.refuse_missing_flow("call_flow_id", new.call_flow_id)?;
        let (id, at) = (self.ctx.uuid(), self.ctx.unix());
        self.refuse_missing_flow("message_flow_id", new.message_flow_id)?;
        let made = self.ctx.numbers.create(id, new, at)?;
        Ok(self.tell(EventKind::NumberCreated, made))
    }

    pub(super) fn update_number(&mut self, id: Uuid, change: NumberChange) -> Result<Reply, Rejection> {
        self.refuse_missing_flow("call_flow_id", change.call_flow_id.flatten())?;
        self.refuse_missing_flow("message_flow_id", change.message_flow_id.flatten())?;
        let at = self.ctx.unix();
        let changed = self.ctx.numbers.update(id, change, at)?;
        Ok(self.tell(EventKind::NumberUpdated, changed))
    }

    pub(super) fn delete_number(&mut self, id: Uuid) -> Result<Reply, Rejection> {
        if self.ctx.outbound_config.default_outgoing_source_number_id == Some(id) {
            return Err(Rejection::InUse("calls beyond the box come from this number".into()));
        }
        let at = self.ctx.unix();
        let deleted = self.ctx.numbers.delete(id, at)?;
        Ok(self.tell(EventKind::NumberDeleted, deleted))
    }

    /// Refuses what something of another kind is dialled by. `kind` is what asks: among its own it looks itself.
    pub(super) fn refuse_taken_by_another(&self, number: &str, kind: &'static str) -> Result<(), Rejection> {
        let taken = [
            ("extension", self.directory.by_number(number).is_some()),
            ("conference", self.ctx.conferences.by_number(number).is_some()),
            ("number", self.ctx.numbers.by_number(number).is_some()),
        ];
        match taken.into_iter().find(|(other, is_taken)| *is_taken && *other != kind) {
            Some((other, _)) => Err(Rejection::AlreadyExists(other)),
            None => Ok(()),
        }
    }

    /// Ends a flow that runs. Of those that ran, nothing is known here.
    pub(super) fn stop_activeflow(&mut self, id: Uuid) -> Result<Reply, Rejection> {
        let key = *self.ctx.index.activeflows.get(&id).ok_or(Rejection::NotFound("activeflow"))?;
        let mut stopped = None;
        self.calls.with_call(&mut self.ctx, key, |call, ctx| stopped = call.stop_flow(ctx));
        stopped.map(|record| Reply::Activeflow(Box::new(record))).ok_or(Rejection::NotFound("activeflow"))
    }

    pub(super) fn refuse_missing_flow(&self, field: &'static str, flow: Option<Uuid>) -> Result<(), Rejection> {
        match flow {
            Some(id) if self.ctx.flows.get(id).is_none() => {
                Err(Rejection::Invalid { field, reason: "there is no such flow" })
            }
            _ => Ok(()),
        }
    }

    fn tell(&mut self, kind: fn(Box<Number>) -> EventKind, number: Number) -> Reply {
        let number = Box::new(number);
        self.ctx.event(kind(number.clone()));
        Reply::Number(number)
    }
}
