//! Audio that is found by ICE and secured by DTLS, with other people's code at the other end.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::namespace::{self, Uplink};
use box_tests::{Exchange, wait};
use serde_json::{Value, json};

/// Where tests/setup.sh made the environment of aiortc.
fn aiortc() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = cache.or(home).context("there is no home")?.join("tandem/aiortc-1.16.0");
    ensure!(folder.join("ready").exists(), "aiortc is missing: tests/setup.sh installs it");
    Ok(folder.join("bin/python"))
}

/// At every address of this network: phones with ICE do not look for anybody at 127.0.0.1.
fn exchange() -> Result<Exchange> {
    Exchange::start_as(|plan| plan.arguments.extend(["--webrtc".into(), format!("0.0.0.0:{}", ports::free(2))]))
}

/// What stands on the arrows of a call.
fn labels(exchange: &Exchange, call: &Value) -> Result<Vec<String>> {
    let ladder = exchange.get(&format!("/v1.0/calls/{}/sequence", call["id"].as_str().unwrap_or_default()))?;
    assert!(!ladder.to_string().contains("ice-pwd:A") && ladder.to_string().contains("ice-pwd:…"), "{ladder}");
    let steps = ladder["steps"].as_array().cloned().unwrap_or_default();
    Ok(steps.iter().filter_map(|step| step["label"].as_str().map(str::to_owned)).collect())
}

/// baresip has an ICE agent and OpenSSL's DTLS: what it plays the desk phone hears, and the other way round.
#[test]
fn a_phone_with_ice_and_dtls_talks_with_a_desk_phone() -> Result<()> {
    if namespace::enter("a_phone_with_ice_and_dtls_talks_with_a_desk_phone")? {
        return Ok(());
    }
    let _uplink = Uplink::new()?;
    let exchange = exchange()?;
    let mut desk = Setup::new(&exchange, "1002").playing(1_000).answering().registered(&exchange)?;
    let mut browser = Setup::new(&exchange, "1001").as_browser().registered(&exchange)?;
    browser.dial("1002")?;
    browser.await_event("CALL_ESTABLISHED")?;
    desk.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(3));
    // The audio goes on through hold, which is a new offer on the same way.
    browser.command("hold", "")?;
    exchange.await_call("the held call", |call| call["direction"] == "incoming" && call["metadata"]["held"] == true)?;
    browser.command("resume", "")?;
    exchange
        .await_call("the resumed call", |call| call["direction"] == "incoming" && call["metadata"]["held"] == false)?;
    wait::let_pass(Duration::from_secs(2));
    browser.command("hangup", "")?;
    desk.await_event("CALL_CLOSED")?;
    let over = |call: &Value| call["direction"] == "incoming" && call["status"] == "hangup";
    let call = exchange.await_call("the record of the leg", over)?;
    let suite = call["metadata"]["encryption"].as_str().unwrap_or_default();
    assert!(["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"].contains(&suite), "{call}");
    let quality = &call["metadata"]["quality"];
    assert!(quality["packets_received"].as_u64().is_some_and(|packets| packets > 150), "{call}");
    assert!(quality["opinion"].as_f64().is_some_and(|opinion| opinion > 4.0), "{call}");
    let labels = labels(&exchange, &call)?;
    for said in ["ICE: path chosen".to_string(), format!("DTLS 1.2: {suite}")] {
        assert_eq!(labels.iter().filter(|label| **label == said).count(), 1, "{said}: {labels:?}");
    }
    assert_eq!((exchange.metric("webrtc_handshakes_total")?, exchange.metric("webrtc_sessions")?), (1, 0));
    for (phone, pitch) in [(browser, 1_000), (desk, 440)] {
        let heard = phone.heard()?;
        heard.part(0.6, 2.5).assert_tone_of_any_length(pitch);
        heard.part(heard.seconds() - 1.2, heard.seconds() - 0.2).assert_tone_of_any_length(pitch);
    }
    exchange.assert_no_errors();
    assert!(exchange.said("ice-pwd").is_empty(), "a password is in the log");
    Ok(())
}

/// aiortc is a second stack that nobody here wrote. Twenty at once call an echo, and each hears its own tone, some by
/// Opus, most by G.711.
#[test]
fn twenty_browsers_at_once_hear_themselves() -> Result<()> {
    if namespace::enter("twenty_browsers_at_once_hear_themselves")? {
        return Ok(());
    }
    let _uplink = Uplink::new()?;
    let exchange = exchange()?;
    exchange.add_number("500", json!([{ "type": "answer" }, { "type": "echo", "option": { "duration": 60_000 } }]))?;
    (0..20).try_for_each(|place| exchange.add_extension(&(2_000 + place).to_string()).map(drop))?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/browsers.py");
    let (program, port) = (aiortc()?, exchange.sip_address().port().to_string());
    let ten = |first: &str| {
        let mut command = Command::new(&program);
        command
            .args([script, "127.0.0.1", &port, "500", first, "10", "5"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn()
    };
    let (mut said, mut trouble) = (String::new(), String::new());
    for child in [ten("0")?, ten("10")?] {
        let output = child.wait_with_output()?;
        said.push_str(&String::from_utf8_lossy(&output.stdout));
        trouble.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    let browsers: Vec<Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(browsers.len(), 20, "{said}{trouble}");
    assert_eq!(browsers.iter().filter(|browser| browser["codec"] == "opus/48000/2").count(), 4, "{said}");
    for browser in &browsers {
        assert!(browser["share"].as_f64().is_some_and(|share| share > 0.9), "{browser}\n{said}{trouble}");
        assert_eq!(browser["bye"], "SIP/2.0 200 OK");
    }
    let mut times: Vec<u64> = browsers.iter().filter_map(|browser| browser["sound_ms"].as_u64()).collect();
    times.sort_unstable();
    println!("from INVITE to sound, of twenty at once: {} ms in the middle, {} ms at most", times[10], times[19]);
    assert_eq!(
        (exchange.metric("webrtc_handshakes_total")?, exchange.metric("webrtc_handshakes_failed_total")?),
        (20, 0)
    );
    wait::until("every way to be closed", || (exchange.metric("webrtc_sessions").ok()? == 0).then_some(()))?;
    exchange.assert_no_errors();
    Ok(())
}
