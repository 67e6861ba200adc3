//! The flow that ships as an example, loaded as it is, and called through every branch by real phones: what is said to them is
//! held against the same words spoken for the test.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::sound::{Sound, read_wav};
use box_tests::{Exchange, Phone, wait};
use serde_json::{Value, json};

const OFFICE: &str = include_str!("../../../examples/flows/office.json");

/// A box in a time zone where it is that hour now, with the office behind 500.
fn office(hour: i64) -> Result<Exchange> {
    let utc = (SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 3_600 % 24) as i64;
    // POSIX counts westwards: Etc/GMT+3 is three hours behind.
    let west = (utc - hour + 11).rem_euclid(24) - 11;
    let zone = format!("Etc/GMT{west:+}");
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--time-zone".into(), zone])?;
    let flow = exchange.post("/v1.0/flows", serde_json::from_str(OFFICE)?)?;
    assert_eq!(flow["findings"], json!([]), "there is nothing odd about it");
    exchange.post("/v1.0/numbers", json!({ "number": "500", "call_flow_id": flow["id"] }))?;
    Ok(exchange)
}

fn phone(exchange: &Exchange, number: &str, pitch: u32) -> Result<Phone> {
    Setup::new(exchange, number).playing(pitch).at_loudness(0.3).registered(exchange)
}

/// What the action with this number says, spoken by the same voice.
fn spoken(number: u32) -> Result<Sound> {
    let flow: Value = serde_json::from_str(OFFICE)?;
    let ends = format!("{number:012}");
    let actions = flow["actions"].as_array().context("a list")?;
    let action = actions.iter().find(|action| action["id"].as_str().is_some_and(|id| id.ends_with(&ends)));
    let text = action.and_then(|action| action["option"]["text"].as_str()).context("it says something")?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("spoken.wav");
    let said = Command::new("flite").args(["-voice", "slt", "-t", text, "-o"]).arg(&path).status();
    ensure!(said.context("flite is installed by tests/setup.sh")?.success());
    read_wav(&path)
}

/// Fails unless a text was heard; tells when.
fn assert_heard(heard: &Sound, number: u32) -> Result<f64> {
    let (at, likeness) = heard.find(&spoken(number)?);
    assert!(likeness > 0.9, "action {number} was not heard: {likeness:.2} at {at:.1} s of {:.1} s", heard.seconds());
    Ok(at)
}

/// The flow that ran last, once it is over: the numbers of its actions.
fn ran(exchange: &Exchange) -> Result<Vec<u32>> {
    let ended = |flow: &Value| flow["status"] == "ended";
    let flow = wait::until("the flow is over", || {
        let flows = exchange.get("/v1.0/activeflows").ok()?;
        flows["result"].as_array().and_then(|flows| flows.first().filter(|flow| ended(flow)).cloned())
    })?;
    let actions = flow["executed_actions"].as_array().cloned().unwrap_or_default();
    let number = |action: &Value| action["id"].as_str().and_then(|id| id.rsplit('-').next()?.parse().ok());
    Ok(actions.iter().filter_map(number).collect())
}

/// Waits until the flow is at this action.
fn await_action(exchange: &Exchange, number: u32) -> Result<()> {
    let ends = format!("{number:012}");
    wait::until(&format!("action {number} runs"), || {
        let flows = exchange.get("/v1.0/activeflows").ok()?;
        flows["result"][0]["current_action"]["id"].as_str().is_some_and(|id| id.ends_with(&ends)).then_some(())
    })
}

