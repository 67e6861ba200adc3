//! Recordings go to a bucket: when they are over, whole or not at all, on from where they were cut, and away from the box
//! only after that.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use box_tests::baresip::Setup;
use box_tests::{BucketService, Cable, Exchange, Phone, event_log, recording, wait};
use delivery::recording::{Account, Bucket, Rules, courier};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::journal::{Hooks, Journal};
use store::{Store, Timestamp};

/// An exchange whose recordings go through a cable to a bucket that is or is not there.
fn start(cable: &Cable) -> Result<Exchange> {
    start_with(cable, &[])
}

fn start_with(cable: &Cable, further: &[&str]) -> Result<Exchange> {
    Exchange::start_as(|plan| {
        let url = format!("http://{}", cable.address);
        let words = ["--bucket-url", &url, "--bucket-key-id", "AKIATEST", "--bucket-name", "office"];
        plan.arguments.extend(words.iter().chain(further).map(|word| (*word).to_owned()));
        plan.variables.push(("TANDEM_BUCKET_SECRET".into(), "a secret".into()));
    })
}

/// Records a second of a call.
fn record(exchange: &Exchange, caller: &mut Phone, format: &str) -> Result<String> {
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    let up = |call: &Value| call["direction"] == "incoming" && call["status"] == "progressing";
    let call = exchange.await_call("the call", up)?;
    let call = call["id"].as_str().context("a call has an id")?;
    let id = exchange.record(call, json!({"format": format, "duration": 1}))?;
    exchange.await_ended(&id)?;
    caller.command("hangup", "")?;
    exchange.await_call("the end", |record| record["id"] == *call && record["status"] == "hangup")?;
    Ok(id)
}

fn phones(exchange: &Exchange) -> Result<(Phone, Phone)> {
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let caller = Setup::new(exchange, "1001").playing(440).start()?;
    let callee = Setup::new(exchange, "1002").playing(1_000).answering().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    Ok((caller, callee))
}

fn stored(exchange: &Exchange, id: &str, place: &str) -> Result<Value> {
    exchange.await_recording(id, &format!("to be stored: {place}"), |it| it["metadata"]["stored"] == place)
}

/// Makes a WAV file of ours as long as if it had lasted for six minutes; all of it.
fn lengthen(file: &Path) -> Result<Vec<u8>> {
    let mut octets = std::fs::read(file)?;
    let more = (0..12_u32 << 20).map(|octet| (octet.wrapping_mul(2_654_435_761) >> 24) as u8);
    octets.extend(more);
    let data = octets.windows(4).position(|word| word == b"data").context("a WAV file has a chunk of sound")? + 8;
    let (whole, sound) = (octets.len() as u32 - 8, (octets.len() - data) as u32);
    octets[4..8].copy_from_slice(&whole.to_le_bytes());
    octets[data - 4..data].copy_from_slice(&sound.to_le_bytes());
    std::fs::write(file, &octets)?;
    Ok(octets)
}

/// What lies in the folder of recordings.
fn files(exchange: &Exchange) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for day in std::fs::read_dir(exchange.folder().join("recordings"))? {
        for file in std::fs::read_dir(day?.path())? {
            found.push(file?.path());
        }
    }
    Ok(found)
}

/// Where the file of a recording was at each of its events, and whether it was on its way.
fn story(exchange: &Exchange, id: &str) -> Result<Vec<String>> {
    let mut story = Vec::new();
    for event in event_log::read(exchange)?.iter().filter(|event| event.kind == "call_recording") {
        let data: Value = serde_json::from_str(event.data.get())?;
        if data["id"] != id || data["status"] != "ended" {
            continue;
        }
        let metadata = &data["metadata"];
        let mut words = vec![metadata["stored"].as_str().context("it is somewhere")?];
        words.extend((!metadata["object"].is_null()).then_some("named"));
        words.extend((!metadata["upload_failure"].is_null()).then_some("delayed"));
        story.push(words.join(" "));
    }
    Ok(story)
}

