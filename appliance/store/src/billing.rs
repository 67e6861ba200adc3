//! The ledger: what was charged, what was paid in, and the account whose balance all of it comes to.

use std::collections::BTreeMap;
use std::time::Duration;

use pbx::UnixMicros;
use pbx::billing as source;
use pbx::billing::{BillingAccount, BillingAccountData, Charge, Micros};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, ids, limits};

words! {
    /// What is paid for.
    CostType as "BillingCostType" {
        Unset = "", CallPstnOutgoing = "call_pstn_outgoing", CallPstnIncoming = "call_pstn_incoming", CallVn = "call_vn",
        CallExtension = "call_extension", Sms = "sms", Email = "email", Number = "number", NumberRenew = "number_renew",
        Tts = "tts", Recording = "recording",
    }
}

words! {
    /// What changed the balance: something that was used, money paid in, or a correction.
    TransactionType as "BillingTransactionType" { Usage = "usage", TopUp = "top_up", Adjustment = "adjustment" }
}

words! {
    /// How far it got: what is written down is final.
    BillingStatus as "BillingStatus" { End = "end" }
}

words! {
    /// What kind of thing it is for; empty: for none.
    ReferenceType as "BillingReferenceType" {
        Unset = "", Call = "call", Sms = "sms", Email = "email", Number = "number", NumberRenew = "number_renew",
        Speaking = "speaking", Recording = "recording",
    }
}

words! {
    /// VoIPBIN's plan: on a box there is one.
    PlanType as "AccountPlanType" { Free = "free" }
}

words! {
    /// Whether the plan can be used: always.
    PlanStatus as "AccountPlanStatus" { Active = "active" }
}

words! {
    /// Whether calls are refused when the balance is spent, or there is credit.
    PaymentType as "AccountPaymentType" { Prepaid = "prepaid", Postpaid = "postpaid" }
}

words! {
    /// How is paid: the box does not know.
    PaymentMethod as "AccountPaymentMethod" { Unset = "" }
}

words! {
    /// What becomes of a call that outlives the balance.
    WhenSpent as "AccountWhenSpent" { End = "end", Continue = "continue" }
}

/// The billing account as the API shows it and events carry it. Money is in micros: millionths of `currency`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct Account {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// VoIPBIN's plan.
    pub plan_type: PlanType,
    /// Whether it can be used.
    pub plan_status: PlanStatus,
    /// What is left, in micros; below zero: what is owed.
    pub balance_credit: i64,
    /// VoIPBIN's tokens: a box has none.
    pub balance_token: i64,
    /// The currency, by its three letters.
    pub currency: String,
    /// What a minute, or each, costs, in micros; what is not there is free.
    #[schema(value_type = std::collections::HashMap<String, i64>)]
    pub prices: BTreeMap<CostType, i64>,
    /// How far the balance may fall below zero, in micros.
    pub credit_limit: i64,
    /// Below which balance it is told that it is low, in micros; 0: never.
    pub low_balance: i64,
    /// Whether the balance is below that.
    pub is_low: bool,
    /// What becomes of calls that outlive the balance.
    pub when_spent: WhenSpent,
    /// What is said before such a call is ended; empty: only beeps.
    pub announcement: String,
    /// Whether there is credit.
    pub payment_type: PaymentType,
    /// How is paid.
    pub payment_method: PaymentMethod,
    /// When money was paid in last.
    pub tm_last_topup: Option<Timestamp>,
    /// When money is paid in by itself: never.
    pub tm_next_topup: Option<Timestamp>,
    /// When the box made its first agent.
    pub tm_create: Timestamp,
    /// When it was last changed, charges not counted.
    pub tm_update: Timestamp,
    /// When it was deleted: never.
    pub tm_delete: Option<Timestamp>,
}

