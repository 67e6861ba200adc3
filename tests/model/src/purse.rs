//! The money of a lab out of hand: what was paid in, and that nothing but charges is missing in the end.

use lab::Lab;
use pbx::billing::{Adjustment, BillingAccountData, CostType, Micros, WhenSpent};
use pbx::{Command, EventKind, Reply};
use uuid::Uuid;

/// What was paid, less what was taken off.
#[derive(Debug)]
pub struct Purse {
    paid: i64,
    times: u128,
}

impl Purse {
    /// Sets prices, and pays in enough for some calls.
    pub fn open(lab: &mut Lab, goes_on: bool) -> Purse {
        let when_spent = if goes_on { WhenSpent::Continue } else { WhenSpent::End };
        let mut data = BillingAccountData { currency: "EUR".into(), when_spent, ..BillingAccountData::default() };
        for (cost_type, rate) in CostType::CHARGED.into_iter().zip([10, 7, 3, 2, 1, 2, 1]) {
            data.prices.set(cost_type, Micros(rate));
        }
        let set = lab.command(Command::UpdateBillingAccount(Box::new(data)));
        assert!(matches!(set, Ok(Reply::BillingAccount(_))), "{set:?}");
        let mut purse = Purse { paid: 0, times: 0 };
        purse.pay(lab, 50);
        purse
    }

    /// Pays in, or takes off; what is nothing is refused.
    pub fn pay(&mut self, lab: &mut Lab, amount: i64) {
        self.times += 1;
        let adjustment = Adjustment { key: Uuid::from_u128(self.times), amount: Micros(amount) };
        let answer = lab.command(Command::AdjustBalance(adjustment));
        assert_eq!(answer.is_ok(), amount != 0, "{answer:?}");
        self.paid += amount;
    }

    /// What is left is what was paid less what calls were charged, each once.
    pub fn settle(&mut self, lab: &mut Lab, words: &str) {
        let charges = lab.facts.events.iter().filter_map(|event| match &event.kind {
            EventKind::CallHungup(call) => call.charge.map(|charge| charge.amount().0),
            EventKind::BillingUsed(usage) => Some(usage.amount().0),
            _ => None,
        });
        let charged: i64 = charges.sum();
        let adjustment = Adjustment { key: Uuid::nil(), amount: Micros(1) };
        let Ok(Reply::BillingAccount(account)) = lab.command(Command::AdjustBalance(adjustment)) else {
            panic!("nothing is paid\n{words}")
        };
        assert_eq!(account.balance.0, self.paid + 1 - charged, "{words}");
    }
}
