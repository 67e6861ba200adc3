//! What calls cost, and whether there is money left for them.
//!
//! The exchange decides from what is in memory here: the balance, less what the calls that are up have taken of it. The
//! store books the charge of a call together with the call's end ([`CallRecord::charge`](crate::call::CallRecord::charge)),
//! by the same arithmetic ([`Charge::amount`]), so that both come to the same balance.
//!
//! Money is a whole number of [`Micros`]. What has no price is free and never refused; with no prices at all, which is how
//! a box begins, nothing here does anything.

use std::collections::VecDeque;
use std::time::Duration;

use uuid::Uuid;

use crate::command::Rejection;
use crate::directory::extension::validate_text;
use crate::{UnixMicros, limits};

/// Why something is not done, as ladders say it.
pub const SPENT: &str = "the balance is spent";

/// An amount of money in millionths of the account's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

/// What is paid for, in VoIPBIN's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostType {
    /// A call to a telephone number, by the minute.
    CallPstnOutgoing,
    /// A call that a trunk or a provider brings to a number of theirs, by the minute.
    CallPstnIncoming,
    /// The same, to a virtual number.
    CallVn,
    /// Any other call: always free.
    CallExtension,
    /// A text to a telephone number, each.
    Sms,
    /// An e-mail, each.
    Email,
    /// A number, when it is made.
    Number,
    /// A number, each month.
    NumberRenew,
    /// A text that is spoken, each.
    Tts,
    /// A recording, by the minute.
    Recording,
}

/// What each cost type costs; what is not set costs nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prices([Micros; CostType::ALL.len()]);

/// What becomes of a call that outlives the balance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenSpent {
    /// It is ended, after an announcement.
    #[default]
    End,
    /// It goes on, and the balance falls below zero.
    Continue,
}

/// What is set of the billing account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BillingAccountData {
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// The currency, by its three letters (ISO 4217).
    pub currency: String,
    /// The prices: by the minute, or each.
    pub prices: Prices,
    /// How far the balance may fall below zero before calls are refused.
    pub credit_limit: Micros,
    /// Below which balance somebody is to know; zero: nobody.
    pub low_balance: Micros,
    /// What becomes of calls that outlive the balance.
    pub when_spent: WhenSpent,
    /// What is said to those who talk before their call is ended; empty: they hear only beeps.
    pub announcement: String,
}

/// The billing account: there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingAccount {
    /// What is set of it.
    pub data: BillingAccountData,
    /// What is left, as far as it was charged.
    pub balance: Micros,
    /// When something was added last.
    pub topped_up: Option<UnixMicros>,
    /// When it was last changed.
    pub updated: UnixMicros,
}

/// What is charged for something that takes its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// What it is.
    pub cost_type: CostType,
    /// The price of a minute when it began.
    pub rate: Micros,
    /// How long it took, by a clock that nobody sets; `None`: it is not over.
    pub duration: Option<Duration>,
}

/// Something that was used, other than a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The entry's id: however often it is told, it is charged once.
    pub key: Uuid,
    /// What it is.
    pub cost_type: CostType,
    /// What it is for: the recording, or the entry itself.
    pub reference_id: Uuid,
    /// The activeflow that used it, where the reference does not lead to it.
    pub made_by: Option<Uuid>,
    /// The price of a unit.
    pub rate: Micros,
    /// How many of them: minutes, texts, addresses.
    pub units: i64,
    /// How long it took, where it took its time.
    pub duration: Duration,
}

/// Money that somebody adds to the balance, or takes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjustment {
    /// However often it is asked for, it is done once.
    pub key: Uuid,
    /// How much; negative: it is taken.
    pub amount: Micros,
}

/// Something that the balance does not suffice for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// The call; nil: there is none yet.
    pub call_id: Uuid,
    /// The activeflow that wants it, where there is no call yet.
    pub made_by: Option<Uuid>,
    /// What would be paid for.
    pub cost_type: CostType,
    /// The price of its next minute.
    pub rate: Micros,
    /// What is left, the minutes of running calls deducted.
    pub balance: Micros,
    /// Whether the call is ended for that.
    pub ends: bool,
}

