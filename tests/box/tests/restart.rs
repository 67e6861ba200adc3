//! What the exchange remembers: over an orderly end, over a crash, and when it is asked to end in the middle of a call.

use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, wait};

/// Two registered phones, 1001 and 1002; the second answers by itself.
fn phones(exchange: &Exchange) -> Result<(Phone, Phone)> {
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let caller = Setup::new(exchange, "1001").start()?;
    let callee = Setup::new(exchange, "1002").answering().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    Ok((caller, callee))
}

#[test]
fn registrations_survive_a_restart() -> Result<()> {
    let exchange = Exchange::start()?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let mut caller = Setup::new(&exchange, "1001").start()?;
    let mut callee = Setup::new(&exchange, "1002").start()?;
    exchange.await_registrations("1001", 1)?;
    let before = exchange.await_registrations("1002", 1)?;
    let exchange = exchange.stop_and_restart()?;
    let after = exchange.registrations("1002")?;
    assert_eq!(after.len(), 1, "{after:?}");
    assert_eq!(before[0]["contact"], after[0]["contact"]);
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_crash_in_a_call_loses_nothing_that_was_acknowledged() -> Result<()> {
    let exchange = Exchange::start()?;
    let made = exchange.add_extension("1000")?;
    let (mut caller, _callee) = phones(&exchange)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    exchange.await_call("the call in the records", |call| call["status"] == "progressing")?;
    let exchange = exchange.crash_and_restart()?;
    let id = made["id"].as_str().unwrap_or_default();
    assert_eq!(exchange.get(&format!("/v1.0/extensions/{id}"))?["extension"], "1000");
    let calls = exchange.calls()?;
    assert_eq!(calls.len(), 2, "{calls:?}");
    for call in calls {
        assert_eq!((&call["status"], &call["hangup_reason"]), (&"hangup".into(), &"failed".into()), "{call}");
    }
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn asked_to_end_it_lets_the_call_end_first() -> Result<()> {
    let mut exchange = Exchange::start()?;
    let (mut caller, _callee) = phones(&exchange)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    exchange.process.signal(libc::SIGTERM);
    assert!(exchange.process.wait(Duration::from_secs(2)).is_none(), "it ended in the middle of a call");
    caller.command("hangup", "")?;
    let status = exchange.process.wait(wait::PATIENCE);
    assert!(status.is_some_and(|status| status.success()), "{status:?}: {:#?}", exchange.process.said());
    Ok(())
}

#[test]
fn asked_twice_to_end_it_hangs_up_and_ends() -> Result<()> {
    let mut exchange = Exchange::start()?;
    let (mut caller, mut callee) = phones(&exchange)?;
    let mut ringing = Setup::new(&exchange, "1003");
    exchange.add_extension("1003")?;
    ringing.pitch = 700;
    let mut ringing = ringing.start()?;
    exchange.await_registrations("1003", 1)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    callee.await_event("CALL_ESTABLISHED")?;
    // A phone that still rings is told as well.
    callee.dial("1003")?;
    ringing.await_event("CALL_INCOMING")?;

    exchange.process.signal(libc::SIGTERM);
    assert!(exchange.process.wait(Duration::from_secs(1)).is_none(), "it ended in the middle of a call");
    exchange.process.signal(libc::SIGTERM);
    for phone in [&mut caller, &mut callee, &mut ringing] {
        phone.await_event("CALL_CLOSED")?;
    }
    let status = exchange.process.wait(Duration::from_secs(3));
    assert!(status.is_some_and(|status| status.success()), "{status:?}: {:#?}", exchange.process.said());
    exchange.assert_no_errors();

    let exchange = exchange.restart()?;
    let calls = exchange.calls()?;
    assert_eq!(calls.len(), 4, "{calls:?}");
    for call in calls {
        assert_eq!((&call["status"], &call["hangup_by"]), (&"hangup".into(), &"local".into()), "{call}");
        assert_ne!(call["hangup_reason"], "failed", "it was not interrupted: {call}");
    }
    Ok(())
}

#[test]
fn a_damaged_database_is_restored_and_phones_call_again() -> Result<()> {
    let mut exchange = Exchange::start()?;
    let (caller, callee) = phones(&exchange)?;
    drop((caller, callee));
    exchange.process.signal(libc::SIGTERM);
    exchange.process.wait(wait::PATIENCE).context("SIGTERM ends it")?;
    let path = exchange.folder().join("tandem.db");
    let mut octets = std::fs::read(&path)?;
    let pages = octets.len() / 4_096;
    octets[4_096 * (pages / 3)..4_096 * (pages * 2 / 3)].fill(0x5A);
    std::fs::write(&path, octets)?;
    let exchange = exchange.restart()?;
    assert_eq!(exchange.said("the database was restored").len(), 1, "{:#?}", exchange.process.said());
    assert!(exchange.folder().join("tandem.db-damaged").exists());
    // Passwords and the administrator are there; the phones register anew.
    let mut caller = Setup::new(&exchange, "1001").start()?;
    let _callee = Setup::new(&exchange, "1002").answering().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    Ok(())
}
