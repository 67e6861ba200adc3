//! Pickup: what takes two calls.

use super::Pbx;
use crate::call::cause::Cause;
use crate::call::moving::Apart;
use crate::call::{Ending, HangupReason, LegKey, Stage};

impl Pbx {
    /// A phone that was answered for it takes the place of another one, which may have gone meanwhile.
    pub(super) fn pick_up(&mut self, replaced: LegKey, by: LegKey) {
        let ending = Ending::local(HangupReason::Normal, Cause::NORMAL);
        let Pbx { ctx, calls, .. } = self;
        let is_taken = match calls.leg(replaced).map(|leg| leg.stage) {
            Some(Stage::Outgoing { .. }) => calls.pick_up(ctx, (replaced, by)),
            Some(Stage::Up) => calls.take_apart(ctx, replaced).is_some_and(|Apart { one, other }| {
                let is_taken = calls.bring_together(ctx, (other, by));
                calls.with(ctx, one, |call, ctx, place| call.end_all(ctx, place, ending));
                if !is_taken {
                    calls.with(ctx, other, |call, ctx, place| call.end_all(ctx, place, ending));
                }
                is_taken
            }),
            _ => false,
        };
        if !is_taken {
            calls.with(ctx, by, |call, ctx, place| call.end_all(ctx, place, ending));
        }
    }
}
