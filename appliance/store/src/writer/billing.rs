//! What calls cost is charged with their end, in the same transaction: neither is there without the other.

use pbx::EventKind;
use pbx::billing::{Adjustment, BillingAccount, Shortage, Usage};
use pbx::call::CallRecord;
use uuid::Uuid;

use super::Batch;
use crate::Error;
use crate::billing::{self, Entry, ReferenceType, Running, TransactionType, Used};
use crate::timestamp::Timestamp;

impl Batch<'_> {
    /// What an event changes of the money.
    pub(super) fn pay(&mut self, at: Timestamp, kind: &EventKind) -> Result<(), Error> {
        let name = kind.name();
        match kind {
            EventKind::CallAnswered(call) => self.begin_charge(call),
            EventKind::CallHungup(call) => self.charge_call(at, call),
            EventKind::BillingAccountUpdated(account) => self.billing_account(at, name, account),
            EventKind::BillingAdjusted(adjustment) => self.adjust_balance(at, adjustment),
            EventKind::BillingUsed(usage) => self.charge_usage(at, usage),
            EventKind::BillingRefused(shortage) | EventKind::BillingSpent(shortage) => {
                self.shortage(at, name, shortage)
            }
            _ => Ok(()),
        }
    }

    fn billing_account(&mut self, at: Timestamp, name: &str, account: &BillingAccount) -> Result<(), Error> {
        billing::save(self.connection, account)?;
        let shown = billing::shown_account(self.connection, self.identity)?;
        self.append(at, name, shown.id, &shown)
    }

    fn adjust_balance(&mut self, at: Timestamp, adjustment: &Adjustment) -> Result<(), Error> {
        let Adjustment { key, amount } = *adjustment;
        let transaction_type = if amount.0 > 0 { TransactionType::TopUp } else { TransactionType::Adjustment };
        let (reference_type, reference_id) = (ReferenceType::Unset, Uuid::nil());
        let (used, amount, started, ended) = (None, amount.0, at, at);
        let entry = Entry { id: key, transaction_type, reference_type, reference_id, used, amount, started, ended };
        self.book(at, &entry, None)
    }

    fn shortage(&mut self, at: Timestamp, name: &str, shortage: &Shortage) -> Result<(), Error> {
        let shown = billing::Shortage::new(shortage, self.identity);
        self.append(at, name, shown.account_id, &shown)?;
        self.tell((at, name), &[Some(shown.call_id), shortage.made_by])
    }

    /// A call that is not free was answered.
    fn begin_charge(&mut self, call: &CallRecord) -> Result<(), Error> {
        let (Some(charge), Some(started)) = (call.charge, call.progressing) else { return Ok(()) };
        billing::begin(self.connection, &Running { call_id: call.id, charge, started: started.into() })
    }

    /// A call is over: if it was not free, it is charged.
    fn charge_call(&mut self, at: Timestamp, call: &CallRecord) -> Result<(), Error> {
        let (Some(charge), Some(started), Some(ended)) = (call.charge, call.progressing, call.hungup) else {
            return Ok(());
        };
        let running = Running { call_id: call.id, charge, started: started.into() };
        self.charge(at, &running, ended.into())
    }

    /// Charges the calls that the end of the process has cut off.
    pub(super) fn charge_interrupted(&mut self, now: Timestamp, calls: &[Running]) -> Result<(), Error> {
        calls.iter().try_for_each(|running| self.charge(now, running, now))
    }

    /// Something other than a call was used.
    fn charge_usage(&mut self, at: Timestamp, usage: &Usage) -> Result<(), Error> {
        let reference_type = ReferenceType::from(usage.cost_type);
        let entry = Entry {
            id: usage.key,
            transaction_type: TransactionType::Usage,
            reference_type,
            reference_id: usage.reference_id,
            used: Some(Used::from(usage)),
            amount: -usage.amount().0,
            started: Timestamp(at.0 - usage.duration.as_micros() as i64),
            ended: at,
        };
        self.book(at, &entry, usage.made_by)
    }

    fn charge(&mut self, at: Timestamp, running: &Running, ended: Timestamp) -> Result<(), Error> {
        let Running { call_id: id, charge, started } = *running;
        billing::end(self.connection, id)?;
        let entry = Entry {
            id,
            transaction_type: TransactionType::Usage,
            reference_type: ReferenceType::Call,
            reference_id: id,
            used: Some(Used::from(&charge)),
            amount: -charge.amount().0,
            started,
            ended,
        };
        self.book(at, &entry, None)
    }

    fn book(&mut self, at: Timestamp, entry: &Entry, made_by: Option<Uuid>) -> Result<(), Error> {
        let Some(record) = billing::book(self.connection, self.identity, (entry, at))? else { return Ok(()) };
        self.append(at, "billing_created", record.id, &record)?;
        self.tell((at, "billing_created"), &[Some(record.reference_id), made_by])?;
        let account = billing::shown_account(self.connection, self.identity)?;
        let before = record.balance_credit_snapshot - record.amount_credit;
        if account.is_low && before >= account.low_balance {
            self.append(at, "billing_account_low", account.id, &account)?;
        }
        Ok(())
    }
}
