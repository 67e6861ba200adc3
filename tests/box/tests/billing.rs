//! Calls that cost something, over a real provider: charged once, whenever the exchange is killed; refused when nothing is left.

use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::{Cloud, Exchange, Kamailio, event_log, wait};
use serde_json::{Value, json};

const RATE: i64 = 12_000;
const PAID_IN: i64 = 20 * RATE;

fn ledger(exchange: &Exchange) -> Result<Vec<Value>> {
    Ok(exchange.get("/v1.0/billings")?["result"].as_array().cloned().unwrap_or_default())
}

/// The charges: that there is one for each call that left the box, and that the balance is what all entries come to.
fn assert_charged_once(exchange: &Exchange, calls: usize) -> Result<()> {
    let entries = ledger(exchange)?;
    let mut charged: Vec<&str> = entries
        .iter()
        .filter(|entry| entry["transaction_type"] == "usage")
        .filter_map(|entry| entry["reference_id"].as_str())
        .collect();
    charged.sort_unstable();
    let records = exchange.calls()?;
    let mut paid: Vec<&str> = records
        .iter()
        .filter(|call| call["direction"] == "outgoing" && !call["tm_progressing"].is_null())
        .filter_map(|call| call["id"].as_str())
        .collect();
    paid.sort_unstable();
    assert_eq!((charged.len(), &charged), (calls, &paid), "{entries:#?}");
    let sum: i64 = entries.iter().filter_map(|entry| entry["amount_credit"].as_i64()).sum();
    assert_eq!(exchange.get("/v1.0/billing_account")?["balance_credit"], sum);
    assert_eq!(sum, PAID_IN - calls as i64 * RATE);
    Ok(())
}

#[test]
fn whenever_the_exchange_is_killed_a_call_is_charged_once() -> Result<()> {
    let home = tempfile::tempdir()?;
    let cloud = Cloud::start(home.path(), &["--token", "open sesame"])?;
    let mut exchange = Exchange::start_as(|plan| {
        plan.arguments.extend(["--cloud-url".into(), format!("http://{}", cloud.address)]);
        plan.variables.push(("TANDEM_CLOUD_TOKEN".into(), "open sesame".into()));
    })?;
    let provider = Kamailio::start()?;
    provider.connect(&exchange)?;
    let world = provider.setup(&exchange, "+4930999").answering().start()?;
    world.await_registered()?;
    exchange.add_extension("1001")?;
    let mut alice = Setup::new(&exchange, "1001").playing(440).start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.put("/v1.0/billing_account", json!({ "prices": { "call_pstn_outgoing": RATE } }))?;
    let key = "00000000-0000-4000-8000-000000000001";
    let paid = json!({ "balance_credit": PAID_IN, "idempotency_key": key });
    exchange.post("/v1.0/billing_account/balance_add_force", paid.clone())?;
    // In the middle of a call; between hang-up and what is written of it; when it is written down.
    // Nobody tells the world's phone that such a call is over, and it holds four at a time.
    let moments = [None, Some(0), Some(20), Some(150)];
    for (round, moment) in moments.into_iter().enumerate() {
        alice.dial("+4930999")?;
        alice.await_event("CALL_ESTABLISHED")?;
        exchange.await_call("the call in the records", |call| {
            call["direction"] == "outgoing" && call["status"] == "progressing"
        })?;
        if let Some(milliseconds) = moment {
            alice.command("hangup", "")?;
            wait::let_pass(Duration::from_millis(milliseconds));
        }
        exchange = exchange.crash_and_restart()?;
        if moment.is_none() {
            alice.command("hangup", "")?;
        }
        alice.await_event("CALL_CLOSED")?;
        assert_charged_once(&exchange, round + 1).with_context(|| format!("killed after {moment:?} ms"))?;
        let again = exchange.post("/v1.0/billing_account/balance_add_force", paid.clone())?;
        assert_eq!(again["idempotency_key"], key, "paid in once");
    }
    let told = event_log::read(&exchange)?;
    let charges = told.iter().filter(|event| event.kind == "billing_created").count();
    assert_eq!(charges, 1 + moments.len(), "one event for each entry");
    let there = "SELECT count(*) FROM record WHERE class = 'billing' AND type = 'billing_created'";
    wait::until("the cloud to have every entry", || (cloud.ask(there).ok()? == charges.to_string()).then_some(()))?;
    // Nothing is left: the phone is told so.
    let left = exchange.get("/v1.0/billing_account")?["balance_credit"].as_i64().context("a balance")?;
    exchange.post("/v1.0/billing_account/balance_subtract_force", json!({ "balance_credit": left }))?;
    alice.dial("+4930999")?;
    let closed = alice.await_event("CALL_CLOSED")?;
    assert!(closed.to_string().contains("403"), "{closed}");
    assert!(event_log::read(&exchange)?.iter().any(|event| event.kind == "billing_refused"));
    exchange.assert_no_errors();
    Ok(())
}
