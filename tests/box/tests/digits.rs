//! Keys pressed on one phone are told to the other, whether the audio between them is forwarded or made anew.

use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, wait};

fn phone(exchange: &Exchange, (number, pitch): (&str, u32), codecs: &'static str) -> Result<Phone> {
    exchange.add_extension(number)?;
    let phone = Setup { codecs, ..Setup::new(exchange, number).playing(pitch) }.start()?;
    exchange.await_registrations(number, 1)?;
    Ok(phone)
}

/// One presses keys, and the other says which it was told.
fn press(from: &mut Phone, to: &mut Phone, keys: &str) -> Result<()> {
    for key in keys.chars() {
        from.command("sndcode", &key.to_string())?;
        let told = to.await_event("CALL_DTMF_START")?;
        assert_eq!(told["param"], key.to_string(), "{told}");
        to.await_event("CALL_DTMF_END")?;
        wait::let_pass(Duration::from_millis(300));
    }
    Ok(())
}

fn digits_pass(codecs: [&'static str; 2]) -> Result<()> {
    let exchange = Exchange::start()?;
    let mut caller = phone(&exchange, ("1001", 440), codecs[0])?;
    let mut callee = phone(&exchange, ("1002", 1_000), codecs[1])?;
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    callee.command("accept", "")?;
    callee.await_event("CALL_ESTABLISHED")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(1));
    press(&mut caller, &mut callee, "159*")?;
    press(&mut callee, &mut caller, "0#")?;
    wait::let_pass(Duration::from_secs(2));
    let incoming = exchange.await_call("the call", |call| call["direction"] == "incoming")?;
    let id = incoming["id"].as_str().unwrap_or_default().to_string();
    let ladder = exchange.get(&format!("/v1.0/calls/{id}/sequence"))?.to_string();
    for key in "159*0#".chars() {
        assert_eq!(ladder.matches(&format!("\"digit {key}\"")).count(), 1, "each is told once: {ladder}");
    }
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    let heard = callee.heard()?;
    heard.part(heard.seconds() - 1.4, heard.seconds() - 0.2).assert_tone_of_any_length(440);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn where_the_audio_is_forwarded() -> Result<()> {
    digits_pass(["pcmu", "pcmu"])
}

#[test]
fn where_the_audio_is_made_anew() -> Result<()> {
    digits_pass(["pcmu", "opus/48000/2"])
}
