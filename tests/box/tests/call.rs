//! Two phones call each other through the exchange, and each hears the other's tone.

use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, wait};

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

fn each_hears_the_other(transport: impl Fn(Setup) -> Setup) -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee) = two_phones(&exchange, transport)?;
    establish(&mut caller, &mut callee)?;
    wait::let_pass(Duration::from_secs(3));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    let call = exchange.await_call("the record of the ended call", |call| {
        call["direction"] == "incoming" && call["status"] == "hangup"
    })?;
    assert_eq!(call["source"]["target"], "1001", "{call}");
    assert_eq!(call["destination"]["target"], "1002", "{call}");
    assert_eq!(call["hangup_by"], "remote", "{call}");
    assert_eq!(call["hangup_reason"], "normal", "{call}");
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