fn fetch(url: &str) -> Result<Vec<u8>> {
    Ok(ureq::get(url).call()?.body_mut().with_config().limit(64 << 20).read_to_vec()?)
}

#[test]
fn a_recording_goes_to_the_bucket_whole_and_then_from_the_box() -> Result<()> {
    let service = BucketService::start()?;
    let cable = Cable::to(service.address)?;
    let exchange = start(&cable)?;
    let (mut caller, _callee) = phones(&exchange)?;

    // As long as there is no such bucket it says so, and the file stays where it can be heard.
    let id = record(&exchange, &mut caller, "mp3")?;
    let said = |it: &Value| it["metadata"]["upload_failure"].as_str().is_some_and(|text| text.contains("NoSuchBucket"));
    let waiting = exchange.await_recording(&id, "to wait", said)?;
    ensure!(waiting["metadata"]["stored"] == "box", "{waiting}");
    exchange.fetch_recording(&waiting)?;
    wait::until("one to wait", || (exchange.metric("recordings_waiting").ok()? == 1).then_some(()))?;

    service.make("office")?;
    let there = stored(&exchange, &id, "bucket")?;
    let day = there["tm_create"].as_str().context("it has a day")?.split_once('T').context("and a time")?.0.to_owned();
    assert_eq!(service.objects("office")?, [format!("{day}/{id}.mp3")]);
    ensure!(files(&exchange)?.is_empty(), "the box keeps nothing: {:?}", files(&exchange)?);
    let url = there["url"].as_str().context("it has a link")?;
    ensure!(url.starts_with(&format!("http://{}/office/{day}/{id}.mp3?", cable.address)), "{url}");
    ensure!(url.contains("X-Amz-Expires=3600"), "{url}");
    let octets = fetch(url)?;
    assert_eq!(there["metadata"]["sha256"], hex(&octets));
    let home = tempfile::tempdir()?;
    std::fs::write(home.path().join("it.mp3"), &octets)?;
    assert_eq!(recording::look(&home.path().join("it.mp3"))?.codec, "mp3");
    let story = story(&exchange, &id)?;
    assert_eq!(
        story,
        ["box", "box named", "box named delayed", "both named", "bucket named"][..].to_vec(),
        "each step is told"
    );

    // What is damaged on its way does not count as there.
    cable.damage_once();
    let second = record(&exchange, &mut caller, "wav")?;
    let whole = stored(&exchange, &second, "bucket")?;
    ensure!(!cable.will_damage(), "something was damaged");
    ensure!(exchange.metric("recordings_upload_failures_total")? >= 2, "and noticed");
    assert_eq!(whole["metadata"]["sha256"], hex(&fetch(whole["url"].as_str().context("a link")?)?));

    // What is deleted is deleted there, too.
    exchange.delete(&format!("/v1.0/recordings/{id}"))?;
    wait::until("the object to go", || {
        service.objects("office").ok().filter(|objects| *objects == [format!("{day}/{second}.wav")])
    })?;
    exchange.assert_no_errors();

    // After ninety days it is gone from the bucket, and that is told, too.
    let mut exchange = exchange;
    ensure!(exchange.terminate(), "it ends when it is asked to");
    ninety_days_later(&exchange, &cable)?;
    assert_eq!(service.objects("office")?, Vec::<String>::new());
    assert_eq!(self::story(&exchange, &second)?.last().map(String::as_str), Some("gone named"));
    Ok(())
}

