//! Phones with Opus and G.722 talk to one with G.711 over a network that loses one packet in fifty: what each hears is what the
//! other said, as loud, and without a gap. Measured by sox.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::relay::{self, Relay};
use box_tests::sound::Sound;
use box_tests::{Exchange, Phone, wait};
use serde_json::Value;

const LOSS: f64 = 0.02;
/// The amplitude of the tones that are said, and its effective level.
const LOUDNESS: f64 = 0.25;
const LEVEL: f64 = LOUDNESS * std::f64::consts::FRAC_1_SQRT_2;

fn phone(exchange: &Exchange, (number, pitch): (&str, u32), codecs: &'static str) -> Result<Phone> {
    Setup { codecs, ..Setup::new(exchange, number).playing(pitch).at_loudness(LOUDNESS) }.registered(exchange)
}

/// What `sox … stat` says of a sound under a name.
fn sox(sound: &Sound, name: &str) -> Result<f64> {
    let file = tempfile::Builder::new().suffix(".raw").tempfile()?;
    let samples: Vec<u8> = sound.samples.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect();
    std::fs::write(file.path(), samples)?;
    let rate = sound.rate.to_string();
    let format = ["-t", "raw", "-r", &rate, "-e", "signed", "-b", "16", "-c", "1"];
    let output = Command::new("sox").args(format).arg(file.path()).args(["-n", "stat"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}: {said}"))?;
    Ok(line.rsplit(' ').next().unwrap_or_default().parse()?)
}

fn assert_heard(sound: &Sound, pitch: u32) -> Result<()> {
    let level = 20.0 * (sox(sound, "RMS     amplitude")? / LEVEL).log10();
    let rough = sox(sound, "Rough   frequency")?;
    let gap = sound.longest_silence(0.02);
    println!("{pitch} Hz: sox finds {rough} Hz at {level:+.2} dB; the longest silence is {:.0} ms", gap * 1_000.0);
    assert!((rough / f64::from(pitch) - 1.0).abs() < 0.05, "{pitch} Hz is heard as {rough} Hz");
    assert!(level.abs() < 1.0, "{pitch} Hz is heard at {level:.2} dB");
    assert!(gap <= 0.02, "a gap of {gap} s");
    Ok(())
}

fn each_hears_the_other(codec: &'static str) -> Result<()> {
    let mut ports = (0, (0, 0));
    let exchange = Exchange::start_as(|plan| {
        ports = (plan.sip, plan.rtp);
        plan.arguments = vec!["--advertise".into(), relay::HOST.to_string()];
    })?;
    let relay = Relay::start(ports.0, ports.1, LOSS)?;
    let mut caller = phone(&exchange, ("1001", 440), codec)?;
    let mut callee = phone(&exchange, ("1002", 1_000), "pcma")?;
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    callee.command("accept", "")?;
    callee.await_event("CALL_ESTABLISHED")?;
    caller.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(10));
    callee.command("hangup", "")?;
    caller.await_event("CALL_CLOSED")?;
    let over = |call: &Value| call["direction"] == "incoming" && call["status"] == "hangup";
    let call = exchange.await_call("the record of the call", over)?;
    let quality = &call["metadata"]["quality"];
    let (carried, lost) = relay.counts();
    println!("{codec}: the relay lost {lost} of {} packets; the record: {quality}", carried + lost);
    assert!((4..60).contains(&lost) && carried > 800, "{lost} {carried}");
    assert!(quality["packets_lost"].as_u64().is_some_and(|lost| lost > 0), "{call}");
    assert!(quality["opinion"].as_f64().is_some_and(|opinion| (3.5..4.45).contains(&opinion)), "{call}");
    let id = call["id"].as_str().unwrap_or_default();
    let ladder = exchange.get(&format!("/v1.0/calls/{id}/sequence"))?.to_string();
    let ways: Vec<&str> = ladder.split('"').filter(|words| words.contains(" packets came, ")).collect();
    println!("{codec}: {ways:?}");
    assert!(ways.len() == 2 && ways.iter().all(|way| way.contains("delay ")), "both ways are told of: {ladder}");
    for (phone, pitch) in [(callee, 440), (caller, 1_000)] {
        let heard = phone.heard()?;
        assert_heard(&heard.part(1.0, heard.seconds() - 0.5), pitch)?;
    }
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn opus_to_g711() -> Result<()> {
    each_hears_the_other("opus/48000/2")
}

#[test]
fn g722_to_g711() -> Result<()> {
    each_hears_the_other("G722/16000/1")
}
