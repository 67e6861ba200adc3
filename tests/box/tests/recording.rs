//! Calls are recorded by the real process: what stands in the files, how they come to their end, and what is left of
//! them when the process or the disk does.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::sound::Sound;
use box_tests::{Api, Exchange, Phone, SmallDisk, recording, wait};
use serde_json::{Value, json};

const CALLER: u32 = 440;
const CALLEE: u32 = 1_000;
/// Octets before the sound in a WAV file of ours; the last four say how much sound there is.
const HEAD: u64 = 80;

/// Two phones that talk; the id of the caller's leg.
fn talking(exchange: &Exchange) -> Result<(Phone, Phone, String)> {
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let mut caller = Setup::new(exchange, "1001").playing(CALLER).start()?;
    let callee = Setup::new(exchange, "1002").playing(CALLEE).answering().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    let up = |call: &Value| call["direction"] == "incoming" && call["status"] == "progressing";
    let call = exchange.await_call("the call", up)?;
    let id = call["id"].as_str().context("a call has an id")?.to_owned();
    Ok((caller, callee, id))
}

fn seconds(count: u64) {
    wait::let_pass(Duration::from_secs(count));
}

/// The middle of what was recorded: the edges may hold half a packet.
fn middle(sound: &Sound) -> Sound {
    sound.part(0.3, sound.seconds() - 0.3)
}

/// How much of each tone is in a sound.
fn shares(sound: &Sound) -> [f64; 2] {
    let middle = middle(sound);
    [middle.share_of(f64::from(CALLER)), middle.share_of(f64::from(CALLEE))]
}

fn assert_near(what: &str, is: f64, wanted: f64, by: f64) {
    assert!((is - wanted).abs() <= by, "{what}: {is:.3} instead of {wanted:.3}");
}

fn assert_level(sound: &Sound, wanted: f64) {
    assert_near("the level in dB", 20.0 * (middle(sound).level() / wanted).log10(), 0.0, 1.0);
}

fn assert_ended_by(recording: &Value, ended_by: &str) {
    assert_eq!(recording["metadata"]["ended_by"], ended_by, "{recording}");
}

/// The caller on the left, the called one on the right.
fn assert_two_tones(channels: &[Sound], levels: [f64; 2]) {
    let [left, right] = channels else { panic!("{} channels", channels.len()) };
    middle(left).assert_tone_of_any_length(CALLER);
    middle(right).assert_tone_of_any_length(CALLEE);
    assert_level(left, levels[0]);
    assert_level(right, levels[1]);
}

#[test]
fn two_channels_one_channel_and_both_as_mp3() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee, call) = talking(&exchange)?;
    let record = |options: Value| -> Result<(Value, recording::Fetched)> {
        let id = exchange.record(&call, options)?;
        exchange.await_recording(&id, "to run", |recording| recording["status"] == "recording")?;
        seconds(3);
        exchange.steer_recording(&call, "stop")?;
        let recording = exchange.await_ended(&id)?;
        assert_ended_by(&recording, "request");
        let fetched = exchange.fetch_recording(&recording)?;
        let told = recording["metadata"]["duration_ms"].as_f64().context("its duration is told")? / 1_000.0;
        // An MP3 begins with what its encoder needed to get going, and ends with a whole frame.
        let more = if recording["format"] == "mp3" { 0.25 } else { 0.05 };
        assert_near("the duration", fetched.looked.seconds, told, more);
        assert!((2.8..4.0).contains(&told), "{recording}");
        Ok((recording, fetched))
    };
    let (_, stereo) = record(json!({"format": "wav"}))?;
    assert_eq!((stereo.looked.codec.as_str(), stereo.looked.channels), ("pcm_s16le", 2));
    let (_, mono) = record(json!({"format": "wav", "channels": 1}))?;
    assert_eq!((mono.looked.codec.as_str(), mono.looked.channels), ("pcm_s16le", 1));
    let (told, stereo_mp3) = record(json!({"format": "mp3"}))?;
    let looked = &stereo_mp3.looked;
    assert_eq!((looked.codec.as_str(), looked.channels, looked.bit_rate), ("mp3", 2, 96_000));
    assert_eq!(told["format"], "mp3");
    let (_, mono_mp3) = record(json!({"format": "mp3", "channels": 1}))?;
    let looked = &mono_mp3.looked;
    assert_eq!((looked.codec.as_str(), looked.channels, looked.bit_rate), ("mp3", 1, 64_000));

    // What a deleted recording was made of goes with it, and nothing else is left behind.
    let id = told["id"].as_str().context("it has an id")?;
    assert_eq!(files(&exchange).len(), 4);
    exchange.delete(&format!("/v1.0/recordings/{id}"))?;
    assert!(files(&exchange).iter().all(|name| !name.contains(id)) && files(&exchange).len() == 3);
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    exchange.assert_no_errors();

    // Each side is as loud as the other one heard it.
    let levels = [middle(&callee.heard()?).level(), middle(&caller.heard()?).level()];
    assert_two_tones(&stereo.channels, levels);
    assert_two_tones(&stereo_mp3.channels, levels);
    for mono in [&mono, &mono_mp3] {
        let [left, right] = levels.map(|level| level * level);
        assert_level(&mono.channels[0], (left + right).sqrt());
        let shares = shares(&mono.channels[0]);
        assert_near("the share of the caller", shares[0], left / (left + right), 0.05);
        assert_near("the share of the called one", shares[1], right / (left + right), 0.05);
    }
    Ok(())
}

