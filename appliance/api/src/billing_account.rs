//! `/v1.0/billing_account`: prices, the balance, and what happens when it is spent.

use std::collections::BTreeMap;

use axum::extract::State as Shared;
use pbx::billing::{Adjustment, BillingAccountData, Micros};
use pbx::{Command, Rejection};
use serde::Deserialize;
use store::billing::{Account, CostType, Record, WhenSpent, to_prices};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::Json;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::state::State;

/// What changes of the billing account; what is not there stays as it is. Money is in micros: millionths of the currency.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AccountUpdate {
    /// Its name.
    name: Option<String>,
    /// A remark.
    detail: Option<String>,
    /// The currency: three capital letters (ISO 4217).
    currency: Option<String>,
    /// Prices by cost type, of a minute or of each; 0 is free, and what is not there stays as it is. Calls between extensions are free.
    #[schema(value_type = Option<std::collections::HashMap<String, i64>>)]
    prices: Option<BTreeMap<CostType, i64>>,
    /// How far the balance may fall below zero before calls are refused.
    credit_limit: Option<i64>,
    /// Below which balance `billing_account_low` is told; 0: never.
    low_balance: Option<i64>,
    /// What becomes of a call that outlives the balance.
    when_spent: Option<WhenSpent>,
    /// What is said to those who talk 20 s before their call is ended, after three beeps; empty: nothing.
    announcement: Option<String>,
}

/// Money to be added to the balance, or taken from it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BalanceChange {
    /// How much, in micros: more than 0.
    balance_credit: i64,
    /// However often the same is asked for with the same key, it is done once; without one each request counts.
    idempotency_key: Option<Uuid>,
}

/// Shows the billing account.
#[utoipa::path(
    get,
    path = "/v1.0/billing_account",
    responses((status = 200, body = Account), (status = 401, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope)),
    tag = "billing"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<axum::Json<Account>, Failure> {
    Ok(axum::Json(state.readers().read(|reader| reader.billing_account()).await?))
}

/// Changes the billing account. Calls that are up are charged by the price that counted when they were begun.
#[utoipa::path(
    put,
    path = "/v1.0/billing_account",
    request_body = AccountUpdate,
    responses(
        (status = 200, body = Account),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "billing"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    Json(change): Json<AccountUpdate>,
) -> Result<axum::Json<Account>, Failure> {
    let before = state.readers().read(|reader| reader.billing_account()).await?;
    ask(&state, Command::UpdateBillingAccount(Box::new(change.data(before)?))).await?;
    get(Shared(state)).await
}

/// Adds money to the balance.
#[utoipa::path(
    post,
    path = "/v1.0/billing_account/balance_add_force",
    request_body = BalanceChange,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "BILLING_ALREADY_EXISTS: the key was used for something else"),
    ),
    tag = "billing"
)]
pub(crate) async fn add(
    Shared(state): Shared<State>,
    Json(change): Json<BalanceChange>,
) -> Result<axum::Json<Record>, Failure> {
    adjust(&state, &change, change.balance_credit).await
}

/// Takes money from the balance.
#[utoipa::path(
    post,
    path = "/v1.0/billing_account/balance_subtract_force",
    request_body = BalanceChange,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "BILLING_ALREADY_EXISTS: the key was used for something else"),
    ),
    tag = "billing"
)]
pub(crate) async fn subtract(
    Shared(state): Shared<State>,
    Json(change): Json<BalanceChange>,
) -> Result<axum::Json<Record>, Failure> {
    adjust(&state, &change, change.balance_credit.saturating_neg()).await
}

async fn adjust(state: &State, change: &BalanceChange, amount: i64) -> Result<axum::Json<Record>, Failure> {
    if change.balance_credit <= 0 {
        return Err(Rejection::Invalid { field: "balance_credit", reason: "must be more than 0" }.into());
    }
    let key = change.idempotency_key.map_or_else(|| fresh_key(state), Ok)?;
    let written = move |reader: &store::Reader| reader.billing(key);
    // What was done long ago the exchange does not remember, but the ledger does.
    if state.readers().read(written).await?.is_none() {
        ask(state, Command::AdjustBalance(Adjustment { key, amount: Micros(amount) })).await?;
    }
    match state.readers().read(written).await? {
        Some(record) if record.amount_credit == amount => Ok(axum::Json(record)),
        Some(_) => Err(Rejection::AlreadyExists("billing").into()),
        None => Err(Failure::new(Status::Internal, "INTERNAL", "the ledger has no such entry")),
    }
}

fn fresh_key(state: &State) -> Result<Uuid, Failure> {
    let bytes = state.entropy()?;
    Ok(uuid::Builder::from_random_bytes(*bytes.first_chunk().expect("64 bytes hold 16")).into_uuid())
}

impl AccountUpdate {
    fn data(self, before: Account) -> Result<BillingAccountData, Failure> {
        let AccountUpdate { name, detail, currency, prices, credit_limit, low_balance, when_spent, announcement } =
            self;
        let mut rates = before.prices;
        rates.extend(prices.unwrap_or_default());
        if rates.remove(&CostType::Unset).is_some() {
            return Err(Rejection::Invalid { field: "prices", reason: "has a price of nothing" }.into());
        }
        Ok(BillingAccountData {
            name: name.unwrap_or(before.name),
            detail: detail.unwrap_or(before.detail),
            currency: currency.unwrap_or(before.currency),
            prices: to_prices(&rates),
            credit_limit: Micros(credit_limit.unwrap_or(before.credit_limit)),
            low_balance: Micros(low_balance.unwrap_or(before.low_balance)),
            when_spent: when_spent.unwrap_or(before.when_spent).into(),
            announcement: announcement.unwrap_or(before.announcement),
        })
    }
}
