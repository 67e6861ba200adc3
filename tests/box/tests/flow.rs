//! Real phones call a number, and go through its flow: they hear a tone, press keys, are connected, recorded and sent away.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, wait};
use serde_json::{Value, json};

/// A menu: 1 and 2 lead to a phone each, anything else to the beep again, once.
fn office() -> Value {
    let id = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
    let to = |number: &str| json!({ "destinations": [{ "type": "extension", "target": number }] });
    json!([
        { "id": id(1), "type": "answer" },
        { "id": id(2), "type": "beep" },
        { "id": id(3), "type": "digits_receive", "option": { "length": 1, "duration": 4000 } },
        { "id": id(4), "type": "branch",
          "option": { "target_ids": { "1": id(10), "2": id(20) }, "default_target_id": id(5) } },
        { "id": id(5), "type": "goto", "option": { "target_id": id(2), "loop_count": 1 } },
        { "id": id(6), "type": "hangup" },
        { "id": id(10), "type": "connect", "option": to("1002") },
        { "id": id(11), "type": "hangup" },
        { "id": id(20), "type": "record_start", "option": { "format": "wav" } },
        { "id": id(21), "type": "connect", "option": to("1003") },
        { "id": id(22), "type": "record_stop" },
    ])
}

fn phone(exchange: &Exchange, number: &str, change: impl Fn(Setup) -> Setup) -> Result<Phone> {
    change(Setup::new(exchange, number)).registered(exchange)
}

/// The names of the actions that the last flow ran.
fn ran(exchange: &Exchange) -> Result<Vec<String>> {
    let ended = |flow: &Value| flow["status"] == "ended";
    let flow = wait::until("the flow is over", || {
        let flows = exchange.get("/v1.0/activeflows").ok()?;
        flows["result"].as_array().and_then(|flows| flows.first().filter(|flow| ended(flow)).cloned())
    })?;
    let actions = flow["executed_actions"].as_array().cloned().unwrap_or_default();
    Ok(actions.iter().filter_map(|action| action["type"].as_str().map(str::to_string)).collect())
}

#[test]
fn a_menu_connects_records_and_goes_on() -> Result<()> {
    let exchange = Exchange::start()?;
    exchange.add_number("500", office())?;
    let mut caller = phone(&exchange, "1001", |setup| setup.playing(440))?;
    let _idle = phone(&exchange, "1002", |setup| setup)?;
    let mut callee = phone(&exchange, "1003", |setup| setup.playing(1_300))?;
    caller.dial("500")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(1));
    caller.command("sndcode", "2")?;
    callee.await_event("CALL_INCOMING")?;
    wait::let_pass(Duration::from_secs(3));
    callee.command("accept", "")?;
    callee.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(3));
    callee.command("hangup", "")?;
    caller.await_event("CALL_CLOSED")?;
    let expected = ["answer", "beep", "digits_receive", "branch", "record_start", "connect", "record_stop"];
    assert_eq!(ran(&exchange)?, expected);
    let call = exchange.await_call("the call", |call| call["direction"] == "incoming" && call["status"] == "hangup")?;
    assert_eq!((&call["hangup_by"], &call["hangup_reason"]), (&"local".into(), &"normal".into()), "{call}");
    assert_eq!(call["recording_ids"].as_array().map(Vec::len), Some(1), "{call}");
    let id = call["id"].as_str().unwrap_or_default().to_string();
    let ladder = exchange.get(&format!("/v1.0/calls/{id}/sequence"))?.to_string();
    for label in ["start flow", "\"digits_receive\"", "\"digit 2\"", "where is 1003?", "end of the flow"] {
        assert!(ladder.contains(label), "{label} is not in {ladder}");
    }
    // The beep of 1000 Hz, the ringing tone of 425 Hz, and then the other phone.
    let heard = caller.heard()?;
    let end = heard.seconds();
    heard.part(end - 2.5, end - 0.5).assert_tone_of_any_length(1_300);
    let before = heard.part(0.0, end - 3.5);
    let share = |pitch: f64| before.share_of(pitch);
    assert!(share(425.0) > 0.3 && share(1_000.0) > 0.05, "{} of 425 Hz, {} of 1000 Hz", share(425.0), share(1_000.0));
    callee.heard()?.assert_tone(440);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn who_presses_nothing_is_sent_away_after_the_second_beep() -> Result<()> {
    let exchange = Exchange::start()?;
    exchange.add_number("500", office())?;
    let mut caller = phone(&exchange, "1001", |setup| setup)?;
    caller.dial("500")?;
    caller.await_event("CALL_ESTABLISHED")?;
    caller.await_event("CALL_CLOSED")?;
    let menu = ["beep", "digits_receive", "branch", "goto"];
    assert_eq!(ran(&exchange)?, [&["answer"][..], &menu, &menu, &["hangup"]].concat());
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn sounds_of_the_box_are_played_one_after_the_other() -> Result<()> {
    let exchange = Exchange::start()?;
    for (name, pitch) in [("low.wav", "500"), ("high.wav", "1700")] {
        let path = exchange.folder().join("sounds").join(name);
        let made = Command::new("sox")
            .args(["-n", "-r", "8000", "-b", "16"])
            .arg(path)
            .args(["synth", "1.5", "sine", pitch, "vol", "0.3"])
            .status()?;
        assert!(made.success(), "sox makes {name}");
    }
    let actions = json!([
        { "type": "answer" },
        { "type": "play", "option": { "stream_urls": ["file:low.wav", "file:high.wav"] } },
        { "type": "play", "option": { "stream_urls": ["file:../tandem.db"] } },
        { "type": "play", "option": { "stream_urls": ["http://127.0.0.1:1/secret.wav"] } },
    ]);
    exchange.add_number("500", actions)?;
    let mut caller = phone(&exchange, "1001", |setup| setup)?;
    caller.dial("500")?;
    caller.await_event("CALL_ESTABLISHED")?;
    caller.await_event("CALL_CLOSED")?;
    assert_eq!(ran(&exchange)?, ["answer", "play", "play", "play"], "what cannot be played is passed over");
    let heard = caller.heard()?;
    let share = |pitch: f64| heard.share_of(pitch);
    assert!(share(500.0) > 0.3 && share(1_700.0) > 0.3, "{} of 500 Hz, {} of 1700 Hz", share(500.0), share(1_700.0));
    exchange.assert_no_errors();
    Ok(())
}
