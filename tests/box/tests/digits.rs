//! Keys pressed on one phone are told to the other, whether the audio between them is forwarded or made anew.

use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, pcap, sipp, wait};
use serde_json::json;

fn phone(exchange: &Exchange, (number, pitch): (&str, u32), codecs: &'static str) -> Result<Phone> {
    Setup { codecs, ..Setup::new(exchange, number).playing(pitch) }.registered(exchange)
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

/// A key as it sounds (ITU-T Q.23), 80 ms and a pause.
fn sound((lower, upper): (f64, f64)) -> Vec<f64> {
    let wave = |hertz: f64, sample: u32| (f64::from(sample) * hertz / 8_000.0 * std::f64::consts::TAU).sin();
    let tone = (0..640).map(|sample| 0.2 * (wave(lower, sample) + wave(upper, sample)));
    tone.chain(std::iter::repeat_n(0.0, 800)).collect()
}

#[test]
fn keys_that_are_only_heard_lead_through_a_menu() -> Result<()> {
    let exchange = Exchange::start()?;
    exchange.add_extension("1001")?;
    let keys = json!({ "type": "digits_receive", "option": { "length": 3, "duration": 10_000 } });
    let heard = json!({ "type": "variable_set", "option": { "key": "heard", "value": "${voipbin.call.digits}" } });
    let actions = json!([{ "type": "answer" }, keys, heard, { "type": "sleep", "option": { "duration": 20_000 } }]);
    exchange.add_number("500", actions)?;
    // A word first, in which nothing is to be heard, then 1, 5 and #.
    let word =
        (0..8_000).map(|sample| 0.2 * (f64::from(sample) * 0.12 + (f64::from(sample) * 0.004).sin() * 9.0).sin());
    let keys = [(697.0, 1_209.0), (770.0, 1_336.0), (941.0, 1_477.0)].into_iter().flat_map(sound);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("keys.pcap");
    pcap::write(&file, &word.chain(keys).chain(std::iter::repeat_n(0.0, 8_000)).collect::<Vec<_>>())?;
    let play = format!("<exec play_pcap_audio=\"{}\"/>", file.display());
    let talk = format!("<nop><action>{play}</action></nop><pause milliseconds=\"4000\"/>");
    sipp::run(&exchange, &sipp::call("500", &talk), &[])?;
    let call = exchange.await_call("the call", |call| call["status"] == "hangup")?;
    let id = call["id"].as_str().unwrap_or_default();
    let ladder = exchange.get(&format!("/v1.0/calls/{id}/sequence"))?.to_string();
    for key in "15#".chars() {
        assert_eq!(ladder.matches(&format!("\"digit {key}\"")).count(), 1, "each is told once: {ladder}");
    }
    assert_eq!(ladder.matches("heard as tones").count(), 3, "{ladder}");
    assert!(ladder.contains("opinion score"), "{ladder}");
    assert!(ladder.contains("15#"), "the flow had them all: {ladder}");
    exchange.assert_no_errors();
    Ok(())
}
