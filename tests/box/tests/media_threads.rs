//! Two media threads: calls on both, and a conference whose phones sit on both and hear each other.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::sound::Sound;
use box_tests::{Exchange, Phone, wait};
use serde_json::{Value, json};

/// Number and pitch.
const PHONES: [(&str, u32); 4] = [("1001", 425), ("1002", 725), ("1003", 1_025), ("1004", 1_475)];

/// Four such tones together are not yet limited.
const LOUDNESS: f64 = 0.2;

fn start() -> Result<(Exchange, Vec<Phone>)> {
    let exchange = Exchange::start_as(|plan| {
        let more = ["--media-threads", "2", "--conference-seats-per-thread", "2"];
        plan.arguments.extend(more.map(str::to_owned));
    })?;
    let mut phones = Vec::new();
    for (number, pitch) in PHONES {
        exchange.add_extension(number)?;
        phones.push(Setup::new(&exchange, number).playing(pitch).at_loudness(LOUDNESS).start()?);
        exchange.await_registrations(number, 1)?;
    }
    Ok((exchange, phones))
}

/// How often each media thread has slept, by its name.
fn sleeps(exchange: &Exchange) -> Result<Vec<(String, u64)>> {
    let tasks = PathBuf::from(format!("/proc/{}/task", exchange.process.pid()));
    let mut found = Vec::new();
    for task in std::fs::read_dir(tasks)? {
        let folder = task?.path();
        let name = std::fs::read_to_string(folder.join("comm"))?.trim().to_owned();
        if name.starts_with("media-") {
            let status = std::fs::read_to_string(folder.join("status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            found.push((name, line.context("the kernel counts")?.trim().parse()?));
        }
    }
    found.sort();
    Ok(found)
}

/// Fails unless both threads were woken about as often as one of them is by the packets of two phones.
fn assert_both_work(exchange: &Exchange) -> Result<()> {
    let before = sleeps(exchange)?;
    wait::let_pass(Duration::from_secs(2));
    let after = sleeps(exchange)?;
    let names: Vec<&str> = after.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["media-0", "media-1"]);
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        assert!(after - before >= 100, "{name} woke {} times in two seconds", after - before);
    }
    Ok(())
}

/// Fails unless exactly these pitches of the phones are in a sound.
fn assert_pitches(heard: &Sound, wanted: &[u32]) {
    let share = |pitch: u32| heard.share_of(f64::from(pitch));
    let shares: Vec<(u32, f64)> = PHONES.iter().map(|(_, pitch)| (*pitch, share(*pitch))).collect();
    for (pitch, share) in &shares {
        let right = if wanted.contains(pitch) { *share > 0.6 / wanted.len() as f64 } else { *share < 0.01 };
        assert!(right, "wanted {wanted:?}, heard {shares:?}");
    }
}

#[test]
fn two_calls_are_on_two_threads() -> Result<()> {
    let (exchange, mut phones) = start()?;
    for (caller, callee) in [(0, 1), (2, 3)] {
        phones[caller].dial(PHONES[callee].0)?;
        phones[callee].await_event("CALL_INCOMING")?;
        phones[callee].command("accept", "")?;
        phones[caller].await_event("CALL_ESTABLISHED")?;
    }
    assert_both_work(&exchange)?;
    for caller in [0, 2] {
        phones[caller].command("hangup", "")?;
        phones[caller + 1].await_event("CALL_CLOSED")?;
    }
    for (phone, other) in phones.into_iter().zip([1, 0, 3, 2]) {
        phone.heard()?.assert_tone(PHONES[other].1);
    }
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_conference_on_two_threads_is_one_conference() -> Result<()> {
    let (exchange, mut phones) = start()?;
    let data = json!({"extension": "800", "loudest": 0, "tones": false});
    let made = exchange.post("/v1.0/conferences", json!({"type": "conference", "name": "Round", "data": data}))?;
    for phone in &mut phones {
        phone.dial("800")?;
        phone.await_event("CALL_ESTABLISHED")?;
    }
    wait::let_pass(Duration::from_secs(2));
    assert_both_work(&exchange)?;
    let path = format!("/v1.0/conferences/{}", made["id"].as_str().unwrap_or_default());
    let now: Value = exchange.get(&path)?;
    assert_eq!(now["conferencecall_ids"].as_array().map(Vec::len), Some(4));
    exchange.delete(&path)?;
    for phone in &mut phones {
        phone.await_event("CALL_CLOSED")?;
    }
    for (phone, (_, own)) in phones.into_iter().zip(PHONES) {
        let heard = phone.heard()?;
        let end = heard.seconds() - 0.4;
        let others: Vec<u32> = PHONES.iter().map(|(_, pitch)| *pitch).filter(|pitch| *pitch != own).collect();
        assert_pitches(&heard.part(end - 2.0, end), &others);
    }
    exchange.assert_no_errors();
    Ok(())
}