impl CostType {
    /// All of them.
    pub const ALL: [CostType; 10] = [
        CostType::CallPstnOutgoing,
        CostType::CallPstnIncoming,
        CostType::CallVn,
        CostType::CallExtension,
        CostType::Sms,
        CostType::Email,
        CostType::Number,
        CostType::NumberRenew,
        CostType::Tts,
        CostType::Recording,
    ];

    /// Those that may have a price.
    pub const CHARGED: [CostType; 7] = [
        CostType::CallPstnOutgoing,
        CostType::CallPstnIncoming,
        CostType::CallVn,
        CostType::Sms,
        CostType::Email,
        CostType::Tts,
        CostType::Recording,
    ];

    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            CostType::CallPstnOutgoing => "call_pstn_outgoing",
            CostType::CallPstnIncoming => "call_pstn_incoming",
            CostType::CallVn => "call_vn",
            CostType::CallExtension => "call_extension",
            CostType::Sms => "sms",
            CostType::Email => "email",
            CostType::Number => "number",
            CostType::NumberRenew => "number_renew",
            CostType::Tts => "tts",
            CostType::Recording => "recording",
        }
    }

    /// The cost type of the API's word.
    pub fn from_name(name: &str) -> Option<CostType> {
        CostType::ALL.into_iter().find(|cost_type| cost_type.name() == name)
    }
}

impl Prices {
    /// The price of something.
    pub fn of(&self, cost_type: CostType) -> Micros {
        self.0[cost_type as usize]
    }

    /// Sets a price.
    pub fn set(&mut self, cost_type: CostType, rate: Micros) {
        self.0[cost_type as usize] = rate;
    }
}

impl WhenSpent {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            WhenSpent::End => "end",
            WhenSpent::Continue => "continue",
        }
    }
}

impl Charge {
    /// How many minutes are paid for: every minute begun, and one at least. What is less than a second does not count, so
    /// that a call that we end at the end of its minute is not charged another one.
    pub fn minutes(&self) -> i64 {
        let seconds = self.duration.unwrap_or_default().as_secs();
        i64::try_from(seconds.div_ceil(60)).unwrap_or(i64::MAX).max(1)
    }

    /// What that costs.
    pub fn amount(&self) -> Micros {
        Micros(self.minutes().saturating_mul(self.rate.0).min(limits::MONEY))
    }
}

impl Usage {
    /// What it costs.
    pub fn amount(&self) -> Micros {
        Micros(self.units.saturating_mul(self.rate.0).min(limits::MONEY))
    }
}

impl BillingAccountData {
    /// Whether it can be; the field says what cannot.
    pub fn validate(&self) -> Result<(), Rejection> {
        let invalid = |field, reason| Err(Rejection::Invalid { field, reason });
        validate_text("name", &self.name)?;
        validate_text("detail", &self.detail)?;
        if self.currency.len() != 3 || !self.currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return invalid("currency", "must be three capital letters, like EUR");
        }
        if CostType::ALL.into_iter().any(|cost_type| !(0..=limits::PRICE).contains(&self.prices.of(cost_type).0)) {
            return invalid("prices", "must be between 0 and 1000000000000");
        }
        let is_free = |cost_type: &CostType| !CostType::CHARGED.contains(cost_type);
        if CostType::ALL.into_iter().filter(is_free).any(|cost_type| self.prices.of(cost_type).0 != 0) {
            return invalid(
                "prices",
                "may be set of call_pstn_outgoing, call_pstn_incoming, call_vn, sms, email, tts and recording; all else is free",
            );
        }
        for (field, amount) in [("credit_limit", self.credit_limit), ("low_balance", self.low_balance)] {
            if !(0..=limits::MONEY).contains(&amount.0) {
                return invalid(field, "must be between 0 and 1000000000000000");
            }
        }
        if self.announcement.chars().count() > limits::ANNOUNCEMENT || self.announcement.chars().any(char::is_control) {
            return invalid("announcement", "must be at most 500 characters, and none that control");
        }
        Ok(())
    }
}

