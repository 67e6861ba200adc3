//! The softphone of the web page, by HTTPS in two real browsers, with real desk phones: calls both ways, keys, hold, mute,
//! transfers, a conference, and a connection that is lost.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::{Browser, Exchange, sound, wait};
use serde_json::json;

/// What a browser's microphone hears: the format chromium reads, and how loud.
const MICROPHONE: (u32, u16) = (48_000, 1);
const LOUDNESS: f64 = 0.4;
/// From the wish to the first sound; the median on loopback is a tenth of a second where nothing else runs.
const SOUND_WITHIN: Duration = Duration::from_secs(1);

/// Users with an extension each, who log in with `<name> telephones`.
const USERS: [(&str, &str, &str, f64); 2] = [("ada", "1001", "manager", 620.0), ("bob", "1002", "agent", 350.0)];

fn people(exchange: &Exchange, home: &Path) -> Result<()> {
    for (name, number, permission, pitch) in USERS {
        exchange.add_extension(number)?;
        let body = json!({
            "username": name, "password": format!("{name} telephones"), "permission": permission,
            "addresses": [{"type": "extension", "target": number}],
        });
        exchange.post("/v1.0/agents", body)?;
        sound::write_tone(&home.join(format!("{name}.wav")), MICROPHONE, (pitch, LOUDNESS))?;
    }
    // One who has none.
    exchange.post("/v1.0/agents", json!({"username": "eve", "password": "eve telephones", "permission": "agent"}))?;
    Ok(())
}

#[test]
fn two_browsers_and_desk_phones_talk() -> Result<()> {
    let https = format!("127.0.0.1:{}", ports::free(1));
    let webrtc = format!("127.0.0.1:{}", ports::free(1));
    let exchange = Exchange::start_as(|plan| {
        plan.arguments = ["--https", &https, "--webrtc", &webrtc].map(str::to_owned).to_vec();
    })?;
    let home = tempfile::tempdir()?;
    people(&exchange, home.path())?;
    let quiet = |number: &str| Setup::new(&exchange, number).at_loudness(LOUDNESS);
    let mut desk = quiet("1003").playing(1_000).answering().registered(&exchange)?;
    let mut other = quiet("1004").playing(2_125).answering().registered(&exchange)?;

    // Somebody who wants to look at the page names a folder.
    let shots = std::env::var_os("TANDEM_SHOTS").unwrap_or_else(|| home.path().into());
    let base = format!("https://{https}");
    let (ada, bob) = (home.path().join("ada.wav"), home.path().join("bob.wav"));
    let http = exchange.url("");
    let words: [&OsStr; 10] = [
        "--base".as_ref(),
        base.as_ref(),
        "--http".as_ref(),
        http.as_ref(),
        "--ada".as_ref(),
        ada.as_ref(),
        "--bob".as_ref(),
        bob.as_ref(),
        "--shots".as_ref(),
        &shots,
    ];
    let page = Browser::start("phone.mjs", words)?;

    page.await_step("registered")?;
    for (_, number, ..) in USERS {
        let found = exchange.await_registrations(number, 1)?;
        assert_eq!(found[0]["transport"], "wss", "{found:?}");
    }
    let speed = page.await_step("speed")?;
    println!("click to sound, p50 in ms: {} of {}", speed["p50"], speed["times"]);
    let p50 = Duration::from_millis(speed["p50"].as_u64().context("a time")?);

    // What the browser says and presses is what the desk phone hears.
    for key in ["5", "#"] {
        let told = other.await_event("CALL_DTMF_START")?;
        assert_eq!(told["param"], key, "{told}");
    }
    let call = page.await_step("one call")?;
    println!("{}", call["quality"]);
    let heard = other.heard()?;
    heard.part(0.6, 1.6).assert_tone_of_any_length(620);
    let end = heard.seconds();
    assert!(heard.part(end - 1.2, end - 0.5).level() < 0.01, "whoever is muted is not heard");

    page.await_step("ringable")?;
    desk.dial("1001")?;
    for step in ["answered", "blind", "each other", "attended", "conference", "reconnected", "left"] {
        println!("{}", page.await_step(step)?);
    }
    assert!(exchange.await_registrations("1001", 0)?.is_empty());
    assert!(exchange.await_registrations("1002", 0)?.is_empty());
    desk.command("hangup", "")?;
    page.await_step("done")?;
    let heard = desk.heard()?;
    let (length, both) = (0.5, [620.0, 350.0]);
    let mut parts = (0..(heard.seconds() / length) as u32).map(|at| f64::from(at) * length);
    let is_mix = |from: f64| both.iter().all(|pitch| heard.part(from, from + length).share_of(*pitch) > 0.3);
    assert!(parts.any(is_mix), "the desk phone hears both browsers in the conference");
    wait::until("no call to be left", || {
        exchange.calls().ok()?.iter().all(|call| call["status"] == "hangup").then_some(())
    })?;
    assert!(p50 <= SOUND_WITHIN, "it takes {p50:?} from the click to the sound");
    exchange.assert_no_errors();
    Ok(())
}