/// An entry of the ledger as the API shows it and events carry it. Money is in micros: millionths of the account's currency.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Billing)]
pub struct Record {
    /// Its id, for ever: that of the call, where it is the charge of one.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// The billing account.
    pub account_id: Uuid,
    /// What changed the balance.
    pub transaction_type: TransactionType,
    /// How far it got.
    pub status: BillingStatus,
    /// What kind of thing it is for.
    pub reference_type: ReferenceType,
    /// That thing.
    pub reference_id: Uuid,
    /// What was paid for.
    pub cost_type: CostType,
    /// How many seconds it took.
    pub usage_duration: i64,
    /// For how many minutes, or of how many, is paid.
    pub billable_units: i64,
    /// VoIPBIN's tokens: none.
    pub rate_token_per_unit: i64,
    /// What one of them costs, in micros.
    pub rate_credit_per_unit: i64,
    /// VoIPBIN's tokens: none.
    pub amount_token: i64,
    /// What the balance changed by, in micros: below zero for what was used.
    pub amount_credit: i64,
    /// VoIPBIN's tokens: none.
    pub balance_token_snapshot: i64,
    /// The balance after it, in micros.
    pub balance_credit_snapshot: i64,
    /// There is one entry with this key, however often it was tried to make one.
    pub idempotency_key: Uuid,
    /// When what is paid for began.
    pub tm_billing_start: Timestamp,
    /// When it ended.
    pub tm_billing_end: Timestamp,
    /// When the entry was made.
    pub tm_create: Timestamp,
    /// The same: it is never changed.
    pub tm_update: Timestamp,
    /// When it was deleted: never.
    pub tm_delete: Option<Timestamp>,
}

/// What `billing_refused` and `billing_spent` carry.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = BillingShortage)]
pub struct Shortage {
    /// The box's customer.
    pub customer_id: Uuid,
    /// The billing account.
    pub account_id: Uuid,
    /// The call; nil: it was refused before there was one.
    pub call_id: Uuid,
    /// What it costs.
    pub cost_type: CostType,
    /// What its next minute costs, in micros.
    pub rate_credit_per_unit: i64,
    /// What is left, in micros, the minutes of calls that are up deducted.
    pub balance_credit: i64,
    /// Whether the call is ended, or was not begun.
    pub ends: bool,
}

/// What an entry charges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub cost_type: CostType,
    pub rate: i64,
    pub units: i64,
    pub seconds: i64,
}

/// An entry that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub id: Uuid,
    pub transaction_type: TransactionType,
    pub reference_type: ReferenceType,
    pub reference_id: Uuid,
    pub used: Option<Used>,
    pub amount: i64,
    pub started: Timestamp,
    pub ended: Timestamp,
}

/// A call that is being paid for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Running {
    pub call_id: Uuid,
    pub charge: Charge,
    pub started: Timestamp,
}

/// The billing account's id: the customer's, but for a mark.
pub fn account_id(identity: &Identity) -> Uuid {
    Uuid::from_u128(identity.customer_id.as_u128() ^ 0xB111)
}

impl CostType {
    fn source(self) -> Option<source::CostType> {
        source::CostType::from_name(self.word())
    }
}

impl From<source::CostType> for CostType {
    fn from(cost_type: source::CostType) -> CostType {
        CostType::from_word(cost_type.name()).unwrap_or(CostType::Unset)
    }
}

impl From<source::CostType> for ReferenceType {
    fn from(cost_type: source::CostType) -> ReferenceType {
        match cost_type {
            source::CostType::Sms => ReferenceType::Sms,
            source::CostType::Email => ReferenceType::Email,
            source::CostType::Number => ReferenceType::Number,
            source::CostType::NumberRenew => ReferenceType::NumberRenew,
            source::CostType::Tts => ReferenceType::Speaking,
            source::CostType::Recording => ReferenceType::Recording,
            _ => ReferenceType::Call,
        }
    }
}

impl From<&Charge> for Used {
    fn from(charge: &Charge) -> Used {
        let seconds = charge.duration.unwrap_or_default().as_secs() as i64;
        Used { cost_type: charge.cost_type.into(), rate: charge.rate.0, units: charge.minutes(), seconds }
    }
}

impl From<&source::Usage> for Used {
    fn from(usage: &source::Usage) -> Used {
        let (rate, seconds) = (usage.rate.0, usage.duration.as_secs() as i64);
        Used { cost_type: usage.cost_type.into(), rate, units: usage.units, seconds }
    }
}

