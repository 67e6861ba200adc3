//! What is asked of the direct hashes.

use super::Pbx;
use crate::command::{Rejection, Reply};
use crate::directory::{Direct, DirectHash};
use crate::event::EventKind;

impl Pbx {
    /// Gives a resource a new direct hash; with the one that it had it is reached no more.
    pub(super) fn regenerate_direct_hash(&mut self, to: Direct) -> Result<Reply, Rejection> {
        self.refuse_missing(to)?;
        // 128 bits, drawn like the keys.
        let hash = self.ctx.secret()[..16].iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        self.ctx.direct_hashes.set(to, hash.clone());
        self.ctx.event(EventKind::DirectHashUpdated(Box::new(DirectHash { to, hash: Some(hash) })));
        Ok(Reply::DirectHash)
    }

    /// Takes the direct hash from a resource.
    pub(super) fn delete_direct_hash(&mut self, to: Direct) -> Result<Reply, Rejection> {
        self.refuse_missing(to)?;
        if self.ctx.direct_hashes.has(to) {
            self.ctx.direct_hashes.remove(to);
            self.ctx.event(EventKind::DirectHashUpdated(Box::new(DirectHash { to, hash: None })));
        }
        Ok(Reply::DirectHash)
    }

    /// Takes up what the store remembers, of what is still there.
    pub(super) fn restore_direct_hashes(&mut self, hashes: Vec<DirectHash>) {
        for DirectHash { to, hash } in hashes {
            if let Some(hash) = hash.filter(|_| self.refuse_missing(to).is_ok()) {
                self.ctx.direct_hashes.set(to, hash);
            }
        }
    }

    fn refuse_missing(&self, to: Direct) -> Result<(), Rejection> {
        let is_there = match to {
            Direct::Extension(id) => self.directory.get(id).is_some(),
            Direct::Agent(id) => self.ctx.agents.get(id).is_some(),
            Direct::Conference(id) => self.ctx.conferences.get(id).is_some(),
            Direct::Flow(id) => self.ctx.flows.get(id).is_some(),
        };
        if is_there { Ok(()) } else { Err(Rejection::NotFound(to.kind())) }
    }
}
