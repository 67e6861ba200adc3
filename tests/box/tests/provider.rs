//! A real provider: kamailio asks for a password, takes our registration, and carries calls of real phones both ways.

use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::kamailio::{self, PASSWORD};
use box_tests::{Exchange, Kamailio, Phone, wait};
use serde_json::json;

fn talk(caller: &mut Phone, callee: &mut Phone) -> Result<()> {
    callee.await_event("CALL_INCOMING")?;
    callee.command("accept", "")?;
    caller.await_event("CALL_ESTABLISHED")?;
    callee.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(3));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED").map(drop)
}

#[test]
fn a_phone_calls_a_number_over_the_provider_and_both_hear_each_other() -> Result<()> {
    let (exchange, provider) = (Exchange::start()?, Kamailio::start()?);
    provider.connect(&exchange)?;
    let mut world = provider.somebody(&exchange, "+4930999")?;
    exchange.add_extension("1001")?;
    let mut alice = Setup::new(&exchange, "1001").playing(440).start()?;
    exchange.await_registrations("1001", 1)?;
    alice.dial("+4930999")?;
    talk(&mut alice, &mut world)?;
    let call = exchange.await_call("the call", |call| call["direction"] == "outgoing" && call["status"] == "hangup")?;
    assert_eq!((&call["destination"]["type"], &call["destination"]["target"]), (&"tel".into(), &"+4930999".into()));
    let master = call["master_call_id"].as_str().unwrap_or_default();
    let ladder = exchange.get(&format!("/v1.0/calls/{master}/sequence"))?.to_string();
    for label in ["beyond the box", "407 Proxy", "the provider asks for our password: once more"] {
        assert!(ladder.contains(label), "{label} is not in {ladder}");
    }
    assert!(!ladder.contains(PASSWORD));
    alice.heard()?.assert_tone(1_300);
    world.heard()?.assert_tone(440);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn the_provider_calls_a_number_and_the_flow_answers() -> Result<()> {
    let (exchange, provider) = (Exchange::start()?, Kamailio::start()?);
    let made = provider.connect(&exchange)?;
    exchange.add_extension("1001")?;
    let mut alice = Setup::new(&exchange, "1001").playing(440).start()?;
    exchange.await_registrations("1001", 1)?;
    let to = json!([{ "type": "extension", "target": "1001" }]);
    let actions = json!([{ "type": "answer" }, { "type": "connect", "option": { "destinations": to } }]);
    exchange.add_number("+4930500", actions)?;
    let mut world = provider.somebody(&exchange, "+4930999")?;
    world.dial("+4930500")?;
    talk(&mut world, &mut alice)?;
    let call = exchange.await_call("the call", |call| call["direction"] == "incoming" && call["status"] == "hangup")?;
    assert_eq!((&call["source"]["type"], &call["source"]["target"]), (&"tel".into(), &"+4930999".into()));
    assert_eq!(call["destination"]["target"], "+4930500");
    alice.heard()?.assert_tone(1_300);
    world.heard()?.assert_tone_of_any_length(440);
    // A restart registers again from the first second.
    let exchange = exchange.stop_and_restart()?;
    kamailio::await_registered(&exchange, made["id"].as_str().context("an id")?)?;
    exchange.assert_no_errors();
    Ok(())
}