impl From<source::WhenSpent> for WhenSpent {
    fn from(when_spent: source::WhenSpent) -> WhenSpent {
        match when_spent {
            source::WhenSpent::End => WhenSpent::End,
            source::WhenSpent::Continue => WhenSpent::Continue,
        }
    }
}

impl From<WhenSpent> for source::WhenSpent {
    fn from(when_spent: WhenSpent) -> source::WhenSpent {
        match when_spent {
            WhenSpent::End => source::WhenSpent::End,
            WhenSpent::Continue => source::WhenSpent::Continue,
        }
    }
}

/// The prices that are not zero, by their words.
pub fn prices(prices: &source::Prices) -> BTreeMap<CostType, i64> {
    let all = source::CostType::ALL.into_iter().map(|cost_type| (cost_type.into(), prices.of(cost_type).0));
    all.filter(|(_, rate)| *rate != 0).collect()
}

/// The same, the other way; words that are none are passed over.
pub fn to_prices(rates: &BTreeMap<CostType, i64>) -> source::Prices {
    let mut prices = source::Prices::default();
    for (cost_type, rate) in rates {
        cost_type.source().into_iter().for_each(|cost_type| prices.set(cost_type, Micros(*rate)));
    }
    prices
}

impl Account {
    /// The public form; the moment of creation is known to the table of agents.
    pub(crate) fn new(account: &BillingAccount, created: Timestamp, identity: &Identity) -> Account {
        let BillingAccount { data, balance, topped_up, updated } = account;
        Account {
            id: account_id(identity),
            customer_id: identity.customer_id,
            name: data.name.clone(),
            detail: data.detail.clone(),
            plan_type: PlanType::Free,
            plan_status: PlanStatus::Active,
            balance_credit: balance.0,
            balance_token: 0,
            currency: data.currency.clone(),
            prices: prices(&data.prices),
            credit_limit: data.credit_limit.0,
            low_balance: data.low_balance.0,
            is_low: data.low_balance.0 > 0 && balance.0 < data.low_balance.0,
            when_spent: data.when_spent.into(),
            announcement: data.announcement.clone(),
            payment_type: if data.credit_limit.0 > 0 { PaymentType::Postpaid } else { PaymentType::Prepaid },
            payment_method: PaymentMethod::Unset,
            tm_last_topup: topped_up.map(Into::into),
            tm_next_topup: None,
            tm_create: created,
            tm_update: Timestamp(updated.0).max(created),
            tm_delete: None,
        }
    }
}

impl Shortage {
    pub(crate) fn new(shortage: &source::Shortage, identity: &Identity) -> Shortage {
        Shortage {
            customer_id: identity.customer_id,
            account_id: account_id(identity),
            call_id: shortage.call_id,
            cost_type: shortage.cost_type.into(),
            rate_credit_per_unit: shortage.rate.0,
            balance_credit: shortage.balance.0,
            ends: shortage.ends,
        }
    }
}

/// The account as it is kept.
pub(crate) fn account(connection: &Connection) -> Result<BillingAccount, Error> {
    let sql = "SELECT name, detail, currency, prices, credit_limit, low_balance, when_spent, announcement, balance, \
         topped_up, updated FROM billing_account";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut account, rates) = statement.query_row([], |row| {
        let data = BillingAccountData {
            name: row.get(0)?,
            detail: row.get(1)?,
            currency: row.get(2)?,
            credit_limit: Micros(row.get(4)?),
            low_balance: Micros(row.get(5)?),
            when_spent: row.get::<_, WhenSpent>(6)?.into(),
            announcement: row.get(7)?,
            ..BillingAccountData::default()
        };
        let (balance, topped_up) = (Micros(row.get(8)?), row.get::<_, Option<i64>>(9)?.map(UnixMicros));
        let updated = UnixMicros(row.get(10)?);
        Ok((BillingAccount { data, balance, topped_up, updated }, row.get::<_, String>(3)?))
    })?;
    account.data.prices = to_prices(&serde_json::from_str(&rates)?);
    Ok(account)
}

