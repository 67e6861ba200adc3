//! Texts that are spoken by a web service, a process of its own with another voice; and by the box where that fails or is slow.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::sound::{Sound, read_wav};
use box_tests::speech_service::{KEY, SpeechService};
use box_tests::{Exchange, wait};
use serde_json::{Value, json};

const TEXT: &str = "The office is closed. Please call again tomorrow.";

/// The text by a voice, spoken for the test.
fn spoken(voice: &str) -> Result<Sound> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("spoken.wav");
    let said = Command::new("flite").args(["-voice", voice, "-t", TEXT, "-o"]).arg(&path).status();
    ensure!(said.context("flite is installed by tests/setup.sh")?.success());
    read_wav(&path)
}

/// A box that knows this service, and a number that says the text.
fn exchange(service: &SpeechService, key: &str) -> Result<Exchange> {
    let (url, key) = (service.url.clone(), format!("TANDEM_SPEECH_KEY={key}"));
    let exchange = Exchange::start_as(|plan| {
        plan.starter = vec!["env".into(), key];
        plan.arguments = ["--speech-url", &url, "--speech-voice", "rms"].map(str::to_string).into();
    })?;
    let talk = json!([{ "type": "answer" }, { "type": "talk", "option": { "text": TEXT, "language": "en-US" } }]);
    exchange.add_number("500", talk)?;
    exchange.add_extension("1001")?;
    Ok(exchange)
}

/// Calls the number and hears it to its end; what was heard, and the call's diagram.
fn listen(exchange: &Exchange) -> Result<(Sound, String)> {
    let mut phone = Setup::new(exchange, "1001").playing(440).at_loudness(0.1).start()?;
    exchange.await_registrations("1001", 1)?;
    let before = calls(exchange)?.len();
    phone.dial("500")?;
    phone.await_event("CALL_CLOSED")?;
    let call = wait::until("the record of the call", || {
        let calls = calls(exchange).ok()?;
        calls.first().filter(|call| calls.len() > before && call["status"] == "hangup").cloned()
    })?;
    let id = call["id"].as_str().unwrap_or_default();
    Ok((phone.heard()?, exchange.get(&format!("/v1.0/calls/{id}/sequence"))?.to_string()))
}

fn calls(exchange: &Exchange) -> Result<Vec<Value>> {
    Ok(exchange.get("/v1.0/calls")?["result"].as_array().cloned().unwrap_or_default())
}

fn assert_heard(heard: &Sound, voice: &str) -> Result<()> {
    let (at, likeness) = heard.find(&spoken(voice)?);
    assert!(likeness > 0.9, "{voice} was not heard: {likeness:.2} at {at:.1} s of {:.1} s", heard.seconds());
    Ok(())
}

#[test]
fn a_service_speaks_once_and_what_it_spoke_is_kept() -> Result<()> {
    let service = SpeechService::start(0)?;
    let exchange = exchange(&service, KEY)?;
    let (heard, ladder) = listen(&exchange)?;
    assert_heard(&heard, "rms")?;
    assert!(ladder.contains("spoken by openai") && !ladder.contains(KEY), "{ladder}");
    // A restart knows the key, though nobody tells it again, and the text, though nobody speaks it again.
    let exchange = exchange.without_starter().stop_and_restart()?;
    let (heard, ladder) = listen(&exchange)?;
    assert_heard(&heard, "rms")?;
    assert!(ladder.contains("spoken before by openai"), "{ladder}");
    let said = service.process.said();
    assert_eq!(said.iter().filter(|line| line.starts_with("spoken by rms")).count(), 1, "{said:?}");
    let found = Command::new("grep").args(["-rlF", KEY]).arg(exchange.folder()).output()?;
    assert!(found.stdout.is_empty(), "the key lies about in {}", String::from_utf8_lossy(&found.stdout));
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_service_that_is_slow_is_no_reason_for_silence() -> Result<()> {
    let service = SpeechService::start(30)?;
    let exchange = exchange(&service, KEY)?;
    let begun = std::time::Instant::now();
    let (heard, ladder) = listen(&exchange)?;
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_heard(&heard, "slt")?;
    assert!(ladder.contains("openai could not: the server takes too long; spoken by flite"), "{ladder}");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_service_that_refuses_is_no_reason_for_silence() -> Result<()> {
    let service = SpeechService::start(0)?;
    let exchange = exchange(&service, "another-key")?;
    let (heard, ladder) = listen(&exchange)?;
    assert_heard(&heard, "slt")?;
    assert!(ladder.contains("openai could not: it answers 401; spoken by flite"), "{ladder}");
    exchange.assert_no_errors();
    Ok(())
}