/// The names of all files of recordings.
fn files(exchange: &Exchange) -> Vec<String> {
    let days = std::fs::read_dir(exchange.folder().join("recordings")).into_iter().flatten().flatten();
    let files = days.flat_map(|day| std::fs::read_dir(day.path()).into_iter().flatten().flatten());
    files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

fn length(api: &Api, recording: &Value) -> Result<f64> {
    Ok(api.fetch_recording(recording)?.looked.seconds)
}

#[test]
fn a_recording_ends_by_time_key_silence_and_hangup() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee, call) = talking(&exchange)?;
    let timed = exchange.record(&call, json!({"duration": 2}))?;
    let timed = exchange.await_ended(&timed)?;
    assert_ended_by(&timed, "duration");
    assert_near("the longest duration", length(&exchange, &timed)?, 2.0, 0.1);

    let keyed = exchange.record(&call, json!({"end_of_key": "7"}))?;
    seconds(1);
    for key in ["5", "7"] {
        caller.command("sndcode", key)?;
        wait::let_pass(Duration::from_millis(500));
    }
    let keyed = exchange.await_ended(&keyed)?;
    assert_ended_by(&keyed, "key");

    // While they are silent nothing is left out; what is said while it is paused is.
    let paused = exchange.record(&call, json!({}))?;
    seconds(1);
    exchange.steer_recording(&call, "pause")?;
    seconds(2);
    exchange.steer_recording(&call, "resume")?;
    seconds(1);
    exchange.steer_recording(&call, "stop")?;
    let paused = exchange.await_ended(&paused)?;
    assert_near("what was not paused", length(&exchange, &paused)?, 2.0, 0.4);

    let silent = exchange.record(&call, json!({"end_of_silence": 1}))?;
    seconds(2);
    caller.command("mute", "")?;
    callee.command("mute", "")?;
    let silent = exchange.await_ended(&silent)?;
    assert_ended_by(&silent, "silence");
    let fetched = exchange.fetch_recording(&silent)?;
    let said = fetched.channels[0].seconds() - fetched.channels[0].longest_silence(0.01);
    assert_near("its silence at the end", fetched.channels[0].longest_silence(0.01), 1.0, 0.15);
    assert!((1.8..2.6).contains(&said), "{said}");

    let hung_up = exchange.record(&call, json!({}))?;
    seconds(1);
    caller.command("hangup", "")?;
    assert_ended_by(&exchange.await_ended(&hung_up)?, "hangup");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_recording_goes_on_while_the_call_is_held() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut caller, mut callee, call) = talking(&exchange)?;
    let id = exchange.record(&call, json!({}))?;
    seconds(2);
    callee.command("hold", "")?;
    exchange.await_call("the held call", |call| call["direction"] == "outgoing" && call["metadata"]["held"] == true)?;
    seconds(2);
    callee.command("resume", "")?;
    exchange.await_call("the call", |call| call["direction"] == "outgoing" && call["metadata"]["held"] == false)?;
    seconds(2);
    caller.command("hangup", "")?;
    let recording = exchange.await_ended(&id)?;
    let fetched = exchange.fetch_recording(&recording)?;
    let [left, right] = &fetched.channels[..] else { panic!("two channels") };
    let all = left.seconds();
    assert!((5.8..8.0).contains(&all), "{all}");
    // The caller went on speaking, heard the other, then music, then the other again.
    left.part(0.3, all - 0.5).assert_tone_of_any_length(CALLER);
    right.part(0.3, 1.7).assert_tone_of_any_length(CALLEE);
    right.part(all - 1.5, all - 0.5).assert_tone_of_any_length(CALLEE);
    let music = right.part(2.7, 3.7);
    assert!(music.level() > 0.01 && music.share_of(f64::from(CALLEE)) < 0.2, "{}", music.level());
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn what_was_recorded_before_a_crash_is_there_after_it() -> Result<()> {
    let mut exchange = Exchange::start()?;
    let (caller, _callee, call) = talking(&exchange)?;
    let mp3 = exchange.record(&call, json!({"format": "mp3"}))?;
    let called = |call: &Value| call["direction"] == "outgoing" && call["status"] == "progressing";
    let called = exchange.await_call("the other leg", called)?;
    let wav = exchange.record(called["id"].as_str().context("an id")?, json!({"format": "wav"}))?;
    for id in [&mp3, &wav] {
        exchange.await_recording(id, "to run", |recording| recording["status"] == "recording")?;
    }
    wait::let_pass(Duration::from_millis(4_300));
    exchange.process.signal(libc::SIGKILL);
    exchange.process.wait(wait::PATIENCE).context("SIGKILL ends a process")?;
    drop(caller);

    // As it lies there, without anybody having repaired it.
    let day = std::fs::read_dir(exchange.folder().join("recordings"))?.flatten().next().context("a day's folder")?;
    assert_eq!(files(&exchange).len(), 2, "{:?}", files(&exchange));
    for name in files(&exchange) {
        let left = recording::look(&day.path().join(name))?;
        assert!(left.seconds > 4.3 - 2.0, "{left:?}");
    }
    // Sound reached the disk that the head does not know of yet, and half a sample.
    let torn = day.path().join(format!("{wav}.wav"));
    OpenOptions::new().append(true).open(&torn)?.write_all(&[0x11; 16_001])?;
    let (before, length) = (sound_in(&torn)?, std::fs::metadata(&torn)?.len());
    assert!(u64::from(before) + HEAD < length, "the head is behind");

    let exchange = exchange.restart()?;
    let listed = exchange.get("/v1.0/recordings")?;
    for (place, id) in [&wav, &mp3].into_iter().enumerate() {
        let recording = &listed["result"][place];
        assert_eq!((recording["id"].as_str(), &recording["status"]), (Some(id.as_str()), &json!("ended")), "{listed}");
        assert_ended_by(recording, "failure");
    }
    // What is in it is what its head says, and its row.
    let mended = u64::from(sound_in(&torn)?) + HEAD;
    assert!((length - 3..=length).contains(&mended), "{mended} of {length}");
    let recording = exchange.get(&format!("/v1.0/recordings/{wav}"))?;
    let fetched = exchange.fetch_recording(&recording)?;
    let told = recording["metadata"]["duration_ms"].as_f64().context("a length")? / 1_000.0;
    assert_near("the length", fetched.looked.seconds, told, 0.01);
    middle(&fetched.channels[0].part(0.0, 2.5)).assert_tone_of_any_length(CALLEE);
    let recording = exchange.await_recording(&mp3, "to be an MP3", |recording| recording["format"] == "mp3")?;
    let fetched = exchange.fetch_recording(&recording)?;
    assert_eq!(fetched.looked.codec, "mp3");
    assert!(fetched.looked.seconds > 4.3 - 2.0, "{:?}", fetched.looked);
    middle(&fetched.channels[0]).assert_tone_of_any_length(CALLER);
    assert_eq!(files(&exchange).len(), 2, "{:?}", files(&exchange));
    Ok(())
}

