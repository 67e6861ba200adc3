//! What is asked of the configuration of calls beyond the box.

use super::Pbx;
use crate::command::{Rejection, Reply};
use crate::directory::{OutboundConfig, OutboundConfigChange};
use crate::event::EventKind;

impl Pbx {
    pub(super) fn update_outbound_config(&mut self, change: OutboundConfigChange) -> Result<Reply, Rejection> {
        let number = change.default_outgoing_source_number_id.flatten();
        if number.is_some_and(|id| self.ctx.numbers.get(id).is_none()) {
            let field = "default_outgoing_source_number_id";
            return Err(Rejection::Invalid { field, reason: "there is no such number" });
        }
        let at = self.ctx.unix();
        self.ctx.outbound_config.update(change, at)?;
        let changed: Box<OutboundConfig> = Box::new(self.ctx.outbound_config.clone());
        self.ctx.event(EventKind::OutboundConfigUpdated(changed.clone()));
        Ok(Reply::OutboundConfig(changed))
    }
}