impl Default for BillingAccount {
    fn default() -> Self {
        let data = BillingAccountData { currency: "USD".into(), ..BillingAccountData::default() };
        BillingAccount { data, balance: Micros(0), topped_up: None, updated: UnixMicros(0) }
    }
}

/// The account, and what is being taken from it.
#[derive(Debug, Default)]
pub struct Billing {
    account: BillingAccount,
    /// What calls that are not over have reserved: the minutes that they have begun, and the first one of those that ring.
    reserved: i64,
    /// The adjustments of late.
    adjusted: VecDeque<Adjustment>,
}

impl Billing {
    /// Takes up what the store remembers.
    pub fn restore(&mut self, account: BillingAccount) {
        self.account = account;
    }

    /// The account.
    pub fn account(&self) -> &BillingAccount {
        &self.account
    }

    /// The price of something.
    pub fn rate(&self, cost_type: CostType) -> Micros {
        self.account.data.prices.of(cost_type)
    }

    /// What can still be spent, credit not counted.
    pub fn left(&self) -> Micros {
        Micros(self.account.balance.0.saturating_sub(self.reserved))
    }

    /// What calls that are not over have reserved.
    pub fn reserved(&self) -> Micros {
        Micros(self.reserved)
    }

    /// Whether so much can be spent.
    pub fn suffices_for(&self, amount: Micros) -> bool {
        amount.0 <= 0 || self.left().0.saturating_add(self.account.data.credit_limit.0) >= amount.0
    }

    /// Whether so many units of something can be paid.
    pub fn suffices_for_units(&self, cost_type: CostType, units: usize) -> bool {
        let units = i64::try_from(units).unwrap_or(i64::MAX);
        self.suffices_for(Micros(self.rate(cost_type).0.saturating_mul(units)))
    }

    /// Sets so much aside, whether it is there or not.
    pub fn reserve(&mut self, amount: Micros) {
        self.reserved = self.reserved.saturating_add(amount.0);
    }

    /// Takes back what was set aside.
    pub fn release(&mut self, amount: Micros) {
        self.reserved = self.reserved.saturating_sub(amount.0).max(0);
    }

    /// Takes what something has cost.
    pub fn take(&mut self, amount: Micros) {
        let least = -limits::MONEY;
        self.account.balance.0 = self.account.balance.0.saturating_sub(amount.0).max(least);
    }

    /// Sets what is set of the account.
    pub fn update(&mut self, data: BillingAccountData, at: UnixMicros) -> Result<&BillingAccount, Rejection> {
        data.validate()?;
        (self.account.data, self.account.updated) = (data, at);
        Ok(&self.account)
    }

    /// Adds to the balance, or takes from it. False: that was done already.
    pub fn adjust(&mut self, adjustment: Adjustment, at: UnixMicros) -> Result<bool, Rejection> {
        if let Some(done) = self.adjusted.iter().find(|done| done.key == adjustment.key) {
            return if *done == adjustment { Ok(false) } else { Err(Rejection::AlreadyExists("billing")) };
        }
        let amount = adjustment.amount.0;
        let balance = self.account.balance.0.checked_add(amount);
        let Some(balance) = balance.filter(|balance| amount != 0 && balance.abs() <= limits::MONEY) else {
            let reason = "must not be 0, and must leave a balance between -1000000000000000 and 1000000000000000";
            return Err(Rejection::Invalid { field: "balance_credit", reason });
        };
        self.account.balance = Micros(balance);
        self.account.updated = at;
        if amount > 0 {
            self.account.topped_up = Some(at);
        }
        if self.adjusted.len() >= limits::ADJUSTMENTS {
            self.adjusted.pop_front();
        }
        self.adjusted.push_back(adjustment);
        Ok(true)
    }
}

