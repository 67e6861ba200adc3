//! Browsers in networks that are not good to them: without UDP, and with an address that goes away in the middle of a call.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::namespace::{self, Uplink};
use box_tests::{Browser, Exchange, WebServer, sound, wait, web_server};
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../../../examples/webrtc/index.html");

/// What stands on the arrows of a call.
fn labels(exchange: &Exchange, call: &Value) -> Result<Vec<String>> {
    let ladder = exchange.get(&format!("/v1.0/calls/{}/sequence", call["id"].as_str().unwrap_or_default()))?;
    let steps = ladder["steps"].as_array().cloned().unwrap_or_default();
    Ok(steps.iter().filter_map(|step| step["label"].as_str().map(str::to_owned)).collect())
}

/// Chromium is told to use no UDP, as in a network that lets nothing out but HTTPS. The page is on the box's HTTP, its audio at the port of
/// HTTPS; there, HTTPS itself goes on.
#[test]
fn a_browser_without_udp_talks_over_the_port_of_https() -> Result<()> {
    let (https, webrtc) = (format!("127.0.0.1:{}", ports::free(1)), format!("127.0.0.1:{}", ports::free(1)));
    let exchange = Exchange::start_as(|plan| {
        plan.arguments = ["--https", &https, "--webrtc", &webrtc].map(str::to_owned).to_vec();
    })?;
    exchange.add_extension("1001")?;
    let me = exchange.get("/v1.0/me")?;
    let addresses = json!({ "addresses": [{ "type": "extension", "target": "1001" }] });
    exchange.put(&format!("/v1.0/agents/{}/addresses", me["id"].as_str().unwrap_or_default()), addresses)?;
    let mut desk = Setup::new(&exchange, "1002").at_loudness(0.4).playing(900).answering().registered(&exchange)?;
    let home = tempfile::tempdir()?;
    let microphone = home.path().join("microphone.wav");
    sound::write_tone(&microphone, (48_000, 1), (620.0, 0.4))?;
    let server =
        WebServer::start(|_, connection| web_server::give(connection, 200, ("text/html", EXAMPLE.as_bytes())))?;
    let (page, http) = (server.url("/"), exchange.url(""));
    let words: [&OsStr; 13] = [
        "--page".as_ref(),
        page.as_ref(),
        "--box".as_ref(),
        http.as_ref(),
        "--token".as_ref(),
        exchange.token().as_ref(),
        "--number".as_ref(),
        "1002".as_ref(),
        "--microphone".as_ref(),
        microphone.as_ref(),
        "--pitch".as_ref(),
        "900".as_ref(),
        "--flag=--webrtc-ip-handling-policy=disable_non_proxied_udp".as_ref(),
    ];
    let browser = Browser::start("example.mjs", words)?;
    let heard = browser.await_step("heard")?;
    println!("{heard}");
    let port = https.parse::<SocketAddr>()?.port();
    assert_eq!((&heard["way"]["protocol"], &heard["way"]["port"]), (&json!("tcp"), &json!(port)), "{heard}");
    assert_eq!(exchange.metric("webrtc_tcp_connections")?, 1);
    browser.await_step("done")?;
    desk.await_event("CALL_CLOSED")?;
    desk.heard()?.part(0.8, 1.6).assert_tone_of_any_length(620);
    let call = exchange.await_call("the page's leg", |call| {
        call["direction"] == "incoming" && call["destination"]["target"] == "1002" && call["status"] == "hangup"
    })?;
    assert_eq!(call["metadata"]["ice_transport"], "tcp", "{call}");
    assert!(call["metadata"]["quality"]["opinion"].as_f64().is_some_and(|opinion| opinion > 4.0), "{call}");
    let labels = labels(&exchange, &call)?;
    assert!(labels.contains(&"ICE: path chosen, TCP".to_owned()), "{labels:?}");
    drop(browser);
    wait::until("the connection to be closed", || {
        (exchange.metric("webrtc_tcp_connections").ok()? == 0).then_some(())
    })?;
    // The first packets may come before their keys are known to the media thread.
    assert!(exchange.metric("webrtc_tcp_lost_total")? < 10);
    assert_eq!(exchange.metric("webrtc_tcp_cut_total")?, 0);
    see_strangers_at_https(&exchange, https.parse()?)?;
    exchange.assert_no_errors();
    Ok(())
}