/// What the thread does that carries recordings, on the data of an exchange that has ended.
fn ninety_days_later(exchange: &Exchange, cable: &Cable) -> Result<()> {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    let (store, writer) = Store::open(&exchange.folder().join("tandem.db"), "", &[1; 64])?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)? + 90 * DAY + Duration::from_secs(60);
    let now = Timestamp(now.as_micros() as i64);
    let (committed, failed) = (Box::new(|_| ()), Box::new(|error| panic!("{error}")));
    let journal = Journal::start(writer, Hooks { clock: Box::new(move || now), committed, failed })?;
    let bucket = bucket_at(cable.address, move || now)?;
    let rules = Rules { box_age: Some(Duration::ZERO), bucket_age: Some(90 * DAY), room: 0, last_room: 0 };
    let around = courier::Surroundings {
        store,
        journal: journal.clone(),
        bucket: Some(bucket),
        folder: exchange.folder().join("recordings"),
        rules,
        clock: Box::new(move || now),
        latest: Box::new(|| 0),
    };
    courier::Round::new(around, Arc::default())?.run(&|| false)?;
    journal.close();
    Ok(())
}

/// The bucket as the box sees it.
fn bucket_at(address: SocketAddr, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Result<Bucket> {
    let [endpoint, region, name, key_id, secret] =
        [&format!("http://{address}"), "us-east-1", "office", "AKIATEST", "a secret"].map(str::to_owned);
    let account = Account { endpoint, region, name, key_id, secret };
    Bucket::new(&account, ureq::Agent::new_with_defaults(), Arc::new(clock)).map_err(anyhow::Error::msg)
}

#[test]
fn a_long_one_goes_on_where_it_was_cut_also_after_a_crash() -> Result<()> {
    let service = BucketService::start()?;
    service.make("office")?;
    let cable = Cable::to(service.address)?;
    cable.cut_after(0);
    // Five megabytes a second.
    let exchange = start_with(&cable, &["--upload-rate", "40000"])?;
    let id = {
        let (mut caller, _callee) = phones(&exchange)?;
        record(&exchange, &mut caller, "wav")?
    };
    exchange.await_recording(&id, "to wait", |it| it["metadata"]["upload_failure"].is_string())?;
    let [file] = files(&exchange)?.try_into().map_err(|files| anyhow::anyhow!("one file, not {files:?}"))?;
    let original = lengthen(&file)?;

    // One part and a half come through, then the power goes.
    let before = cable.carried();
    cable.mend();
    cable.cut_after(8 << 20);
    wait::until("the cut", || cable.is_cut().then_some(()))?;
    exchange.await_recording(&id, "to wait", |it| it["metadata"]["upload_failure"].is_string())?;
    let bucket = bucket_at(service.address, || Timestamp(1_795_342_560_000_000))?;
    let [ours] = bucket.uploads()?.try_into().map_err(|uploads| anyhow::anyhow!("one upload, not {uploads:?}"))?;
    // Had the power gone before the name of the upload was on the disk, nothing would go on with it.
    bucket.create_upload(&ours.object)?;
    let of_another_box = "2026-11-22/00000000-0000-4000-8000-000000000007.wav";
    bucket.create_upload(of_another_box)?;
    let exchange = exchange.crash_and_restart()?;
    ensure!(file.exists(), "what is not there whole stays here");
    let begin = Instant::now();
    cable.mend();
    let there = stored(&exchange, &id, "bucket")?;
    ensure!(!file.exists(), "now it is there");
    ensure!(begin.elapsed() > Duration::from_secs(1), "seven megabytes take their time: {:?}", begin.elapsed());
    let carried = cable.carried() - before;
    let most = original.len() as u64 + (6 << 20);
    if carried > most {
        bail!("{carried} octets were sent for a file of {}", original.len());
    }
    let left = wait::until("what nothing goes on with to be given up", || {
        bucket.uploads().ok().filter(|uploads| uploads.len() == 1)
    })?;
    assert_eq!(left[0].object, of_another_box, "what is not ours stays");
    let fetched = fetch(there["url"].as_str().context("a link")?)?;
    ensure!(fetched == original, "what is fetched is what was recorded");
    assert_eq!(there["metadata"]["sha256"], hex(&original));
    Ok(())
}

fn hex(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().map(|octet| format!("{octet:02x}")).collect()
}
