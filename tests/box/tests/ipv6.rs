//! Phones that speak IPv6: with each other, and with one that does not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, wait};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Two phones at these addresses talk at an exchange that listens at that one; returns all that went over the wire.
fn talk(listens: IpAddr, caller: IpAddr, called: IpAddr) -> Result<String> {
    let exchange = Exchange::start_as(|plan| plan.host = listens)?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let at = |host, setup| Setup { host, registrar: SocketAddr::new(host, exchange.sip), ..setup };
    let mut caller = at(caller, Setup::new(&exchange, "1001").playing(440)).start()?;
    let mut callee = at(called, Setup::new(&exchange, "1002").playing(1000).answering()).start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(3));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    let over = |call: &serde_json::Value| call["direction"] == "incoming" && call["status"] == "hangup";
    let call = exchange.await_call("the record of the call", over)?;
    assert!(call["metadata"]["quality"]["packets_sent"].as_u64().is_some_and(|packets| packets > 100), "{call}");
    caller.heard()?.assert_tone(1000);
    callee.heard()?.assert_tone(440);
    exchange.assert_no_errors();
    let id = call["id"].as_str().unwrap_or_default();
    Ok(exchange.get(&format!("/v1.0/calls/{id}/sequence"))?.to_string())
}

/// How many descriptions say that audio is received at an address.
fn descriptions(ladder: &str, line: &str) -> usize {
    ladder.matches(line).count()
}

#[test]
fn each_hears_the_other() -> Result<()> {
    let ladder = talk(V6, V6, V6)?;
    assert!(descriptions(&ladder, "c=IN IP6 ::1") >= 4 && descriptions(&ladder, "c=IN IP4") == 0, "{ladder}");
    Ok(())
}

#[test]
fn ipv6_hears_ipv4_and_the_other_way_round() -> Result<()> {
    for (caller, called) in [(V6, V4), (V4, V6)] {
        let ladder = talk(Ipv6Addr::UNSPECIFIED.into(), caller, called)?;
        assert!(descriptions(&ladder, "c=IN IP6 ::1") >= 2, "{ladder}");
        assert!(descriptions(&ladder, "c=IN IP4 127.0.0.1") >= 2, "{ladder}");
    }
    Ok(())
}