/// Speaks for a while, ends it by the key, and fails unless that is what was recorded, as an MP3.
fn leave_message(exchange: &Exchange, caller: &mut Phone) -> Result<()> {
    await_action(exchange, 32)?;
    wait::let_pass(Duration::from_secs(3));
    caller.command("sndcode", "#")?;
    caller.await_event("CALL_CLOSED")?;
    let call = exchange.await_call("the call", |call| call["direction"] == "incoming" && call["status"] == "hangup")?;
    let id = call["recording_ids"][0].as_str().context("it was recorded")?.to_string();
    let recording = exchange.await_ended(&id)?;
    assert_eq!(recording["format"], "mp3", "{recording}");
    let fetched = exchange.fetch_recording(&recording)?;
    assert_eq!((fetched.looked.codec.as_str(), fetched.looked.channels), ("mp3", 2));
    let said = &fetched.channels[0];
    assert!((2.5..6.0).contains(&said.seconds()), "{} s", said.seconds());
    said.part(1.0, 2.5).assert_tone_of_any_length(440);
    Ok(())
}

#[test]
fn two_colleagues_ring_and_one_takes_the_call() -> Result<()> {
    let exchange = office(12)?;
    let mut caller = phone(&exchange, "1001", 440)?;
    let (mut one, mut other) = (phone(&exchange, "1002", 1_300)?, phone(&exchange, "1003", 1_700)?);
    caller.dial("500")?;
    await_action(&exchange, 10)?;
    wait::let_pass(Duration::from_secs(2));
    // Typed ahead: the second one is for a menu that is not heard.
    caller.command("sndcode", "1")?;
    caller.command("sndcode", "1")?;
    one.await_event("CALL_INCOMING")?;
    other.await_event("CALL_INCOMING")?;
    one.command("accept", "")?;
    one.await_event("CALL_ESTABLISHED")?;
    other.await_event("CALL_CLOSED")?;
    wait::let_pass(Duration::from_secs(2));
    one.command("hangup", "")?;
    caller.await_event("CALL_CLOSED")?;
    assert_eq!(ran(&exchange)?, [1, 2, 3, 10, 11, 12, 20, 21, 22, 25, 90, 91]);
    let call = exchange.await_call("the call", |call| call["direction"] == "incoming" && call["status"] == "hangup")?;
    let ladder = exchange.get(&format!("/v1.0/calls/{}/sequence", call["id"].as_str().unwrap_or_default()))?;
    let labels: Vec<&str> =
        ladder["steps"].as_array().into_iter().flatten().filter_map(|s| s["label"].as_str()).collect();
    for label in ["digit 1", "where is 1002?", "where is 1003?", "CANCEL"] {
        assert!(labels.contains(&label), "{label} is not in {labels:?}");
    }
    let heard = caller.heard()?;
    assert!(heard.share_of(1_300.0) > 0.1, "{}", heard.share_of(1_300.0));
    let (begin, likeness) = heard.find(&spoken(10)?.part(0.0, 1.5));
    assert!(likeness > 0.9 && begin < 2.0, "the greeting, as far as it went: {likeness} at {begin} s");
    assert_heard(&heard, 90)?;
    assert!(one.heard()?.share_of(440.0) > 0.5);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn who_says_nothing_hears_the_menu_twice_and_goodbye() -> Result<()> {
    let exchange = office(12)?;
    let mut caller = phone(&exchange, "1001", 440)?;
    caller.dial("500")?;
    await_action(&exchange, 11)?;
    // Longer than anybody waits for one thing: menu, pause, menu, pause, goodbye.
    wait::let_pass(Duration::from_secs(15));
    caller.await_event("CALL_CLOSED")?;
    assert_eq!(ran(&exchange)?, [1, 2, 3, 10, 11, 12, 13, 10, 11, 12, 13, 90, 91]);
    let heard = caller.heard()?;
    // The phone writes down what comes, and nothing comes while it is waited for.
    let length = spoken(10)?.seconds();
    let first = assert_heard(&heard.part(0.0, length + 2.0), 10)?;
    let second = first + length + assert_heard(&heard.part(first + length, heard.seconds()), 10)?;
    assert!(assert_heard(&heard, 90)? > second);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn who_says_nothing_to_the_second_menu_hears_that_twice_and_goodbye() -> Result<()> {
    let exchange = office(12)?;
    let mut caller = phone(&exchange, "1001", 440)?;
    caller.dial("500")?;
    await_action(&exchange, 10)?;
    caller.await_event("CALL_ESTABLISHED")?;
    caller.command("sndcode", "1")?;
    await_action(&exchange, 21)?;
    wait::let_pass(Duration::from_secs(10));
    caller.await_event("CALL_CLOSED")?;
    assert_eq!(ran(&exchange)?, [1, 2, 3, 10, 11, 12, 20, 21, 22, 23, 20, 21, 22, 23, 90, 91]);
    let heard = caller.heard()?;
    let length = spoken(20)?.seconds();
    let once = assert_heard(&heard, 20)?;
    let around = [heard.part(0.0, once), heard.part(once + length, heard.seconds())];
    let menu = spoken(20)?;
    assert!(around.iter().any(|part| part.find(&menu).1 > 0.9), "the menu is heard twice");
    assert!(assert_heard(&heard, 90)? > once);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn where_no_colleague_takes_the_call_there_is_only_goodbye() -> Result<()> {
    let exchange = office(12)?;
    let mut caller = phone(&exchange, "1001", 440)?;
    let mut colleagues = [phone(&exchange, "1002", 1_300)?, phone(&exchange, "1003", 1_700)?];
    caller.dial("500")?;
    await_action(&exchange, 10)?;
    caller.await_event("CALL_ESTABLISHED")?;
    for _ in 0..2 {
        caller.command("sndcode", "1")?;
    }
    for colleague in &mut colleagues {
        colleague.await_event("CALL_INCOMING")?;
    }
    for colleague in &mut colleagues {
        colleague.command("hangup", "")?;
        colleague.await_event("CALL_CLOSED")?;
    }
    caller.await_event("CALL_CLOSED")?;
    assert_eq!(ran(&exchange)?, [1, 2, 3, 10, 11, 12, 20, 21, 22, 25, 90, 91]);
    let call = exchange.await_call("the call", |call| call["direction"] == "incoming" && call["status"] == "hangup")?;
    assert_eq!(call["hangup_reason"], "normal", "{call}");
    assert_heard(&caller.heard()?, 90)?;
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_message_is_left_from_either_menu() -> Result<()> {
    for (keys, expected) in [
        ("2", vec![1, 2, 3, 10, 11, 12, 30, 31, 32, 33, 90, 91]),
        ("12", vec![1, 2, 3, 10, 11, 12, 20, 21, 22, 30, 31, 32, 33, 90, 91]),
    ] {
        let exchange = office(12)?;
        let mut caller = phone(&exchange, "1001", 440)?;
        caller.dial("500")?;
        await_action(&exchange, 10)?;
        caller.await_event("CALL_ESTABLISHED")?;
        for key in keys.chars() {
            caller.command("sndcode", &key.to_string())?;
        }
        leave_message(&exchange, &mut caller)?;
        assert_eq!(ran(&exchange)?, expected);
        let heard = caller.heard()?;
        assert!(assert_heard(&heard, 30)? < assert_heard(&heard, 90)?);
        exchange.assert_no_errors();
    }
    Ok(())
}

#[test]
fn at_night_the_office_is_closed_and_takes_messages() -> Result<()> {
    for hour in [3, 20] {
        let exchange = office(hour)?;
        let mut caller = phone(&exchange, "1001", 440)?;
        caller.dial("500")?;
        leave_message(&exchange, &mut caller)?;
        let conditions = if hour == 3 { vec![1, 2] } else { vec![1, 2, 3] };
        assert_eq!(ran(&exchange)?, [conditions, vec![40, 30, 31, 32, 33, 90, 91]].concat());
        let heard = caller.heard()?;
        let (closed, invited, bye) = (assert_heard(&heard, 40)?, assert_heard(&heard, 30)?, assert_heard(&heard, 90)?);
        assert!(closed < invited && invited < bye, "{closed}, {invited}, {bye}");
        let beep = heard.part(invited, bye).share_of(1_000.0);
        assert!(beep > 0.02, "{beep} of the beep");
        exchange.assert_no_errors();
    }
    Ok(())
}
