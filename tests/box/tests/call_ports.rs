//! Ports of audio that another process holds: this one. They are passed over, and said so once.

use std::net::UdpSocket;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, wait};

const TALK: std::time::Duration = std::time::Duration::from_secs(2);

fn hold(ports: impl IntoIterator<Item = u16>) -> Result<Vec<UdpSocket>> {
    ports.into_iter().map(|port| Ok(UdpSocket::bind(("127.0.0.1", port))?)).collect()
}

fn phones(exchange: &Exchange) -> Result<(Phone, Phone)> {
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let caller = Setup::new(exchange, "1001").playing(440).start()?;
    let callee = Setup::new(exchange, "1002").playing(1000).answering().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    Ok((caller, callee))
}

#[test]
fn ports_in_other_hands_are_passed_over() -> Result<()> {
    let first = ports::free(12);
    // The RTP port of one pair, the RTCP port of the next, both of a third.
    let held = hold([first, first + 3, first + 4, first + 5])?;
    let exchange = Exchange::start_as(|plan| plan.rtp = (first, first + 11))?;
    let (mut caller, mut callee) = phones(&exchange)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(TALK);
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    assert_eq!((exchange.metric("rtp_ports_set_aside")?, exchange.metric("rtp_ports_held_total")?), (3, 3));
    assert_eq!(exchange.said("in other hands").len(), 1, "it is said once");
    caller.heard()?.assert_tone(1000);
    callee.heard()?.assert_tone(440);
    exchange.assert_no_errors();
    drop(held);
    Ok(())
}

#[test]
fn with_every_port_in_other_hands_calls_are_refused() -> Result<()> {
    let first = ports::free(8);
    let held = hold(first..first + 8)?;
    let exchange = Exchange::start_as(|plan| plan.rtp = (first, first + 7))?;
    let (mut caller, _callee) = phones(&exchange)?;
    caller.dial("1002")?;
    let closed = caller.await_event("CALL_CLOSED")?;
    assert!(closed["param"].as_str().is_some_and(|why| why.starts_with("503")), "{closed}");
    let call = exchange.await_call("the refused call", |call| call["status"] == "hangup")?;
    assert_eq!(call["metadata"]["hangup_cause"], 34, "{call}");
    exchange.assert_no_errors();
    drop(held);
    Ok(())
}
