//! The measuring instruments measured: two phones without an exchange between them hear each other's tone and nothing else.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::wait;

fn loose(number: &str, pitch: u32) -> Setup {
    Setup {
        number: number.into(),
        password: String::new(),
        transport: "udp",
        pitch,
        loudness: 1.0,
        answers: false,
        codecs: "pcma",
        encryption: "",
        is_browser: false,
        authority: None,
        registrar: ([127, 0, 0, 1], ports::free(2)).into(),
        host: Ipv4Addr::LOCALHOST.into(),
    }
}

#[test]
fn two_phones_without_an_exchange_hear_each_other() -> Result<()> {
    let mut caller = loose("1", 440).start()?;
    let mut callee = loose("2", 1000).start()?;
    caller.command("dial", &format!("sip:2@127.0.0.1:{}", callee.port))?;
    callee.await_event("CALL_INCOMING")?;
    callee.command("accept", "")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(3));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    caller.heard()?.assert_tone(1000);
    callee.heard()?.assert_tone(440);
    Ok(())
}
