//! What is asked of the agents and their tags.

use uuid::Uuid;

use super::Pbx;
use crate::command::{Rejection, Reply};
use crate::directory::{AgentChange, Author, NewAgent, NewTag, TagChange};
use crate::event::EventKind;

impl Pbx {
    pub(super) fn create_agent(&mut self, new: NewAgent, by: Author) -> Result<Reply, Rejection> {
        self.refuse_missing_tags(&new.tag_ids)?;
        let (id, at) = (self.ctx.uuid(), self.ctx.unix());
        let made = Box::new(self.ctx.agents.create(id, new, by, at)?);
        self.ctx.event(EventKind::AgentCreated(made.clone()));
        Ok(Reply::Agent(made))
    }

    pub(super) fn update_agent(&mut self, id: Uuid, change: AgentChange, by: Author) -> Result<Reply, Rejection> {
        self.refuse_missing_tags(change.tag_ids.as_deref().unwrap_or_default())?;
        let kind = if change.is_status_only() { EventKind::AgentStatusUpdated } else { EventKind::AgentUpdated };
        let at = self.ctx.unix();
        let changed = Box::new(self.ctx.agents.update(id, change, by, at)?);
        self.ctx.event(kind(changed.clone()));
        Ok(Reply::Agent(changed))
    }

    pub(super) fn delete_agent(&mut self, id: Uuid, by: Author) -> Result<Reply, Rejection> {
        let at = self.ctx.unix();
        let deleted = Box::new(self.ctx.agents.delete(id, by, at)?);
        self.ctx.event(EventKind::AgentDeleted(deleted.clone()));
        Ok(Reply::Agent(deleted))
    }

    pub(super) fn create_tag(&mut self, new: NewTag) -> Result<Reply, Rejection> {
        let (id, at) = (self.ctx.uuid(), self.ctx.unix());
        let made = self.ctx.tags.create(id, new, at)?;
        self.ctx.event(EventKind::TagCreated(made.clone()));
        Ok(Reply::Tag(made))
    }

    pub(super) fn update_tag(&mut self, id: Uuid, change: TagChange) -> Result<Reply, Rejection> {
        let at = self.ctx.unix();
        let changed = self.ctx.tags.update(id, change, at)?;
        self.ctx.event(EventKind::TagUpdated(changed.clone()));
        Ok(Reply::Tag(changed))
    }

    /// Deletes a tag; whoever has it has it no more.
    pub(super) fn delete_tag(&mut self, id: Uuid) -> Result<Reply, Rejection> {
        let at = self.ctx.unix();
        let deleted = self.ctx.tags.delete(id, at)?;
        for agent in self.ctx.agents.remove_tag(id, at) {
            self.ctx.event(EventKind::AgentUpdated(Box::new(agent)));
        }
        self.ctx.event(EventKind::TagDeleted(deleted.clone()));
        Ok(Reply::Tag(deleted))
    }

    fn refuse_missing_tags(&self, tags: &[Uuid]) -> Result<(), Rejection> {
        match tags.iter().all(|tag| self.ctx.tags.get(*tag).is_some()) {
            true => Ok(()),
            false => Err(Rejection::Invalid { field: "tag_ids", reason: "name a tag that there is not" }),
        }
    }
}
