//! A phone that has no account calls by a direct hash, which the box still knows after a crash.

use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, event_log, wait};
use serde_json::json;

#[test]
fn a_phone_without_an_account_reaches_the_extension_and_nobody_else() -> Result<()> {
    let exchange = Exchange::start()?;
    let id = exchange.add_extension("1001")?["id"].as_str().unwrap_or_default().to_string();
    let path = format!("/v1.0/extensions/{id}");
    assert!(exchange.get(&path)?.get("direct_hash").is_none(), "there is none before one is made");
    let made = exchange.post(&format!("{path}/direct-hash-regenerate"), json!({}))?;
    let hash = made["direct_hash"].as_str().unwrap_or_default().to_string();
    assert_eq!(hash.len(), 32, "{made}");
    let exchange = exchange.crash_and_restart()?;
    let mut alice = Setup::new(&exchange, "1001").answering().playing(700).start()?;
    exchange.await_registrations("1001", 1)?;

    let mut guest = Setup { password: String::new(), ..Setup::new(&exchange, "visitor") }.start()?;
    for nobody in ["1001".to_string(), format!("direct.{}", "0".repeat(32))] {
        guest.dial(&nobody)?;
        guest.await_event("CALL_CLOSED")?;
    }
    assert!(exchange.calls()?.is_empty(), "nobody was called");
    guest.dial(&format!("direct.{hash}"))?;
    guest.await_event("CALL_ESTABLISHED")?;
    alice.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(2));
    guest.command("hangup", "")?;
    alice.await_event("CALL_CLOSED")?;
    let is_over = |call: &serde_json::Value| call["direction"] == "incoming" && call["status"] == "hangup";
    let call = exchange.await_call("the guest's call", is_over)?;
    assert_eq!(
        (&call["source"]["target"], &call["destination"]["target"]),
        (&json!("guest"), &json!("1001")),
        "{call}"
    );
    let ladder =
        exchange.get(&format!("/v1.0/calls/{}/sequence", call["id"].as_str().unwrap_or_default()))?.to_string();
    assert!(ladder.contains("direct.…") && !ladder.contains(&hash), "{ladder}");
    let told: Vec<String> = event_log::read(&exchange)?.iter().map(|event| event.data.get().to_string()).collect();
    assert!(!told.is_empty() && !told.iter().any(|data| data.contains(&hash)), "no event says it");
    assert!(exchange.said(&hash).is_empty(), "no log says it");
    guest.heard()?.assert_tone(700);
    exchange.delete(&format!("{path}/direct-hash"))?;
    assert!(exchange.get(&path)?.get("direct_hash").is_none());
    exchange.assert_no_errors();
    Ok(())
}
