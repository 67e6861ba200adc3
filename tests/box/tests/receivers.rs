//! Those who are told, at their worst: they fail, hang, are killed and come back, are not who they say they are, or lead to where
//! nothing of ours belongs. Web servers, clouds and buckets alike.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use box_tests::certificates::Certificates;
use box_tests::child::Child;
use box_tests::cloud::{BadLine, Fault};
use box_tests::web_server::{Asked, give};
use box_tests::{BucketService, Cloud, Exchange, WebServer, namespace, sipp, soak, wait};
use delivery::recording::{Account, Bucket, Rules, courier};
use pbx::recording::{Recorded, RecordedFile, RecordingFormat, RecordingRecord, RecordingStatus};
use pbx::{Event, EventKind, UnixMicros};
use serde_json::json;
use store::journal::{Entry, Hooks, Journal};
use store::{Item, Store, Timestamp};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_795_342_560_000_000);

/// An exchange whose cloud and bucket are at these addresses, and that may tell web servers on this machine.
fn start(cloud: &str, bucket: &str, further: &[&str]) -> Result<Exchange> {
    Exchange::start_as(|plan| {
        let words = ["--cloud-url", cloud, "--bucket-url", bucket, "--bucket-key-id", "AKIATEST"];
        plan.arguments.extend(words.iter().chain(further).map(|word| word.to_string()));
        plan.variables.push(("TANDEM_BUCKET_SECRET".into(), "a secret".into()));
    })
}

