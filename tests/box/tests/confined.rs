//! The process as it runs on a board: it has given up what it does not need, and all that telephony needs goes on.

use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::{Exchange, wait};
use serde_json::json;

/// What the kernel says of the process.
fn status(exchange: &Exchange, name: &str) -> Result<String> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", exchange.process.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("the kernel tells it")?;
    Ok(line.trim().to_owned())
}

#[test]
fn calls_recordings_mp3_and_speech_go_on() -> Result<()> {
    let exchange = Exchange::start_as(|plan| {
        plan.arguments = ["--confine", "true"].map(str::to_owned).to_vec();
    })?;
    assert_eq!(exchange.said("confined").len(), 1, "{:#?}", exchange.process.said());
    assert_eq!((status(&exchange, "NoNewPrivs:")?.as_str(), status(&exchange, "Seccomp:")?.as_str()), ("1", "2"));

    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let mut caller = Setup::new(&exchange, "1001").playing(440).start()?;
    let _callee = Setup::new(&exchange, "1002").playing(1_000).answering().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    let up = |call: &serde_json::Value| call["direction"] == "incoming" && call["status"] == "progressing";
    let call = exchange.await_call("the call", up)?;
    let id = call["id"].as_str().context("a call has an id")?;
    let recording = exchange.record(id, json!({ "format": "mp3" }))?;
    exchange.await_recording(&recording, "to run", |recording| recording["status"] == "recording")?;
    wait::let_pass(Duration::from_secs(3));
    exchange.steer_recording(id, "stop")?;
    let recording = exchange.await_ended(&recording)?;
    let fetched = exchange.fetch_recording(&recording)?;
    assert_eq!((fetched.looked.codec.as_str(), fetched.looked.channels), ("mp3", 2), "the helper that converts works");
    caller.command("hangup", "")?;
    caller.await_event("CALL_CLOSED")?;

    // Another helper speaks.
    let talk = json!([{ "type": "answer" }, { "type": "talk", "option": { "text": "Hello.", "language": "en-US" } }]);
    exchange.add_number("500", talk)?;
    caller.dial("500")?;
    caller.await_event("CALL_CLOSED")?;
    let spoken = std::fs::read_dir(exchange.folder().join("cache/speech"))?.count();
    assert!(spoken > 0, "nothing was spoken");
    exchange.assert_no_errors();
    Ok(())
}
