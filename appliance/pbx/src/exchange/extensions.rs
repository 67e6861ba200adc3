//! What is asked of the extensions, where it takes the registrar and the calls too.

use uuid::Uuid;

use super::Pbx;
use crate::command::{Rejection, Reply};
use crate::directory::{ExtensionChange, NewExtension};
use crate::event::EventKind;

impl Pbx {
    pub(super) fn create_extension(&mut self, new: NewExtension) -> Result<Reply, Rejection> {
        self.refuse_taken_by_another(&new.extension, "extension")?;
        if self.ctx.trunks.by_username(&new.extension).is_some() {
            return Err(Rejection::AlreadyExists("trunk"));
        }
        let (id, at) = (self.ctx.uuid(), self.ctx.unix());
        let made = self.directory.create(id, new, at)?;
        self.ctx.event(EventKind::ExtensionCreated(made.clone()));
        Ok(Reply::Extension(made))
    }

    pub(super) fn update_extension(&mut self, id: Uuid, change: ExtensionChange) -> Result<Reply, Rejection> {
        let changed = self.directory.update(id, change, self.ctx.unix())?;
        self.ctx.event(EventKind::ExtensionUpdated(changed.clone()));
        Ok(Reply::Extension(changed))
    }

    /// Its registrations and calls end.
    pub(super) fn delete_extension(&mut self, id: Uuid) -> Result<Reply, Rejection> {
        let deleted = self.directory.delete(id, self.ctx.unix())?;
        self.registrar.remove_all(&mut self.ctx, id);
        self.calls.hang_up_extension(&mut self.ctx, id);
        self.ctx.event(EventKind::ExtensionDeleted(deleted.clone()));
        Ok(Reply::Extension(deleted))
    }
}