/// Has a moment of a call recorded; the recording's id.
fn record(exchange: &Exchange) -> Result<String> {
    let actions = json!([{"type": "answer"}, {"type": "record_start", "option": {"format": "wav"}}, {"type": "sleep", "option": {"duration": 20_000}}]);
    exchange.add_extension("1001")?;
    exchange.add_number("500", actions)?;
    sipp::run(exchange, &sipp::call("500", r#"<pause milliseconds="300"/>"#), &[])?;
    wait::until("the recording", || {
        let page = exchange.get("/v1.0/recordings").ok()?;
        let ended = &page["result"][0];
        (ended["status"] == "ended").then(|| ended["id"].as_str().map(str::to_owned))?
    })
}

fn tell(exchange: &Exchange, url: &str) -> Result<()> {
    exchange.put("/v1.0/customer", json!({ "webhook_uri": url, "webhook_method": "POST" })).map(drop)
}

/// What went wrong with the first event that a web server was told.
fn webhook_failure(exchange: &Exchange) -> Option<String> {
    let page = exchange.get("/v1.0/webhook_deliveries").ok()?;
    let tried = page["result"].as_array()?.iter().find(|one| one["tries"][0].is_object())?;
    Some(tried["tries"][0]["reason"].as_str()?.to_owned())
}

fn cloud_failure(exchange: &Exchange) -> Option<String> {
    Some(exchange.get("/v1.0/cloud").ok()?["failure"].as_str()?.to_owned())
}

fn bucket_failure(exchange: &Exchange, id: &str) -> Option<String> {
    let record = exchange.get(&format!("/v1.0/recordings/{id}")).ok()?;
    Some(record["metadata"]["upload_failure"].as_str()?.to_owned())
}

fn id(asked: &Asked) -> Option<i64> {
    asked.head.iter().find_map(|line| line.strip_prefix("x-tandem-event-id: ")?.parse().ok())
}

#[test]
fn who_is_not_who_is_meant_is_told_nothing() -> Result<()> {
    let made = Certificates::make()?;
    let roots = made.roots();
    let names = [
        ("expired", "expired", "certificate"),
        ("elsewhere", "not valid for", "certificate"),
        ("unknown", "UnknownIssuer", "UnknownIssuer"),
        // The one that is meant; only the paths are a cloud's alone.
        ("cloud", "", "answers"),
    ];
    for (name, said, at_all) in names {
        let home = tempfile::tempdir()?;
        let [certificate, key] = made.pair(name);
        let server = Cloud::start(home.path(), &["--certificate", &certificate, "--key", &key])?;
        let (url, own) = (format!("https://{}", server.address), server.address.to_string());
        let trust = ["--cloud-roots", &roots, "--bucket-roots", &roots, "--webhook-roots", &roots];
        let exchange = start(&url, &url, &[&trust[..], &["--own-web-servers", &own]].concat())?;
        tell(&exchange, &format!("{url}/hook"))?;
        let recording = record(&exchange)?;
        let told = [
            ("webhook", wait::until("the web server to be refused", || webhook_failure(&exchange))?),
            ("bucket", wait::until("the bucket to be refused", || bucket_failure(&exchange, &recording))?),
        ];
        for (who, failure) in &told {
            ensure!(failure.contains(said) && failure.contains(at_all), "{who}, {name}: {failure}");
        }
        if said.is_empty() {
            server.await_all_of(&exchange)?;
        } else {
            let fleet = Exchange::start_as(|plan| {
                let url = format!("amqps://box@{}", server.address);
                plan.arguments.extend(["--cloud-url", &url, "--cloud-roots", &roots].map(str::to_owned));
                plan.variables.push(("TANDEM_CLOUD_TOKEN".into(), "open sesame".into()));
            })?;
            let of_fleet = wait::until("RabbitMQ to be refused", || cloud_failure(&fleet))?;
            let of_cloud = wait::until("the cloud to be refused", || cloud_failure(&exchange))?;
            ensure!(of_cloud.contains(said) && of_fleet.contains(said), "{name}: {of_cloud}, {of_fleet}");
            assert_eq!(server.count()?, 0, "{name}");
        }
    }
    Ok(())
}

#[test]
fn nobody_leads_the_box_to_the_metadata_address() -> Result<()> {
    if namespace::enter("nobody_leads_the_box_to_the_metadata_address")? {
        return Ok(());
    }
    // Somebody is there, as in a cloud: whoever asks is told secrets.
    let added = Command::new("ip").args(["addr", "add", "169.254.169.254/32", "dev", "lo"]).status()?;
    ensure!(added.success(), "the address is not to be had");
    let asked = Arc::new(AtomicUsize::new(0));
    let (listener, count) = (TcpListener::bind("169.254.169.254:80")?, asked.clone());
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = give(&mut connection, 200, ("application/json", br#"{"AccessKeyId":"secret","cursor":1}"#));
        }
    });
    ensure!(ureq::get("http://169.254.169.254/").call().is_ok(), "it is there");
    assert_eq!(asked.swap(0, Ordering::SeqCst), 1);

    let leading = WebServer::start(|_, connection| {
        let to = "http://169.254.169.254/latest/meta-data/iam/security-credentials/box";
        write!(connection, "HTTP/1.1 307 X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    })?;
    let (url, own) = (leading.url(""), leading.address.to_string());
    let exchange = start(&url, &url, &["--own-web-servers", &own])?;
    tell(&exchange, &leading.url("/hook"))?;
    let recording = record(&exchange)?;
    let of_webhook = wait::until("the web server to be refused", || webhook_failure(&exchange))?;
    ensure!(of_webhook.contains("169.254.169.254 is an address of this box or beside it"), "{of_webhook}");
    let of_cloud = wait::until("the cloud to be refused", || cloud_failure(&exchange))?;
    ensure!(of_cloud.contains("307"), "{of_cloud}");
    let of_bucket = wait::until("the bucket to be refused", || bucket_failure(&exchange, &recording))?;
    ensure!(of_bucket.contains("307"), "{of_bucket}");

    // Who names it himself is told at once.
    let refused =
        exchange.put("/v1.0/customer", json!({"webhook_uri": "http://169.254.169.254/", "webhook_method": "POST"}));
    ensure!(refused.is_err(), "{refused:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nobody has asked there");
    exchange.assert_no_errors();
    Ok(())
}

/// What a web server does with the first request on a path; those that follow it takes.
fn misbehave(path: &str, connection: &mut TcpStream) -> io::Result<()> {
    match path {
        "/500" => give(connection, 500, ("text/plain", b"something broke")),
        "/429" => {
            write!(connection, "HTTP/1.1 429 X\r\nRetry-After: 4\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        // It has it, and does not say so.
        "/lost" => Ok(()),
        "/broken" => write!(connection, "HTTP/1.1 2"),
        // The status is said; what comes behind it is cut off.
        "/half" => write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok, and"),
        "/nonsense" => connection.write_all(&[0xff; 1_000]),
        _ => give(connection, 200, ("text/plain", b"ok")),
    }
}

#[test]
fn a_web_server_that_fails_is_told_again_in_order() -> Result<()> {
    type Told = (String, Instant);
    let told: Arc<Mutex<Vec<Told>>> = Arc::default();
    let first = told.clone();
    let server = WebServer::start(move |asked, connection| {
        let mut told = first.lock().expect("nobody panics with it");
        let is_first = !told.iter().any(|(path, _)| *path == asked.path);
        told.push((asked.path.clone(), Instant::now()));
        drop(told);
        misbehave(if is_first { &asked.path } else { "" }, connection)
    })?;
    let own = server.address.to_string();
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--own-web-servers".into(), own])?;
    let paths = ["/500", "/429", "/lost", "/broken", "/half", "/nonsense"];
    for path in paths {
        let actions = json!([{ "type": "variable_set", "option": { "key": "who", "value": "Ada" } }]);
        let body = json!({ "actions": actions, "webhook_uri": server.url(path), "webhook_method": "POST" });
        exchange.post("/v1.0/activeflows", body)?;
    }
    wait::until("all of them to have everything", || {
        let page = exchange.get("/v1.0/webhook_deliveries?page_size=100").ok()?;
        let all = page["result"].as_array()?;
        (all.len() >= 2 * paths.len() && all.iter().all(|one| one["status"] == "delivered")).then_some(())
    })?;
    for path in paths {
        let ids: Vec<i64> = server.asked().iter().filter(|asked| asked.path == path).filter_map(id).collect();
        let twice = usize::from(path != "/half");
        ensure!(ids.is_sorted() && ids.len() == ids.iter().collect::<BTreeSet<_>>().len() + twice, "{path}: {ids:?}");
        ensure!(twice == 0 || ids[0] == ids[1], "{path}: the same comes again before anything else: {ids:?}");
    }
    let told = told.lock().expect("nobody panics with it");
    let at: Vec<Instant> = told.iter().filter(|(path, _)| path == "/429").map(|(_, at)| *at).collect();
    ensure!(at[1] - at[0] >= Duration::from_secs(4), "it said how long it wants to be left alone");
    exchange.assert_no_errors();
    Ok(())
}

/// A web server in a process of its own, which keeps the numbers of what it was told in a file before it answers.
fn notebook(address: SocketAddr, file: &str) -> Result<Child> {
    const PROGRAM: &str = r#"
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Notebook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[2], "a") as file:
            file.write(self.headers["X-Tandem-Event-Id"] + "\n")
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Notebook)
print("ready", flush=True)
server.serve_forever()
"#;
    let mut command = Command::new("/usr/bin/python3");
    let child = Child::start(command.args(["-c", PROGRAM, &address.port().to_string(), file]))?;
    wait::until("the web server", || child.said().iter().any(|line| line == "ready").then_some(()))?;
    Ok(child)
}

#[test]
fn a_web_server_that_is_killed_twice_has_everything_when_it_returns() -> Result<()> {
    let home = tempfile::tempdir()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2)));
    let file = home.path().join("told").display().to_string();
    let mut server = notebook(address, &file)?;
    let own = address.to_string();
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--own-web-servers".into(), own])?;
    tell(&exchange, &format!("http://{address}/"))?;
    let told = || -> Vec<i64> {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    let tag = exchange.post("/v1.0/tags", json!({"name": "a", "detail": ""}))?;
    let path = format!("/v1.0/tags/{}", tag["id"].as_str().context("an id")?);
    for round in 0..2 {
        let before = told().len();
        for number in 0..60 {
            exchange.put(&path, json!({"name": format!("{round} {number}")}))?;
        }
        wait::until("some to be told", || (told().len() > before + 3).then_some(()))?;
        server.signal(libc::SIGKILL);
        server.wait(wait::PATIENCE).context("SIGKILL ends a process")?;
        exchange.put(&path, json!({"name": format!("{round} behind its back")}))?;
        wait::until("it to be missed", || (exchange.metric("webhooks_failures_total").ok()? > round).then_some(()))?;
        server = notebook(address, &file)?;
    }
    let last = exchange.get("/healthz")?["latest_event"].as_i64().context("a number")?;
    wait::until("the last one to be told", || (told().last() == Some(&last)).then_some(()))?;
    let mut next = told()[0];
    for id in told() {
        ensure!(id <= next, "{id} came where {next} was to come");
        next = next.max(id + 1);
    }
    assert_eq!(next, last + 1);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn receivers_that_hang_get_everything_in_the_end() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (cloud, bucket) = (Cloud::start(home.path(), &[])?, BucketService::start()?);
    let server = WebServer::start(|_, connection| give(connection, 200, ("text/plain", b"ok")))?;
    // Longer than the box has patience, or as long as a test has. The bucket is asked first what it holds.
    let hang = Fault::Hang(soak::of(1, 45));
    let (cloud_line, web_line) = (BadLine::to(cloud.address, &[hang])?, BadLine::to(server.address, &[hang])?);
    let bucket_line = BadLine::to(bucket.address, &[hang, hang])?;
    let own = web_line.address.to_string();
    let [to_cloud, to_bucket] = [&cloud_line, &bucket_line].map(|line| format!("http://{}", line.address));
    let exchange = start(&to_cloud, &to_bucket, &["--own-web-servers", &own])?;
    // It is called so unless it is told otherwise.
    let box_id = exchange.get("/v1.0/box")?["customer_id"].as_str().context("the box has an id")?.to_owned();
    let name = format!("recordings-{box_id}");
    bucket.make(&name)?;
    tell(&exchange, &format!("http://{own}/"))?;
    let begin = Instant::now();
    let recording = record(&exchange)?;
    ensure!(begin.elapsed() < Duration::from_secs(15), "a call waits for none of them: {:?}", begin.elapsed());
    wait::within(wait::PATIENCE * 6, "the recording to arrive", || {
        let record = exchange.get(&format!("/v1.0/recordings/{recording}")).ok()?;
        (record["metadata"]["stored"] == "bucket").then_some(())
    })?;
    let last = exchange.get("/healthz")?["latest_event"].as_i64().context("a number")?;
    wait::within(wait::PATIENCE * 6, "the web server to be told", || {
        server.asked().last().and_then(id).filter(|id| *id >= last)
    })?;
    cloud.await_all_of(&exchange)?;
    assert_eq!([cloud_line.left(), bucket_line.left(), web_line.left()], [0; 3], "all of them have hung");
    assert_eq!(bucket.objects(&name)?.len(), 1);
    exchange.assert_no_errors();
    Ok(())
}

/// What carries recordings, without the box around it.
struct Carriage {
    home: tempfile::TempDir,
    bucket: Bucket,
    store: Store,
    journal: Journal,
}

impl Carriage {
    fn to(address: SocketAddr) -> Result<Carriage> {
        let home = tempfile::tempdir()?;
        let (store, writer) = Store::open(&home.path().join("tandem.db"), "", &[1; 64])?;
        let (committed, failed) = (Box::new(|_| ()), Box::new(|error| panic!("{error}")));
        let journal = Journal::start(writer, Hooks { clock: Box::new(|| NOW), committed, failed })?;
        Ok(Carriage { home, bucket: bucket_at(address)?, store, journal })
    }

    /// A file that is to go.
    fn add(&self, id: Uuid, octets: &[u8]) -> Result<()> {
        let (at, name) = (UnixMicros(NOW.0), format!("{id}.wav"));
        std::fs::write(self.home.path().join(&name), octets)?;
        let (format, duration) = (RecordingFormat::Wav, Duration::from_secs(1));
        let file = RecordedFile { path: name, format, octets: octets.len() as u64, duration };
        let record = RecordingRecord {
            id,
            of: Recorded::Call(Uuid::from_u128(7)),
            status: RecordingStatus::Ended,
            format,
            on_end_flow_id: None,
            end: None,
            failure: None,
            file: Some(file),
            created: at,
            updated: at,
            started: Some(at),
            ended: Some(at),
        };
        let items = vec![Item::Event(Event { at, kind: EventKind::Recording(Box::new(record)) })];
        let submitted = self.journal.submit(Entry { items, done: None });
        ensure!(submitted.is_ok(), "the store takes it");
        let reader = self.store.reader()?;
        wait::until("the row", || reader.recording(id).ok().flatten())?;
        Ok(())
    }

    /// Carries, as after a start, until nothing is left to do; how often it went wrong.
    fn run(&self) -> Result<usize> {
        let rules = Rules { box_age: Some(Duration::ZERO), bucket_age: None, room: 0, last_room: 0 };
        let around = courier::Surroundings {
            store: self.store.clone(),
            journal: self.journal.clone(),
            bucket: Some(self.bucket.clone()),
            folder: self.home.path().to_owned(),
            rules,
            clock: Box::new(|| NOW),
            latest: Box::new(|| 0),
        };
        let mut round = courier::Round::new(around, Arc::default())?;
        for failures in 0..5 {
            if round.run(&|| false).is_ok() {
                return Ok(failures);
            }
        }
        anyhow::bail!("it never went through")
    }
}

fn bucket_at(address: SocketAddr) -> Result<Bucket> {
    let [endpoint, region, name, key_id, secret] =
        [&format!("http://{address}"), "us-east-1", "office", "AKIATEST", "a secret"].map(str::to_owned);
    let account = Account { endpoint, region, name, key_id, secret };
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    Bucket::new(&account, agent, Arc::new(|| NOW)).map_err(anyhow::Error::msg)
}

#[test]
fn whatever_a_bucket_does_a_recording_is_there_whole_and_once() -> Result<()> {
    use Fault::{Cut, HalfAnswer, LostAnswer, None, Status, Twice};
    let service = BucketService::start()?;
    service.make("office")?;
    let direct = bucket_at(service.address)?;
    let short = vec![7; 20_000];
    let long: Vec<u8> = (0..11_u32 << 19).map(|octet| (octet.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    // A short file takes two requests: it is put, and looked at. A long one takes five.
    let all = [Status(500), Status(429), Status(503), LostAnswer, HalfAnswer, Cut, Twice];
    let of_short = all.iter().flat_map(|fault| (0..2).map(|at| (*fault, at, &short)));
    let of_long = [LostAnswer, Status(500)]
        .into_iter()
        .flat_map(|fault| (0..5).map(move |at| (fault, at)))
        .map(|(fault, at)| (fault, at, &long));
    for (number, (fault, at, octets)) in (1..).zip(of_short.chain(of_long)) {
        let mut faults = vec![None; at];
        faults.push(fault);
        let line = BadLine::to(service.address, &faults)?;
        let (carriage, id) = (Carriage::to(line.address)?, Uuid::from_u128(number));
        carriage.add(id, octets)?;
        let failures = carriage.run()?;
        assert_eq!(line.left(), 0, "{fault:?} at {at} happened");
        ensure!(failures <= 1, "{fault:?} at {at}: {failures}");
        let name = format!("2026-11-22/{id}.wav");
        let there: Vec<String> = service.objects("office")?;
        assert_eq!(there, [name.as_str()], "{fault:?} at {at}");
        let mut fetched = ureq::get(direct.link(&name)).call()?;
        let fetched = fetched.body_mut().with_config().limit(64 << 20).read_to_vec()?;
        ensure!(&fetched == octets, "{fault:?} at {at}: it is not whole");
        let record = carriage.store.reader()?.recording(id)?.context("its row")?;
        assert_eq!(record.in_bucket(), Some(name.as_str()), "{fault:?} at {at}");
        // What was begun and never heard of is given up at the next start.
        carriage.run()?;
        ensure!(direct.uploads()?.is_empty(), "{fault:?} at {at}: {:?}", direct.uploads());
        direct.delete(&name)?;
        carriage.journal.close();
    }
    Ok(())
}
