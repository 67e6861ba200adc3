//! Flows that ask and tell a real web server while a real phone waits: `fetch` and `webhook_send`.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Exchange, Phone, WebServer, wait, web_server};
use serde_json::{Value, json};

fn exchange_beside(server: &WebServer) -> Result<Exchange> {
    let own = server.address.to_string();
    Exchange::start_as(|plan| plan.arguments = vec!["--own-web-servers".into(), own])
}

/// Calls a number, waits for the end, and gives the flow as it was then.
fn call(exchange: &Exchange, caller: &mut Phone, number: &str) -> Result<Value> {
    let before = exchange.get("/v1.0/activeflows")?["result"].as_array().map_or(0, Vec::len);
    caller.dial(number)?;
    caller.await_event("CALL_CLOSED")?;
    wait::until("the flow is over", || {
        let flows = exchange.get("/v1.0/activeflows").ok()?;
        let flows = flows["result"].as_array()?;
        flows.first().filter(|flow| flows.len() > before && flow["status"] == "ended").cloned()
    })
}

fn ran(flow: &Value) -> Vec<&str> {
    let actions = flow["executed_actions"].as_array();
    actions.into_iter().flatten().filter_map(|action| action["type"].as_str()).collect()
}

fn sequence(exchange: &Exchange, flow: &Value) -> Result<String> {
    let id = flow["reference_id"].as_str().unwrap_or_default();
    Ok(exchange.get(&format!("/v1.0/calls/{id}/sequence"))?.to_string())
}