/// The account's public form.
pub(crate) fn shown_account(connection: &Connection, identity: &Identity) -> Result<Account, Error> {
    let created = "SELECT min(created) FROM agent";
    let created: Option<Timestamp> = connection.prepare_cached(created)?.query_row([], |row| row.get(0))?;
    Ok(Account::new(&account(connection)?, created.unwrap_or(Timestamp(0)), identity))
}

/// Writes what is set of the account; the balance is the ledger's.
pub(crate) fn save(connection: &Connection, account: &BillingAccount) -> Result<(), Error> {
    let sql = "UPDATE billing_account SET name = ?1, detail = ?2, currency = ?3, prices = ?4, credit_limit = ?5, \
         low_balance = ?6, when_spent = ?7, announcement = ?8, updated = ?9";
    let data = &account.data;
    connection.prepare_cached(sql)?.execute(params![
        data.name,
        data.detail,
        data.currency,
        serde_json::to_string(&prices(&data.prices))?,
        data.credit_limit.0,
        data.low_balance.0,
        WhenSpent::from(data.when_spent),
        data.announcement,
        account.updated.0,
    ])?;
    Ok(())
}

/// Makes an entry and moves the balance by it. `None`: there is one with its key, and nothing is done.
pub(crate) fn book(
    connection: &Connection,
    identity: &Identity,
    (entry, at): (&Entry, Timestamp),
) -> Result<Option<Record>, Error> {
    let known = "SELECT 1 FROM billing WHERE id = ?1";
    if connection.prepare_cached(known)?.exists([entry.id.as_bytes()])? {
        return Ok(None);
    }
    let topped_up = (entry.transaction_type == TransactionType::TopUp).then_some(at);
    let sql = "UPDATE billing_account SET balance = max(balance + ?1, ?2), topped_up = coalesce(?3, topped_up) \
         RETURNING balance";
    let least = -pbx::limits::MONEY;
    let balance =
        connection.prepare_cached(sql)?.query_row(params![entry.amount, least, topped_up], |row| row.get(0))?;
    let sql = "INSERT INTO billing (id, transaction_type, reference_type, reference_id, cost_type, usage_duration, \
         billable_units, rate, amount, balance, started, ended, created) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let record = Record::new(entry, (balance, at), identity);
    connection.prepare_cached(sql)?.execute(params![
        entry.id.as_bytes(),
        record.transaction_type,
        record.reference_type,
        ids::unless_nil(&record.reference_id),
        record.cost_type,
        record.usage_duration,
        record.billable_units,
        record.rate_credit_per_unit,
        record.amount_credit,
        record.balance_credit_snapshot,
        record.tm_billing_start,
        record.tm_billing_end,
        record.tm_create,
    ])?;
    Ok(Some(record))
}

impl Record {
    fn new(entry: &Entry, (balance, at): (i64, Timestamp), identity: &Identity) -> Record {
        let used = entry.used;
        Record {
            id: entry.id,
            customer_id: identity.customer_id,
            account_id: account_id(identity),
            transaction_type: entry.transaction_type,
            status: BillingStatus::End,
            reference_type: entry.reference_type,
            reference_id: entry.reference_id,
            cost_type: used.map_or(CostType::Unset, |used| used.cost_type),
            usage_duration: used.map_or(0, |used| used.seconds),
            billable_units: used.map_or(0, |used| used.units),
            rate_token_per_unit: 0,
            rate_credit_per_unit: used.map_or(0, |used| used.rate),
            amount_token: 0,
            amount_credit: entry.amount,
            balance_token_snapshot: 0,
            balance_credit_snapshot: balance,
            idempotency_key: entry.id,
            tm_billing_start: entry.started,
            tm_billing_end: entry.ended,
            tm_create: at,
            tm_update: at,
            tm_delete: None,
        }
    }

    fn read(row: &Row<'_>, identity: &Identity) -> rusqlite::Result<Record> {
        let (id, created) = (ids::get(row, 1)?, row.get(13)?);
        Ok(Record {
            id,
            customer_id: identity.customer_id,
            account_id: account_id(identity),
            transaction_type: row.get(2)?,
            status: BillingStatus::End,
            reference_type: row.get(3)?,
            reference_id: ids::get_or_nil(row, 4)?,
            cost_type: row.get(5)?,
            usage_duration: row.get(6)?,
            billable_units: row.get(7)?,
            rate_token_per_unit: 0,
            rate_credit_per_unit: row.get(8)?,
            amount_token: 0,
            amount_credit: row.get(9)?,
            balance_token_snapshot: 0,
            balance_credit_snapshot: row.get(10)?,
            idempotency_key: id,
            tm_billing_start: row.get(11)?,
            tm_billing_end: row.get(12)?,
            tm_create: created,
            tm_update: created,
            tm_delete: None,
        })
    }
}

