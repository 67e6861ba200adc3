//! Transfers with real phones: by one that asks for it in SIP, and by a program.

use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, wait};
use serde_json::{Value, json};

/// Number, pitch.
const PHONES: [(&str, u32); 3] = [("1001", 440), ("1002", 1_000), ("1003", 2_125)];

/// Three phones, each with a tone; 1001 has called 1002.
fn talking(exchange: &Exchange) -> Result<[Phone; 3]> {
    let mut phones = Vec::new();
    for (number, pitch) in PHONES {
        exchange.add_extension(number)?;
        let setup = Setup::new(exchange, number).playing(pitch);
        phones.push(if number == "1001" { setup } else { setup.answering() }.start()?);
        exchange.await_registrations(number, 1)?;
    }
    phones[0].dial("1002")?;
    phones[0].await_event("CALL_ESTABLISHED")?;
    phones[1].await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(2));
    phones.try_into().ok().context("three phones")
}

/// Whoever is left hears the third phone at the end, and is heard by it.
fn assert_brought_together([first, second, mut third]: [Phone; 3]) -> Result<()> {
    third.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(4));
    third.command("hangup", "")?;
    drop(first);
    let (heard, by_third) = (second.heard()?, third.heard()?);
    let end = heard.seconds() - 0.5;
    heard.part(end - 2.0, end).assert_tone_of_any_length(2_125);
    let end = by_third.seconds() - 0.5;
    by_third.part(end - 2.0, end).assert_tone_of_any_length(1_000);
    Ok(())
}

#[test]
fn a_phone_sends_the_one_it_talks_to_to_another() -> Result<()> {
    let exchange = Exchange::start()?;
    let mut phones = talking(&exchange)?;
    let up = |call: &Value| call["direction"] == "outgoing" && call["status"] == "progressing";
    let call = exchange.await_call("the called one's", up)?;
    let recording = exchange.record(call["id"].as_str().unwrap_or_default(), json!({}))?;
    wait::let_pass(Duration::from_secs(2));
    phones[0].command("transfer", &format!("sip:1003@{}", exchange.sip_address()))?;
    phones[0].await_event("CALL_CLOSED")?;
    assert_brought_together(phones)?;
    // Whom it is of goes on in another call, and so does the recording: one file, with both whom it talked to.
    let fetched = exchange.fetch_recording(&exchange.await_ended(&recording)?)?;
    let [said, heard] = &fetched.channels[..] else { panic!("two channels") };
    said.part(0.3, said.seconds() - 0.5).assert_tone_of_any_length(1_000);
    heard.part(0.3, 1.7).assert_tone_of_any_length(440);
    heard.part(heard.seconds() - 2.0, heard.seconds() - 0.5).assert_tone_of_any_length(2_125);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_program_lets_two_consult_and_then_brings_the_third_to_one_of_them() -> Result<()> {
    let exchange = Exchange::start()?;
    let mut phones = talking(&exchange)?;
    let up = |call: &Value| call["direction"] == "incoming" && call["status"] == "progressing";
    let call = exchange.await_call("the caller's", up)?;
    let body = json!({
        "transfer_type": "attended", "transferer_call_id": call["id"],
        "transferee_addresses": [{"type": "extension", "target": "1003"}],
    });
    let transfer = exchange.post("/v1.0/transfers", body)?;
    assert_eq!((&transfer["type"], &transfer["transferer_call_id"]), (&json!("attended"), &call["id"]));
    wait::let_pass(Duration::from_secs(3));
    phones[0].command("hangup", "")?;
    assert_brought_together(phones)?;
    exchange.assert_no_errors();
    Ok(())
}
