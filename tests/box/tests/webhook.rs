//! Events reach a real web server: once each, in order, signed; or are tried again, parked, listed and sent by hand.

use std::io::{self, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::web_server::{Asked, give};
use box_tests::{Exchange, WebServer, wait};
use serde_json::{Value, json};

fn exchange_beside(server: &WebServer) -> Result<Exchange> {
    let own = server.address.to_string();
    Exchange::start_as(|plan| plan.arguments = vec!["--own-web-servers".into(), own])
}

fn tell(exchange: &Exchange, url: &str) -> Result<()> {
    exchange.put("/v1.0/customer", json!({ "webhook_uri": url, "webhook_method": "POST" })).map(drop)
}

fn ok(connection: &mut TcpStream) -> io::Result<()> {
    give(connection, 200, ("text/plain", b"ok"))
}

fn header<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn id(asked: &Asked) -> i64 {
    header(asked, "x-tandem-event-id").and_then(|id| id.parse().ok()).expect("each carries its number")
}

fn kind(asked: &Asked) -> String {
    let body: Value = serde_json::from_str(&asked.body).expect("JSON");
    body["type"].as_str().unwrap_or_default().to_owned()
}

/// Whether it tells of this extension: any number may stand in an id or a time.
fn is_about(asked: &Asked, extension: &str) -> bool {
    asked.body.contains(&format!(r#""extension":"{extension}""#))
}

fn deliveries(exchange: &Exchange) -> Vec<Value> {
    let page = exchange.get("/v1.0/webhook_deliveries").expect("a page");
    page["result"].as_array().cloned().unwrap_or_default()
}

/// Waits for a delivery to this URL that is as wanted.
fn await_delivery(exchange: &Exchange, url: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    wait::until(&format!("what is told to {url}"), || {
        deliveries(exchange).into_iter().find(|one| one["webhook_uri"] == url && wanted(one))
    })
}

/// Runs a flow of which a web server is told.
fn run_told(exchange: &Exchange, url: &str, method: &str) -> Result<Value> {
    let actions = json!([{ "type": "variable_set", "option": { "key": "who", "value": "Ada" } }]);
    exchange.post("/v1.0/activeflows", json!({ "actions": actions, "webhook_uri": url, "webhook_method": method }))
}

/// HMAC-SHA256 by a program that is not ours.
fn hmac(key: &str, text: &str) -> Result<String> {
    let mut process = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", key, "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    process.stdin.take().context("it reads")?.write_all(text.as_bytes())?;
    let out = String::from_utf8(process.wait_with_output()?.stdout)?;
    Ok(out.split(' ').next().unwrap_or_default().to_owned())
}

#[test]
fn an_event_is_told_in_its_envelope_with_its_number_and_signature() -> Result<()> {
    let server = WebServer::start(|_, connection| ok(connection))?;
    let exchange = exchange_beside(&server)?;
    exchange.add_extension("1000")?;
    let secret = json!({ "webhook_secret": "only for us", "event_dialect": "2026" });
    let customer = exchange.put("/v1.0/customer/metadata", secret)?;
    assert_eq!(customer["metadata"]["webhook_signed"], true);
    assert!(!customer.to_string().contains("only for us"), "{customer}");
    tell(&exchange, &server.url("/hook"))?;
    exchange.add_extension("1001")?;
    wait::until("the second event", || (server.asked().len() == 2).then_some(()))?;
    let asked = server.asked();
    assert_eq!(asked.iter().map(kind).collect::<Vec<_>>(), ["customer_updated", "extension_created"]);
    let created = &asked[1];
    assert_eq!((created.method.as_str(), created.path.as_str()), ("POST", "/hook"));
    let body: Value = serde_json::from_str(&created.body)?;
    assert_eq!(
        body.as_object().map(|body| body.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["data".into(), "type".into()])
    );
    assert_eq!(body["data"]["extension"], "1001");
    assert_eq!(header(created, "content-type"), Some("application/json"));
    let signature = format!("sha256={}", hmac("only for us", &created.body)?);
    assert_eq!(header(created, "x-voipbin-signature"), Some(signature.as_str()));
    assert_eq!(id(created), id(&asked[0]) + 1);
    let told = await_delivery(&exchange, &server.url("/hook"), |one| one["event_id"] == id(created))?;
    assert_eq!((&told["status"], &told["tries"][0]["status_code"]), (&json!("delivered"), &json!(200)));
    let path = format!("/v1.0/webhook_deliveries/{}", told["id"].as_str().unwrap_or_default());
    assert_eq!(exchange.get(&path)?["data"]["extension"], "1001");
    // The later names were asked for; nobody answers at 1001.
    let call = json!({
        "destinations": [{ "type": "extension", "target": "1001" }],
        "actions": [{ "type": "answer" }],
    });
    exchange.post("/v1.0/calls", call)?;
    wait::until("the end of the call", || {
        server.asked().iter().any(|asked| kind(asked) == "call_hangup").then_some(())
    })?;
    assert!(!server.asked().iter().any(|asked| kind(asked) == "call_hungup"), "by one name only");
    // Nobody finds the secret in what lies on the disk.
    let database = std::fs::read(exchange.folder().join("tandem.db-wal"))?;
    assert!(!database.windows(11).any(|part| part == b"only for us"));
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_server_that_fails_is_asked_three_times_and_by_hand_and_the_order_is_kept() -> Result<()> {
    let failures = Arc::new(AtomicUsize::new(3));
    let left = failures.clone();
    let server = WebServer::start(move |asked, connection| {
        let is_meant = is_about(asked, "1001");
        match is_meant && left.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            true => give(connection, 503, ("text/plain", b"come back later")),
            false => ok(connection),
        }
    })?;
    let exchange = exchange_beside(&server)?;
    let url = server.url("/");
    tell(&exchange, &url)?;
    for number in ["1001", "1002", "1003"] {
        exchange.add_extension(number)?;
    }
    let failed = await_delivery(&exchange, &url, |one| one["status"] == "failed")?;
    let tries = failed["tries"].as_array().context("tries")?;
    assert_eq!(tries.len(), 3);
    let told_why = |once: &Value| once["reason"] == "the server answers 503: come back later";
    assert!(tries.iter().all(|once| once["status_code"] == 503 && told_why(once)), "{failed}");
    await_delivery(&exchange, &url, |one| one["event_type"] == "extension_created" && one["status"] == "delivered")?;
    wait::until("all are told", || (server.asked().len() == 6).then_some(()))?;
    let first = id(&server.asked()[0]);
    let numbers: Vec<i64> = server.asked().iter().map(|asked| id(asked) - first).collect();
    assert_eq!(numbers, [0, 1, 1, 1, 2, 3], "nothing overtakes what is tried again");

    let path = format!("/v1.0/webhook_deliveries/{}/retry", failed["id"].as_str().unwrap_or_default());
    assert_eq!(exchange.post(&path, json!({}))?["event_id"], failed["event_id"]);
    let again = await_delivery(&exchange, &url, |one| one["id"] == failed["id"] && one["status"] == "delivered")?;
    assert_eq!(again["tries"].as_array().map(Vec::len), Some(4));
    let asked = server.asked();
    assert_eq!(asked.last().map(|asked| id(asked) - first), Some(1));
    assert_eq!(exchange.metric("webhooks_failures_total")?, 3);
    assert_eq!(exchange.metric("webhooks_given_up_total")?, 1);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_server_that_hangs_holds_up_no_other() -> Result<()> {
    let (let_go, may_go) = mpsc::channel::<()>();
    let may_go = Mutex::new(may_go);
    let hanging = WebServer::start(move |_, connection| {
        let _ = may_go.lock().expect("nobody panics with it").recv_timeout(Duration::from_secs(25));
        ok(connection)
    })?;
    let server = WebServer::start(|_, connection| ok(connection))?;
    let own = format!("{},{}", server.address, hanging.address);
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--own-web-servers".into(), own])?;
    tell(&exchange, &server.url("/customer"))?;
    let flow = run_told(&exchange, &hanging.url("/slow"), "POST")?;
    assert_eq!(flow["webhook_uri"], hanging.url("/slow"));
    wait::until("the slow one is asked", || (!hanging.asked().is_empty()).then_some(()))?;
    run_told(&exchange, &server.url("/flow"), "GET")?;
    let told = |path: &str| server.asked().into_iter().filter(|asked| asked.path == path).collect::<Vec<_>>();
    let quick = wait::until("the others are told meanwhile", || {
        let last = |asked: &Asked| kind(asked) == "activeflow_updated" && asked.body.contains("\"ended\"");
        let both = told("/customer").iter().filter(|asked| last(asked)).count() == 2;
        told("/flow").last().filter(|asked| both && last(asked)).cloned()
    })?;
    assert_eq!((quick.method.as_str(), hanging.asked().len()), ("GET", 1));
    drop(let_go);
    wait::until("the slow one has everything, in order", || {
        let kinds: Vec<String> = hanging.asked().iter().map(kind).collect();
        (kinds.first()? == "activeflow_created" && kinds.len() == told("/flow").len()).then_some(())
    })?;
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn redirects_are_followed_three_times_and_never_into_the_box() -> Result<()> {
    let own = Arc::new(Mutex::new(String::new()));
    let inside = own.clone();
    let server = WebServer::start(move |asked, connection| {
        let to = match asked.path.as_str() {
            "/4" => "/3".to_string(),
            "/3" => "2".to_string(),
            "/2" => "/1".to_string(),
            "/1" => "?here".to_string(),
            "/metadata" => "http://169.254.169.254/latest/meta-data".to_string(),
            "/box" => format!("http://{}/healthz", inside.lock().expect("nobody panics with it")),
            _ => return ok(connection),
        };
        write!(connection, "HTTP/1.1 307 X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    })?;
    let exchange = exchange_beside(&server)?;
    *own.lock().expect("nobody panics with it") = exchange.http().to_string();
    for path in ["/3", "/4", "/metadata", "/box"] {
        run_told(&exchange, &server.url(path), "PUT")?;
    }
    await_delivery(&exchange, &server.url("/3"), |one| one["status"] == "delivered")?;
    let arrived = server.asked().into_iter().find(|asked| asked.path == "/1?here").context("it arrived")?;
    assert_eq!((arrived.method.as_str(), kind(&arrived).as_str()), ("PUT", "activeflow_created"));
    let near = "is an address of this box or beside it";
    for (path, reason) in [("/4", "more than 3 times"), ("/metadata", near), ("/box", near)] {
        let refused = await_delivery(&exchange, &server.url(path), |one| one["tries"][0].is_object())?;
        let told = refused["tries"][0]["reason"].as_str().unwrap_or_default();
        assert!(told.contains(reason) && refused["status"] == "waiting", "{refused}");
    }
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn whoever_kills_the_exchange_loses_no_event() -> Result<()> {
    let is_slow = Arc::new(AtomicBool::new(true));
    let slowly = is_slow.clone();
    let server = WebServer::start(move |_, connection| {
        if slowly.load(Ordering::Relaxed) {
            wait::let_pass(Duration::from_millis(3));
        }
        ok(connection)
    })?;
    let mut exchange = exchange_beside(&server)?;
    tell(&exchange, &server.url("/"))?;
    let mut number = 1_000;
    for _ in 0..3 {
        let before = server.asked().len();
        for _ in 0..40 {
            exchange.add_extension(&number.to_string())?;
            number += 1;
        }
        wait::until("some are told", || (server.asked().len() > before + 5).then_some(()))?;
        exchange = exchange.crash_and_restart()?;
    }
    is_slow.store(false, Ordering::Relaxed);
    exchange.add_extension("9999")?;
    wait::until("the last one is told", || server.asked().iter().any(|asked| is_about(asked, "9999")).then_some(()))?;
    // Who keeps each by its number has all of them, in order.
    let mut seen: Vec<i64> = Vec::new();
    for asked in server.asked() {
        let next = id(&asked);
        if seen.last().is_none_or(|last| next > *last) {
            assert!(seen.last().is_none_or(|last| next == last + 1), "{next} came after {seen:?}");
            seen.push(next);
        }
    }
    assert!(seen.len() >= 122, "{}", seen.len());
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_server_of_an_activeflow_is_told_of_the_calls_that_it_makes() -> Result<()> {
    let server = WebServer::start(|_, connection| ok(connection))?;
    let exchange = exchange_beside(&server)?;
    exchange.add_extension("1001")?;
    let _phone = Setup::new(&exchange, "1001").answering().start()?;
    exchange.await_registrations("1001", 1)?;
    let phone = json!({ "type": "extension", "target": "1001" });
    let led_through = json!([
        { "type": "record_start", "option": { "format": "wav" } },
        { "type": "sleep", "option": { "duration": 500 } },
        { "type": "hangup" },
    ]);
    let call = json!({ "source": { "type": "tel", "target": "+4930123456" }, "destinations": [phone], "actions": led_through });
    let actions = json!([{ "type": "call", "option": call }]);
    let body = json!({ "actions": actions, "webhook_uri": server.url("/flow"), "webhook_method": "POST" });
    let activeflow = exchange.post("/v1.0/activeflows", body)?;
    let told = || server.asked().into_iter().map(|asked| (kind(&asked), asked.body)).collect::<Vec<_>>();
    let of = |wanted: &str| told().iter().filter(|(kind, _)| kind == wanted).count();
    wait::until("the end of the call to be told, and its recording", || {
        let is_filed = told().iter().any(|(kind, body)| kind == "call_recording" && body.contains(r#""stored":"box""#));
        (of("groupcall_hangup") == 1 && is_filed).then_some(())
    })?;
    for kind in ["groupcall_created", "groupcall_progressing", "call_created", "call_answered", "call_hungup"] {
        assert_eq!(of(kind), 1, "{kind}: {:?}", told());
    }
    assert_eq!(of("activeflow_created"), 2, "its own, and that of the call: {:?}", told());

    // Whoever deletes what belongs to it later is told of as well, also after a crash.
    let exchange = exchange.crash_and_restart()?;
    let calls = exchange.get("/v1.0/calls")?;
    let call = calls["result"][0]["id"].as_str().context("a call")?;
    exchange.delete(&format!("/v1.0/calls/{call}"))?;
    exchange.delete(&format!("/v1.0/activeflows/{}", activeflow["id"].as_str().context("an id")?))?;
    wait::until("what is deleted to be told", || {
        (of("call_deleted") == 1 && of("activeflow_deleted") == 1).then_some(())
    })?;
    let ids: Vec<i64> = server.asked().iter().map(id).collect();
    let mut first: Vec<i64> = Vec::new();
    ids.iter().for_each(|id| first.extend((first.last() < Some(id)).then_some(*id)));
    assert!(ids.iter().all(|id| first.contains(id)), "in order: {ids:?}");
    exchange.assert_no_errors();
    Ok(())
}