/// Octets of sound in a WAV file of ours, as its head says.
fn sound_in(file: &Path) -> Result<u32> {
    let head = std::fs::read(file)?;
    Ok(u32::from_le_bytes(head.get(HEAD as usize - 4..HEAD as usize).context("a head")?.try_into()?))
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_call() -> Result<()> {
    let disk = SmallDisk::new(48)?;
    let exchange = disk.plan().start()?;
    let (mut caller, mut callee, call) = talking(&exchange)?;
    let id = exchange.record(&call, json!({}))?;
    seconds(3);
    disk.fill()?;
    let reason = "cannot record";
    wait::until("the exchange to say so", || (!exchange.said(reason).is_empty()).then_some(()))?;
    assert!(exchange.said(reason)[0].contains("the disk is full"), "{:?}", exchange.said(reason));
    seconds(2);
    let other = exchange.post(&format!("/v1.0/calls/{call}/recording_start"), json!({}));
    assert!(other.is_err(), "nothing can be promised now");
    disk.free()?;
    let recording = exchange.await_ended(&id)?;
    assert_ended_by(&recording, "failure");
    wait::until("there to be room", || exchange.get("/healthz").ok())?;
    let next = exchange.record(&call, json!({"duration": 1}))?;
    assert_ended_by(&exchange.await_ended(&next)?, "duration");
    assert!(recording["metadata"]["failure"].as_str().is_some_and(|text| text.contains("the disk is full")));
    let fetched = exchange.fetch_recording(&recording)?;
    assert!(fetched.looked.seconds > 2.5, "{:?}", fetched.looked);
    middle(&fetched.channels[0]).assert_tone_of_any_length(CALLER);
    middle(&fetched.channels[1]).assert_tone_of_any_length(CALLEE);
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    caller.heard()?.assert_tone(CALLEE);
    callee.heard()?.assert_tone(CALLER);
    Ok(())
}
