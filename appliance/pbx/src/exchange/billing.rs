//! What is asked of the billing account.

use super::Pbx;
use crate::billing::{Adjustment, BillingAccountData};
use crate::command::{Rejection, Reply};
use crate::event::EventKind;

impl Pbx {
    pub(super) fn update_billing_account(&mut self, data: BillingAccountData) -> Result<Reply, Rejection> {
        let at = self.ctx.unix();
        let account = Box::new(self.ctx.billing.update(data, at)?.clone());
        self.ctx.event(EventKind::BillingAccountUpdated(account.clone()));
        Ok(Reply::BillingAccount(account))
    }

    pub(super) fn adjust_balance(&mut self, adjustment: Adjustment) -> Result<Reply, Rejection> {
        let at = self.ctx.unix();
        if self.ctx.billing.adjust(adjustment, at)? {
            self.ctx.event(EventKind::BillingAdjusted(adjustment));
        }
        Ok(Reply::BillingAccount(Box::new(self.ctx.billing.account().clone())))
    }
}
