//! Five phones in one conference, with a tone and a codec each: what each of them hears is the four others.

use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::sound::Sound;
use box_tests::{Exchange, Phone, wait};
use serde_json::{Value, json};

/// Number, pitch, codec.
const PHONES: [(&str, u32, &str); 5] = [
    ("1001", 425, "pcmu"),
    ("1002", 725, "pcma"),
    ("1003", 1_025, "G722/16000/1"),
    ("1004", 1_475, "opus/48000/2"),
    ("1005", 2_125, "pcmu"),
];

/// Four tones of this loudness together are not limited. Louder ones are, which is right for the exchange; but the G.722 decoder
/// of the phones (spandsp 0.0.6) does not limit what overflows and wraps around: half of what its user hears is noise then.
const LOUDNESS: f64 = 0.2;

fn start(exchange: &Exchange) -> Result<Vec<Phone>> {
    let mut phones = Vec::new();
    for (number, pitch, codecs) in PHONES {
        exchange.add_extension(number)?;
        phones.push(Setup { codecs, ..Setup::new(exchange, number).playing(pitch).at_loudness(LOUDNESS) }.start()?);
        exchange.await_registrations(number, 1)?;
    }
    Ok(phones)
}

fn conference(exchange: &Exchange, tones: bool) -> Result<Value> {
    let data = json!({"extension": "800", "loudest": 0, "tones": tones});
    exchange.post("/v1.0/conferences", json!({"type": "conference", "name": "Round", "data": data}))
}

/// Fails unless these pitches, and no other of the phones', are in a sound, each with its fair share.
fn assert_pitches(heard: &Sound, own: u32) {
    let share = |pitch: u32| heard.share_of(f64::from(pitch));
    let shares: Vec<(u32, f64)> = PHONES.iter().map(|(_, pitch, _)| (*pitch, share(*pitch))).collect();
    for (pitch, share) in &shares {
        let right = if *pitch == own { *share < 0.01 } else { (0.12..0.45).contains(share) };
        assert!(right, "the phone with {own} Hz hears {shares:?}");
    }
    let all: f64 = shares.iter().map(|(_, share)| share).sum();
    assert!(all > 0.9, "something else is heard: {shares:?} make {all:.3}");
}

#[test]
fn five_phones_hear_each_the_four_others() -> Result<()> {
    let exchange = Exchange::start()?;
    let mut phones = start(&exchange)?;
    let made = conference(&exchange, false)?;
    for phone in &mut phones {
        phone.dial("800")?;
        phone.await_event("CALL_ESTABLISHED")?;
    }
    let id = made["id"].as_str().unwrap_or_default().to_string();
    let started = exchange.post(&format!("/v1.0/conferences/{id}/recording_start"), json!({"format": "mp3"}))?;
    let recording = started["recording_id"].as_str().unwrap_or_default().to_string();
    wait::let_pass(Duration::from_secs(5));
    let now = exchange.get(&format!("/v1.0/conferences/{id}"))?;
    assert_eq!((&now["status"], now["conferencecall_ids"].as_array().map(Vec::len)), (&json!("progressing"), Some(5)));
    exchange.delete(&format!("/v1.0/conferences/{id}"))?;
    for phone in &mut phones {
        phone.await_event("CALL_CLOSED")?;
    }
    for (phone, (_, own, _)) in phones.into_iter().zip(PHONES) {
        let heard = phone.heard()?;
        let end = heard.seconds() - 0.4;
        assert_pitches(&heard.part(end - 3.0, end), own);
    }
    assert_recorded(&exchange, &recording, &id)?;
    exchange.assert_no_errors();
    Ok(())
}

/// Everybody is in the one channel of the recording, which ended with the conference.
fn assert_recorded(exchange: &Exchange, recording: &str, conference: &str) -> Result<()> {
    let recording = exchange.await_ended(recording)?;
    assert_eq!((&recording["reference_type"], &recording["format"]), (&json!("confbridge"), &json!("mp3")));
    assert_eq!(recording["reference_id"], conference);
    assert_eq!(recording["metadata"]["ended_by"], "hangup");
    let fetched = exchange.fetch_recording(&recording)?;
    let [heard] = &fetched.channels[..] else { panic!("{} channels", fetched.channels.len()) };
    let middle = heard.part(1.0, heard.seconds() - 1.0);
    assert!(middle.seconds() > 2.0, "{} s", middle.seconds());
    let shares: Vec<f64> = PHONES.iter().map(|(_, pitch, _)| middle.share_of(f64::from(*pitch))).collect();
    assert!(shares.iter().all(|share| (0.1..0.35).contains(share)), "{shares:?}");
    Ok(())
}
