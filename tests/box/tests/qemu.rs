//! The same call with the exchange inside the booted arm64 image: phones on the host, everything between them in the guest.

use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Api, wait};

const PASSWORD: &str = "only for this test";
const BOOT: Duration = Duration::from_secs(60);

#[test]
fn two_phones_call_each_other_through_the_image() -> Result<()> {
    let disk = qemu::Disk::fresh()?;
    let setup = qemu::Setup::new(&disk)?.word(format!("tandem.admin_password={}", PASSWORD.replace(' ', "_")));
    let mut machine = qemu::Machine::boot(&setup)?;
    machine.wait_for("tandem answers", BOOT)?;
    let exchange = Api::new(machine.http(), machine.sip().port(), &PASSWORD.replace(' ', "_"))?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let mut caller = Setup::new(&exchange, "1001").playing(440).start()?;
    let mut callee = Setup::new(&exchange, "1002").playing(1000).over_tcp().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    callee.command("accept", "")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(4));
    callee.command("hangup", "")?;
    caller.await_event("CALL_CLOSED")?;
    let over = |call: &serde_json::Value| call["direction"] == "incoming" && call["status"] == "hangup";
    let call = exchange.await_call("the record of the ended call", over)?;
    assert_eq!((&call["hangup_by"], &call["hangup_reason"]), (&"local".into(), &"normal".into()), "{call}");
    caller.heard()?.assert_tone(1000);
    callee.heard()?.assert_tone(440);
    machine.power_button()?;
    machine.wait_off(BOOT)?;
    Ok(())
}