/// Whether a dialled number calls for help: such a call costs nothing here, and is never refused or ended for money.
pub fn is_emergency(number: &str) -> bool {
    // What a telephone without a card takes for emergency numbers wherever it is (3GPP TS 22.101 §10.1.1).
    matches!(number, "112" | "911" | "000" | "08" | "110" | "118" | "119" | "999")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(seconds: f64) -> Charge {
        let duration = Some(Duration::from_secs_f64(seconds));
        Charge { cost_type: CostType::CallPstnOutgoing, rate: Micros(12_000), duration }
    }

    #[test]
    fn every_minute_begun_is_paid_for() {
        for (seconds, minutes) in [(0.0, 1), (0.4, 1), (59.9, 1), (60.0, 1), (60.9, 1), (61.0, 2), (3_600.0, 60)] {
            assert_eq!(charge(seconds).minutes(), minutes, "{seconds} s");
        }
        assert_eq!(charge(135.0).amount(), Micros(36_000));
        let endless = Charge { duration: Some(Duration::MAX), rate: Micros(limits::PRICE), ..charge(0.0) };
        assert_eq!(endless.amount(), Micros(limits::MONEY));
    }

    #[test]
    fn words_lead_back_to_what_they_stand_for() {
        for (place, cost_type) in CostType::ALL.into_iter().enumerate() {
            assert_eq!((CostType::from_name(cost_type.name()), cost_type as usize), (Some(cost_type), place));
        }
        assert_eq!(CostType::from_name("call"), None);
    }

    #[test]
    fn what_is_asked_for_twice_is_done_once() {
        let mut billing = Billing::default();
        let adjustment = Adjustment { key: Uuid::from_u128(1), amount: Micros(5) };
        assert_eq!(billing.adjust(adjustment, UnixMicros(7)), Ok(true));
        assert_eq!(billing.adjust(adjustment, UnixMicros(8)), Ok(false));
        let other = Adjustment { amount: Micros(6), ..adjustment };
        assert_eq!(billing.adjust(other, UnixMicros(8)), Err(Rejection::AlreadyExists("billing")));
        assert_eq!((billing.account().balance, billing.account().topped_up), (Micros(5), Some(UnixMicros(7))));
        for wrong in [0, limits::MONEY, -limits::MONEY - 6, i64::MAX, i64::MIN] {
            let wrong = Adjustment { key: Uuid::from_u128(2), amount: Micros(wrong) };
            let refused = billing.adjust(wrong, UnixMicros(9));
            assert!(matches!(refused, Err(Rejection::Invalid { field: "balance_credit", .. })), "{wrong:?}");
        }
        for n in 10..10 + limits::ADJUSTMENTS as u128 + 5 {
            billing.adjust(Adjustment { key: Uuid::from_u128(n), amount: Micros(1) }, UnixMicros(9)).expect("room");
        }
        assert_eq!(billing.adjusted.len(), limits::ADJUSTMENTS);
    }

    #[test]
    fn credit_counts_and_what_is_reserved_does_not() {
        let mut billing = Billing::default();
        let mut data = billing.account().data.clone();
        data.credit_limit = Micros(10);
        billing.update(data, UnixMicros(0)).expect("it is valid");
        assert!(billing.suffices_for(Micros(10)) && !billing.suffices_for(Micros(11)));
        billing.reserve(Micros(10));
        assert!(!billing.suffices_for(Micros(1)) && billing.suffices_for(Micros(0)));
        billing.release(Micros(10));
        billing.take(Micros(4));
        assert_eq!((billing.left(), billing.suffices_for(Micros(6))), (Micros(-4), true));
    }

    #[test]
    fn what_cannot_be_is_named() {
        type Spoil = fn(&mut BillingAccountData);
        let cases: [(&str, Spoil); 6] = [
            ("currency", |data| data.currency = "eur".into()),
            ("prices", |data| data.prices.set(CostType::CallVn, Micros(-1))),
            ("prices", |data| data.prices.set(CostType::CallExtension, Micros(1))),
            ("credit_limit", |data| data.credit_limit = Micros(limits::MONEY + 1)),
            ("low_balance", |data| data.low_balance = Micros(-1)),
            ("announcement", |data| data.announcement = "x".repeat(limits::ANNOUNCEMENT + 1)),
        ];
        for (field, spoil) in cases {
            let mut data = BillingAccount::default().data;
            assert_eq!(data.validate(), Ok(()));
            spoil(&mut data);
            assert!(
                matches!(data.validate(), Err(Rejection::Invalid { field: named, .. }) if named == field),
                "{field}"
            );
        }
    }
}