const COLUMNS: &str = "number, id, transaction_type, reference_type, reference_id, cost_type, usage_duration, \
     billable_units, rate, amount, balance, started, ended, created";

/// The entry with this id.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM billing WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id.as_bytes()], |row| Record::read(row, identity)).optional()?)
}

/// A page of the ledger, the newest entry first.
pub(crate) fn list(connection: &Connection, identity: &Identity, page: PageRequest) -> Result<Page<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM billing WHERE number < ?1 ORDER BY number DESC LIMIT ?2");
    page.collect(&mut connection.prepare_cached(&sql)?, |row| Record::read(row, identity))
}

/// A call is being paid for from now on.
pub(crate) fn begin(connection: &Connection, running: &Running) -> Result<(), Error> {
    let sql = "INSERT OR IGNORE INTO billing_running (call_id, cost_type, rate, started) VALUES (?1, ?2, ?3, ?4)";
    let Running { call_id, charge, started } = running;
    let cost_type = CostType::from(charge.cost_type);
    connection.prepare_cached(sql)?.execute(params![call_id.as_bytes(), cost_type, charge.rate.0, started])?;
    Ok(())
}

/// It is no longer.
pub(crate) fn end(connection: &Connection, call_id: Uuid) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM billing_running WHERE call_id = ?1")?.execute([call_id.as_bytes()])?;
    Ok(())
}

/// The calls that were being paid for when the process ended, each with what it is charged: the time until the last moment
/// that is known of that process.
pub(crate) fn interrupted(connection: &Connection) -> Result<Vec<Running>, Error> {
    let alive = last_sign_of_life(connection)?;
    let mut statement = connection.prepare("SELECT call_id, cost_type, rate, started FROM billing_running")?;
    let rows = statement.query_map([], |row| {
        let started: Timestamp = row.get(3)?;
        let cost_type = row.get::<_, CostType>(1)?.source().unwrap_or(source::CostType::CallExtension);
        let lasted = Duration::from_micros(u64::try_from(alive.0.saturating_sub(started.0)).unwrap_or(0));
        let duration = Some(lasted.min(limits::INTERRUPTED_CALL));
        Ok(Running {
            call_id: ids::get(row, 0)?,
            charge: Charge { cost_type, rate: Micros(row.get(2)?), duration },
            started,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// When the process before this one wrote something last.
fn last_sign_of_life(connection: &Connection) -> Result<Timestamp, Error> {
    let sql = "SELECT at FROM event_log ORDER BY seq DESC LIMIT 1";
    let event: Option<Timestamp> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    let probe = crate::setting::read(connection, "probe")?.and_then(|bytes| bytes.try_into().ok());
    let probe = probe.map(|bytes| Timestamp(i64::from_be_bytes(bytes)));
    Ok(event.max(probe).unwrap_or(Timestamp(0)))
}

/// After a restoration: the balance is what the last entry that was saved says.
pub(crate) fn repair(connection: &Connection) -> Result<(), Error> {
    let sql = "UPDATE billing_account SET balance = \
         coalesce((SELECT balance FROM billing ORDER BY number DESC LIMIT 1), balance)";
    connection.execute(sql, [])?;
    Ok(())
}

/// Deletes the oldest entries where there are more than `keep`; returns how many went.
pub(crate) fn trim(connection: &Connection, keep: i64, step: i64) -> Result<usize, Error> {
    let sql = "DELETE FROM billing WHERE number IN (SELECT number FROM billing \
         WHERE number <= (SELECT max(number) FROM billing) - ?1 ORDER BY number LIMIT ?2)";
    Ok(connection.prepare_cached(sql)?.execute(params![keep, step])?)
}
