//! Two phones call each other through the exchange, and each hears the other's tone; then everything else two phones do.

use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, wait};
use serde_json::Value;

const TALK: Duration = Duration::from_secs(3);

fn two_phones(exchange: &Exchange, change: impl Fn(Setup) -> Setup) -> Result<(Phone, Phone)> {
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let caller = change(Setup::new(exchange, "1001").playing(440)).start()?;
    let callee = change(Setup::new(exchange, "1002").playing(1000)).start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    Ok((caller, callee))
}

fn establish(caller: &mut Phone, callee: &mut Phone) -> Result<()> {
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    caller.await_event("CALL_RINGING")?;
    callee.command("accept", "")?;
    callee.await_event("CALL_ESTABLISHED")?;
    caller.await_event("CALL_ESTABLISHED")?;
    Ok(())
}

fn ended(exchange: &Exchange) -> Result<Value> {
    let over = |call: &Value| {
        (&call["direction"], &call["status"], &call["destination"]["target"])
            == (&"incoming".into(), &"hangup".into(), &"1002".into())
    };
    let call = exchange.await_call("the record of the ended call", over)?;
    assert_eq!(call["source"]["target"], "1001", "{call}");
    Ok(call)
}

fn each_hears_the_other(change: impl Fn(Setup) -> Setup) -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee) = two_phones(&exchange, change)?;
    establish(&mut caller, &mut callee)?;
    wait::let_pass(TALK);
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    let call = ended(&exchange)?;
    assert_eq!((&call["hangup_by"], &call["hangup_reason"]), (&"remote".into(), &"normal".into()), "{call}");
    assert!(call["metadata"]["quality"]["packets_received"].as_u64().is_some_and(|packets| packets > 100), "{call}");
    caller.heard()?.assert_tone(1000);
    callee.heard()?.assert_tone(440);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn each_hears_the_other_over_udp() -> Result<()> {
    each_hears_the_other(|setup| setup)
}

#[test]
fn each_hears_the_other_over_tcp() -> Result<()> {
    each_hears_the_other(Setup::over_tcp)
}

#[test]
fn a_law_hears_mu_law_and_the_other_way_round() -> Result<()> {
    each_hears_the_other(|setup| {
        let codecs = if setup.number == "1001" { "pcma" } else { "pcmu" };
        Setup { codecs, ..setup }
    })
}

#[test]
fn the_called_one_hangs_up_and_the_ladder_tells_it() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee) = two_phones(&exchange, |setup| setup)?;
    establish(&mut caller, &mut callee)?;
    callee.command("hangup", "")?;
    caller.await_event("CALL_CLOSED")?;
    let call = ended(&exchange)?;
    assert_eq!(call["hangup_by"], "local", "{call}");
    let id = call["id"].as_str().unwrap_or_default();
    let sequence = exchange.get(&format!("/v1.0/calls/{id}/sequence"))?;
    let steps = sequence["steps"].as_array().cloned().unwrap_or_default();
    let labels: Vec<&str> = steps.iter().filter_map(|step| step["label"].as_str()).collect();
    for expected in [
        "INVITE",
        "401",
        "100 Trying",
        "180 Ringing",
        "200 OK",
        "ACK",
        "BYE",
        "connect",
        "call_answered",
        "call_hungup",
    ] {
        assert!(labels.iter().any(|label| label.starts_with(expected)), "no {expected} in {labels:#?}");
    }
    let text = sequence.to_string();
    assert!(!text.contains("secret1001"), "a password is shown");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn hold_is_silent_and_resume_is_heard() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee) = two_phones(&exchange, |setup| setup)?;
    establish(&mut caller, &mut callee)?;
    wait::let_pass(Duration::from_secs(2));
    caller.command("hold", "")?;
    exchange.await_call("the held call", |call| call["direction"] == "incoming" && call["metadata"]["held"] == true)?;
    wait::let_pass(Duration::from_secs(2));
    caller.command("resume", "")?;
    exchange
        .await_call("the resumed call", |call| call["direction"] == "incoming" && call["metadata"]["held"] == false)?;
    wait::let_pass(Duration::from_secs(2));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    ended(&exchange)?;
    let heard = callee.heard()?;
    heard.part(0.4, 1.4).assert_tone_of_any_length(440);
    heard.part(heard.seconds() - 1.4, heard.seconds() - 0.2).assert_tone_of_any_length(440);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_phone_that_is_off_a_phone_that_rejects_and_a_number_that_is_not_there() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee) = two_phones(&exchange, |setup| setup)?;
    exchange.add_extension("1003")?;
    for (number, status) in [("1003", "480"), ("1999", "404")] {
        caller.dial(number)?;
        let closed = caller.await_event("CALL_CLOSED")?;
        assert!(closed["param"].as_str().is_some_and(|why| why.starts_with(status)), "{number}: {closed}");
    }
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    callee.command("hangup", "")?;
    let closed = caller.await_event("CALL_CLOSED")?;
    assert!(closed["param"].as_str().is_some_and(|why| why.starts_with("486")), "{closed}");
    let call = ended(&exchange)?;
    assert_eq!(call["hangup_reason"], "busy", "{call}");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn the_caller_thinks_better_of_it() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee) = two_phones(&exchange, |setup| setup)?;
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    let call = ended(&exchange)?;
    assert_eq!(call["tm_progressing"], Value::Null, "{call}");
    let leg = exchange.await_call("the record of the called leg", |call| call["direction"] == "outgoing")?;
    assert_eq!((&leg["hangup_by"], &leg["hangup_reason"]), (&"local".into(), &"cancel".into()), "{leg}");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn an_administrator_ends_a_call() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee) = two_phones(&exchange, |setup| setup)?;
    establish(&mut caller, &mut callee)?;
    let call =
        exchange.await_call("the call", |call| call["direction"] == "incoming" && call["status"] == "progressing")?;
    let id = call["id"].as_str().unwrap_or_default();
    exchange.post(&format!("/v1.0/calls/{id}/hangup"), Value::Null)?;
    caller.await_event("CALL_CLOSED")?;
    callee.await_event("CALL_CLOSED")?;
    let call = ended(&exchange)?;
    assert_eq!(call["hangup_by"], "local", "{call}");
    exchange.assert_no_errors();
    Ok(())
}