#[test]
fn a_web_server_says_what_comes_next_and_is_told_what_came() -> Result<()> {
    let server = WebServer::start(|asked, connection| match asked.path.as_str() {
        "/moved" => web_server::give(connection, 404, ("text/plain", b"gone")),
        path if path.starts_with("/actions") => {
            let next =
                json!([{ "type": "beep" }, { "type": "variable_set", "option": { "key": "who", "value": "Ada" } }]);
            web_server::give(connection, 200, ("application/json", next.to_string().as_bytes()))
        }
        _ => web_server::give(connection, 201, ("text/plain", b"noted")),
    })?;
    let exchange = exchange_beside(&server)?;
    let told = json!({ "sync": true, "uri": server.url("/told?key=1234"), "data": "${who} ${voipbin.call.source.target}",
        "data_type": "text/plain" });
    let again = json!({ "uri": server.url("/again"), "method": "PUT",
        "data": "${voipbin.webhook.status} ${voipbin.webhook.body}" });
    let actions = json!([
        { "type": "answer" },
        { "type": "fetch", "option": { "event_url": server.url("/actions"), "event_method": "POST" } },
        { "type": "webhook_send", "option": told },
        { "type": "webhook_send", "option": again },
        { "type": "fetch", "option": { "event_url": server.url("/actions?a=b"), "event_method": "GET" } },
        { "type": "fetch", "option": { "event_url": server.url("/moved") } },
        { "type": "beep" },
    ]);
    exchange.add_number("500", actions)?;
    let mut caller = Setup::new(&exchange, "1001").registered(&exchange)?;
    let flow = call(&exchange, &mut caller, "500")?;
    let fetched = ["beep", "variable_set"];
    let hooks = ["webhook_send", "webhook_send", "fetch"];
    assert_eq!(ran(&flow), [&["answer", "fetch"][..], &fetched, &hooks, &fetched, &["fetch"]].concat(), "{flow}");
    let asked = server.asked();
    let ids = json!({ "activeflow_id": flow["id"], "reference_id": flow["reference_id"] });
    assert_eq!(serde_json::from_str::<Value>(&asked[0].body)?, ids);
    assert!(asked[0].head.contains(&"content-type: application/json".to_string()), "{asked:?}");
    let find = |path: &str| asked.iter().find(|asked| asked.path.starts_with(path)).expect(path);
    assert_eq!((find("/told").method.as_str(), find("/told").body.as_str()), ("POST", "Ada 1001"));
    assert_eq!((find("/again").method.as_str(), find("/again").body.as_str()), ("PUT", "201 noted"));
    let query = format!("/actions?a=b&activeflow_id={}&reference_id=", flow["id"].as_str().unwrap_or_default());
    assert!(find(&query).body.is_empty());
    let ladder = sequence(&exchange, &flow)?;
    for words in
        ["POST http://127.0.0.1:", "/told?key=…", "201, 5 bytes in ", "404, 4 bytes in ", "the server answers 404"]
    {
        assert!(ladder.contains(words), "{words} is not in {ladder}");
    }
    assert!(!ladder.contains("1234"), "{ladder}");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn what_a_web_server_answers_wrongly_is_named_by_its_place() -> Result<()> {
    let deep = || format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let many = || format!("[{}{{}}]", r#"{"type":"beep"},"#.repeat(10_000));
    let server = WebServer::start(move |asked, connection| {
        let json =
            |connection: &mut _, body: &str| web_server::give(connection, 200, ("application/json", body.as_bytes()));
        match asked.path.as_str() {
            "/deep" => json(connection, &format!(r#"[{{"type":"beep","option":{{"a":{}}}}}]"#, deep())),
            "/type" => json(connection, r#"[{"type":"beep"},{"type":"sleep","option":{"duration":"long"}}]"#),
            "/nameless" => json(connection, r#"[{"type":"beep"},{}]"#),
            "/html" => json(connection, "<html>"),
            "/many" => json(connection, &many()),
            "/long" => json(connection, &format!("[{}]", " ".repeat(1 << 20))),
            _ => {
                use std::io::Write;
                write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")?;
                while connection.write_all(&[b' '; 64 * 1_024]).is_ok() {}
                Ok(())
            }
        }
    })?;
    let exchange = exchange_beside(&server)?;
    let mut caller = Setup::new(&exchange, "1001").registered(&exchange)?;
    for (number, path, words) in [
        ("501", "/deep", "nested deeper than 64"),
        ("502", "/type", "actions[1].option.duration"),
        ("503", "/nameless", "actions[1].type: is missing"),
        ("504", "/html", "expected value at line 1 column 1"),
        ("505", "/many", "actions: are 10001, more than 1000"),
        ("506", "/long", "the answer is longer than 1024 KiB"),
        ("507", "/gigabyte", "the answer is longer than 1024 KiB"),
    ] {
        let fetch = json!([{ "type": "answer" }, { "type": "fetch", "option": { "event_url": server.url(path) } }]);
        exchange.add_number(number, fetch)?;
        let flow = call(&exchange, &mut caller, number)?;
        assert_eq!(ran(&flow), ["answer", "fetch"]);
        let ladder = sequence(&exchange, &flow)?;
        assert!(ladder.contains(words), "{path}: {words} is not in {ladder}");
    }
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_redirect_to_the_box_itself_leads_nowhere() -> Result<()> {
    let metadata = "http://169.254.169.254/latest/meta-data";
    let server = WebServer::start(move |asked, connection| {
        use std::io::Write;
        let to = match asked.path.split_once("?to=") {
            Some((_, to)) => format!("http://{to}/healthz"),
            None => metadata.to_string(),
        };
        write!(connection, "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
    })?;
    let exchange = exchange_beside(&server)?;
    let mut caller = Setup::new(&exchange, "1001").registered(&exchange)?;
    let own = exchange.http().to_string();
    for (number, url) in [
        ("501", server.url(&format!("/?to={own}"))),
        ("502", server.url("/")),
        ("503", format!("http://{own}/healthz")),
        ("504", format!("http://localhost:{}/healthz", exchange.http().port())),
        ("505", metadata.to_string()),
    ] {
        let fetch = json!([{ "type": "answer" }, { "type": "fetch", "option": { "event_url": url } }]);
        exchange.add_number(number, fetch)?;
        let flow = call(&exchange, &mut caller, number)?;
        let ladder = sequence(&exchange, &flow)?;
        assert!(ladder.contains("an address of this box or beside it"), "{url}: {ladder}");
    }
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_server_that_thinks_for_long_holds_up_nobody_else() -> Result<()> {
    // It answers when it is let.
    let (let_answer, may_answer) = mpsc::channel::<()>();
    let may_answer = Mutex::new(may_answer);
    let slow = WebServer::start(move |_, connection| {
        let waiting = may_answer.lock().expect("nobody panics with it");
        let _ = waiting.recv_timeout(Duration::from_secs(25));
        web_server::give(connection, 200, ("application/json", b"[]"))
    })?;
    let quick = WebServer::start(|_, connection| web_server::give(connection, 200, ("application/json", b"[]")))?;
    let own = format!("{},{}", slow.address, quick.address);
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--own-web-servers".into(), own])?;
    let ask = |url: String| json!([{ "type": "answer" }, { "type": "fetch", "option": { "event_url": url } }]);
    exchange.add_number("501", ask(slow.url("/")))?;
    exchange.add_number("502", ask(quick.url("/")))?;
    let (mut patient, mut other) =
        (Setup::new(&exchange, "1001").registered(&exchange)?, Setup::new(&exchange, "1002").registered(&exchange)?);
    patient.dial("501")?;
    wait::until("the slow server is asked", || (!slow.asked().is_empty()).then_some(()))?;
    call(&exchange, &mut other, "502")?;
    let is_up = |call: &Value| call["destination"]["target"] == "501" && call["status"] == "progressing";
    exchange.await_call("the patient one, which still waits", is_up)?;
    let_answer.send(())?;
    patient.await_event("CALL_CLOSED")?;
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_phone_takes_a_text_and_the_web_server_of_the_flow_is_told() -> Result<()> {
    let server = WebServer::start(|_, connection| web_server::give(connection, 200, ("text/plain", b"noted")))?;
    let exchange = exchange_beside(&server)?;
    let _phone = Setup::new(&exchange, "1001").registered(&exchange)?;
    exchange.add_extension("1002")?;
    let to = ["1001", "1002"].map(|target| json!({ "type": "extension", "target": target }));
    let text = json!({ "destinations": to, "text": "The door is open: Tür 3" });
    let actions = json!([{ "type": "message_send", "option": text }]);
    exchange.post("/v1.0/activeflows", json!({ "actions": actions, "webhook_uri": server.url("/told") }))?;
    let told = wait::until("the text was taken", || {
        let bodies = server.asked().into_iter().filter_map(|asked| serde_json::from_str::<Value>(&asked.body).ok());
        bodies.into_iter().find(|told| told["type"] == "message_updated")
    })?;
    assert_eq!((&told["data"]["text"], &told["data"]["type"]), (&json!("The door is open: Tür 3"), &json!("sip")));
    let targets = told["data"]["targets"].as_array().cloned().unwrap_or_default();
    assert_eq!(targets.len(), 1, "1002 has no phone: {told}");
    assert_eq!((&targets[0]["status"], &targets[0]["destination"]["target"]), (&json!("sent"), &json!("1001")));
    exchange.assert_no_errors();
    Ok(())
}