/// Whoever begins neither as TLS nor as a check gets nothing of either, and TLS is answered as before.
fn see_strangers_at_https(exchange: &Exchange, https: SocketAddr) -> Result<()> {
    let connect = || -> Result<TcpStream> {
        let stream = TcpStream::connect(https)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(stream)
    };
    for octets in [&[0, 0][..], &[0, 2, 9, 9], &[8, 1, 0], &[19; 400]] {
        let mut stream = connect()?;
        stream.write_all(octets)?;
        // Closed, or reset: nothing is said.
        assert_eq!(stream.read(&mut [0; 64]).unwrap_or(0), 0, "{octets:?}");
    }
    assert_eq!(exchange.metric("webrtc_tcp_cut_total")?, 4);
    // HTTP without TLS is told so by an alert.
    let mut stream = connect()?;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
    let mut alert = [0; 7];
    stream.read_exact(&mut alert)?;
    assert_eq!(alert[0], 21, "{alert:?}");
    Ok(())
}

/// The browser's network goes down and another one comes up, with another address: SIP comes back by the new one, ICE begins anew, and the
/// call goes on.
#[test]
fn a_browser_that_changes_networks_keeps_its_call() -> Result<()> {
    if namespace::enter("a_browser_that_changes_networks_keeps_its_call")? {
        return Ok(());
    }
    let uplink = Uplink::new()?;
    uplink.add_second()?;
    let (https, webrtc) = (ports::free(1), ports::free(1));
    let exchange = Exchange::start_as(|plan| {
        let (https, webrtc) = (format!("0.0.0.0:{https}"), format!("0.0.0.0:{webrtc}"));
        plan.arguments = ["--https", &https, "--webrtc", &webrtc].map(str::to_owned).to_vec();
    })?;
    exchange.add_extension("1001")?;
    let body = json!({
        "username": "ada", "password": "ada telephones", "permission": "agent",
        "addresses": [{"type": "extension", "target": "1001"}],
    });
    exchange.post("/v1.0/agents", body)?;
    let mut desk = Setup::new(&exchange, "1002").at_loudness(0.4).playing(1_000).answering().registered(&exchange)?;
    let home = tempfile::tempdir()?;
    let microphone = home.path().join("ada.wav");
    sound::write_tone(&microphone, (48_000, 1), (620.0, 0.4))?;
    let base = format!("https://198.51.100.1:{https}");
    let words: [&OsStr; 10] = [
        "--base".as_ref(),
        base.as_ref(),
        "--number".as_ref(),
        "1002".as_ref(),
        "--microphone".as_ref(),
        microphone.as_ref(),
        "--pitch".as_ref(),
        "1000".as_ref(),
        "--move".as_ref(),
        Uplink::MOVE.as_ref(),
    ];
    let page = Browser::start_by(uplink.inside("node"), "move.mjs", words)?;
    page.await_step("talking")?;
    for step in ["silent", "heard again", "restarted"] {
        println!("{}", page.await_step(step)?);
    }
    let found = exchange.await_registrations("1001", 1)?;
    assert!(found[0].to_string().contains("203.0.113.2:"), "it is called at its new address: {found:?}");
    page.await_step("done")?;
    desk.await_event("CALL_CLOSED")?;
    let call = exchange.await_call("the page's leg", |call| {
        call["direction"] == "incoming" && call["destination"]["target"] == "1002" && call["status"] == "hangup"
    })?;
    let labels = labels(&exchange, &call)?;
    assert!(labels.iter().any(|label| label.starts_with("ICE: another path")), "{labels:?}");
    // The same keys go on.
    assert!(exchange.metric("webrtc_moves_total")? >= 1);
    assert_eq!(exchange.metric("webrtc_handshakes_total")?, 1);
    let heard = desk.heard()?;
    heard.part(0.8, 1.6).assert_tone_of_any_length(620);
    let end = heard.seconds();
    heard.part(end - 1.8, end - 0.6).assert_tone_of_any_length(620);
    exchange.assert_no_errors();
    Ok(())
}
