//! Phones that encrypt their audio, with keys in SIP, and phones that do not: who may call whom, and what each hears.

use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, wait};
use serde_json::Value;

/// What baresip offers first, and what we do: the answer takes the first of the offer.
const SUITES: [&str; 2] = ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"];

/// An exchange with this setting, and two phones that encrypt as baresip names it.
fn two_phones(setting: &str, encryption: [&'static str; 2]) -> Result<(Exchange, Phone, Phone)> {
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--encryption".into(), setting.into()])?;
    let start = |number: &str, pitch: u32, encryption: &'static str| -> Result<Phone> {
        exchange.add_extension(number)?;
        let phone = Setup { encryption, ..Setup::new(&exchange, number).playing(pitch) }.start()?;
        exchange.await_registrations(number, 1)?;
        Ok(phone)
    };
    let caller = start("1001", 440, encryption[0])?;
    let callee = start("1002", 1_000, encryption[1])?;
    Ok((exchange, caller, callee))
}

/// Each hears the other's tone, and the records tell how each leg was encrypted.
fn each_hears_the_other(setting: &str, encryption: [&'static str; 2]) -> Result<()> {
    let (exchange, mut caller, mut callee) = two_phones(setting, encryption)?;
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    callee.command("accept", "")?;
    callee.await_event("CALL_ESTABLISHED")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(6));
    // The audio goes on through hold, which is a new offer under the same keys.
    caller.command("hold", "")?;
    exchange.await_call("the held call", |call| call["direction"] == "incoming" && call["metadata"]["held"] == true)?;
    caller.command("resume", "")?;
    exchange
        .await_call("the resumed call", |call| call["direction"] == "incoming" && call["metadata"]["held"] == false)?;
    wait::let_pass(Duration::from_secs(2));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    for ((direction, encryption), suite) in ["incoming", "outgoing"].into_iter().zip(encryption).zip(SUITES) {
        let over = |call: &Value| call["direction"] == direction && call["status"] == "hangup";
        let call = exchange.await_call("the record of the leg", over)?;
        let suite = if encryption.is_empty() { Value::Null } else { suite.into() };
        assert_eq!(call["metadata"]["encryption"], suite, "{call}");
        let quality = &call["metadata"]["quality"];
        assert!(quality["packets_received"].as_u64().is_some_and(|packets| packets > 300), "{call}");
        assert!(quality["opinion"].as_f64().is_some_and(|opinion| opinion > 4.0), "{call}");
        assert!(quality["remote_loss_percent"] == 0.0, "the phone's reports are understood: {call}");
        let id = call["id"].as_str().unwrap_or_default();
        let ladder = exchange.get(&format!("/v1.0/calls/{id}/sequence"))?.to_string();
        assert_eq!(ladder.matches("inline:").count(), ladder.matches("inline:…").count(), "a key is shown");
    }
    for (phone, pitch) in [(caller, 1_000), (callee, 440)] {
        let heard = phone.heard()?;
        heard.part(0.4, 5.0).assert_tone_of_any_length(pitch);
        heard.part(heard.seconds() - 1.2, heard.seconds() - 0.2).assert_tone_of_any_length(pitch);
    }
    exchange.assert_no_errors();
    assert!(exchange.said("inline:").is_empty(), "a key is in the log");
    Ok(())
}

#[test]
fn a_phone_that_insists_calls_a_plain_one() -> Result<()> {
    each_hears_the_other("optional", ["srtp-mand", ""])
}

#[test]
fn a_plain_phone_calls_one_that_encrypts() -> Result<()> {
    each_hears_the_other("optional", ["", "srtp"])
}

#[test]
fn where_it_is_required_both_encrypt_each_by_its_own_keys() -> Result<()> {
    each_hears_the_other("required", ["srtp-mand", "srtp-mand"])
}

#[test]
fn who_cannot_or_may_not_is_refused() -> Result<()> {
    for (setting, encryption) in [("required", ["", "srtp-mand"]), ("off", ["srtp-mand", ""])] {
        let (exchange, mut caller, _callee) = two_phones(setting, encryption)?;
        caller.dial("1002")?;
        let closed = caller.await_event("CALL_CLOSED")?;
        assert!(closed["param"].as_str().is_some_and(|why| why.starts_with("488")), "{setting}: {closed}");
        exchange.assert_no_errors();
    }
    Ok(())
}
