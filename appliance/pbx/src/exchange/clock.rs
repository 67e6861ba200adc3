//! The wall clock was read.

use std::time::Duration;

use crate::correction::Correction;
use crate::event::EventKind;
use crate::exchange::{Output, Pbx};

impl Pbx {
    /// From here on it is `unix` since 1970. Where that is no surprise nothing else happens.
    pub(super) fn handle_clock(&mut self, unix: Duration) {
        let ctx = &mut self.ctx;
        ctx.epoch = unix.as_micros() as i64 - ctx.now.as_micros() as i64;
        let before = *ctx.dated.get_or_insert(ctx.epoch);
        let Some(correction) = Correction::between(before, ctx.epoch, ctx.now) else { return };
        ctx.dated = Some(ctx.epoch);
        self.calls.redate(&correction);
        for binding in self.registrar.redate(&correction) {
            ctx.output(Output::Refreshed(Box::new(binding)));
        }
        ctx.conferences.redate(&correction);
        ctx.groupcalls.redate(&correction);
        ctx.recordings.redate(&correction);
        ctx.links.redate(&correction);
        ctx.event(EventKind::ClockCorrected { from: correction.from, to: correction.to });
    }
}
