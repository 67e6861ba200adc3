//! The exchange is killed at any moment, again and again, while calls are up and everybody reads: nothing is lost, nothing
//! comes twice to who uses the key, recordings are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use box_tests::web_server::{Asked, give};
use box_tests::{BucketService, Cloud, Exchange, WebServer, event_log, recording, sipp, soak, wait};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn event_id(asked: &Asked) -> Option<i64> {
    asked.head.iter().find_map(|line| line.strip_prefix("x-tandem-event-id: ")?.parse().ok())
}

fn start(server: &WebServer, cloud: &Cloud, bucket: &BucketService) -> Result<Exchange> {
    Exchange::start_as(|plan| {
        let (own, cloud, bucket) =
            (server.address.to_string(), format!("http://{}", cloud.address), format!("http://{}", bucket.address));
        let words = ["--own-web-servers", &own, "--cloud-url", &cloud, "--bucket-url", &bucket];
        plan.arguments.extend(words.map(str::to_owned));
        plan.arguments.extend(["--bucket-key-id", "AKIATEST", "--bucket-name", "office"].map(str::to_owned));
        plan.variables.push(("TANDEM_BUCKET_SECRET".into(), "a secret".into()));
    })
}

/// Calls come, and somebody sets something, until the exchange is killed. Gives what was acknowledged.
fn work_until_killed(exchange: Exchange, tag: &str, round: u64) -> Result<(Exchange, Vec<String>)> {
    let scenario = sipp::call("500", r#"<pause milliseconds="300"/>"#);
    let load = sipp::start(&exchange, &scenario, &["-m", "100000", "-r", "15", "-l", "40"])?;
    // Another moment in each round, and the same ones in each run.
    let end = Instant::now() + Duration::from_millis(150 + round * 7_919 % 900);
    let mut acknowledged = Vec::new();
    while Instant::now() < end {
        let name = format!("{round}-{}", acknowledged.len());
        exchange.put(&format!("/v1.0/tags/{tag}"), json!({ "name": name }))?;
        acknowledged.push(name);
        wait::let_pass(Duration::from_millis(5));
    }
    exchange.process.signal(libc::SIGKILL);
    load.kill();
    // The process is gone already, or about to be.
    Ok((exchange.crash_and_restart()?, acknowledged))
}

/// What the log says of calls: each began once and ended once.
fn assert_calls_whole(log: &[store::event_log::Record]) -> Result<usize> {
    let of = |kind: &str| {
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        for event in log.iter().filter(|event| event.kind == kind) {
            let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
            *ids.entry(data["id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        ids
    };
    let (created, over) = (of("call_created"), of("call_hungup"));
    ensure!(created == over, "{} calls began, {} ended", created.len(), over.len());
    ensure!(created.values().all(|times| *times == 1), "each once");
    Ok(created.len())
}

fn recordings(exchange: &Exchange) -> Result<Vec<Value>> {
    let (mut recordings, mut next) = (Vec::new(), String::new());
    loop {
        let page = exchange.get(&format!("/v1.0/recordings?page_size=100{next}"))?;
        recordings.extend(page["result"].as_array().cloned().unwrap_or_default());
        match page["next_page_token"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => next = format!("&page_token={token}"),
            None => return Ok(recordings),
        }
    }
}

/// Whether nothing is to be done for a recording any more: it is in the bucket alone, or there never was a file.
fn is_settled(recording: &Value) -> bool {
    let stored = &recording["metadata"]["stored"];
    recording["status"] == "ended" && (stored == "bucket" || stored == "")
}

/// Every recording that has a file is in the bucket, whole, under its own name.
fn assert_recordings_whole(exchange: &Exchange, bucket: &BucketService) -> Result<usize> {
    let recordings = recordings(exchange)?;
    let home = tempfile::tempdir()?;
    let mut names = BTreeSet::new();
    for record in &recordings {
        ensure!(record["status"] == "ended", "{record}");
        if record["metadata"]["stored"] == "" {
            // It was killed before anything was written of it.
            ensure!(record["metadata"]["failure"].is_string(), "{record}");
            continue;
        }
        ensure!(record["metadata"]["stored"] == "bucket", "{record}");
        let url = record["url"].as_str().context("a link")?;
        let octets = ureq::get(url).call()?.body_mut().read_to_vec()?;
        let sum: String = Sha256::digest(&octets).iter().map(|octet| format!("{octet:02x}")).collect();
        ensure!(record["metadata"]["sha256"] == sum.as_str(), "{record}");
        let file = home.path().join("it.wav");
        std::fs::write(&file, octets)?;
        ensure!(recording::look(&file)?.codec == "pcm_s16le", "{record}");
        names.insert(record["metadata"]["object"].as_str().context("a name")?.to_owned());
    }
    let there: BTreeSet<String> = bucket.objects("office")?.into_iter().collect();
    ensure!(there == names, "there are {} objects for {} recordings", there.len(), names.len());
    Ok(names.len())
}

#[test]
fn whoever_kills_the_exchange_again_and_again_loses_nothing() -> Result<()> {
    let home = tempfile::tempdir()?;
    let server = WebServer::start(|_, connection| give(connection, 200, ("text/plain", b"ok")))?;
    let (cloud, bucket) = (Cloud::start(home.path(), &[])?, BucketService::start()?);
    bucket.make("office")?;
    let mut exchange = start(&server, &cloud, &bucket)?;
    exchange.add_extension("1001")?;
    let record = json!({"type": "record_start", "option": {"format": "wav"}});
    let actions = json!([{"type": "answer"}, record, {"type": "sleep", "option": {"duration": 5_000}}]);
    exchange.add_number("500", actions)?;
    exchange.put("/v1.0/customer", json!({"webhook_uri": server.url("/"), "webhook_method": "POST"}))?;
    let tag = exchange.post("/v1.0/tags", json!({"name": "first", "detail": ""}))?;
    let tag = tag["id"].as_str().context("it has an id")?;
    let told_from = exchange.get("/healthz")?["latest_event"].as_i64().context("a number")?;

    let mut acknowledged = Vec::new();
    let rounds = soak::of(6, 100);
    for round in 0..rounds {
        let (next, more) = work_until_killed(exchange, tag, round)?;
        exchange = next;
        acknowledged.extend(more);
    }

    // Now everybody has the time to read to the end.
    wait::within(wait::PATIENCE * 30, "the recordings to go", || {
        recordings(&exchange).ok()?.iter().all(is_settled).then_some(())
    })?;
    cloud.await_all_of(&exchange)?;
    let log = event_log::read(&exchange)?;
    assert!(log.is_sorted_by(|a, b| b.seq == a.seq + 1), "without gaps");
    let last = log.last().context("a log")?.seq;
    wait::within(wait::PATIENCE * 30, "the web server to be told", || {
        server.asked().last().and_then(event_id).filter(|id| *id >= last)
    })?;
    let mut next = told_from;
    for id in server.asked().iter().filter_map(event_id) {
        ensure!(id <= next, "{id} came where {next} was to come");
        next = next.max(id + 1);
    }
    ensure!(next > last, "the web server has everything, in order");
    let names = cloud.ask("SELECT json_extract(data, '$.name') FROM record WHERE type = 'tag_updated' ORDER BY seq")?;
    let names: Vec<&str> = names.lines().collect();
    for name in &acknowledged {
        ensure!(names.contains(&name.as_str()), "{name} was acknowledged, and the cloud has not heard of it");
    }
    let now = exchange.get(&format!("/v1.0/tags/{tag}"))?;
    ensure!(now["name"].as_str() == names.last().copied(), "{now} is not what was set last");
    let (calls, recordings) = (assert_calls_whole(&log)?, assert_recordings_whole(&exchange, &bucket)?);
    let twice = server.asked().len() as i64 - (last - told_from + 1);
    println!(
        "killed {rounds} times: {calls} calls, {recordings} recordings, {} events kept; {twice} told twice by webhook",
        log.len()
    );
    ensure!(calls > rounds as usize && recordings > 0, "{calls} calls, {recordings} recordings");
    exchange.assert_no_errors();
    Ok(())
}
