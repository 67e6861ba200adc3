//! SIP by WebSocket through the real binary: a phone of another making by TLS, and what nobody should send.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use box_tests::baresip::Setup;
use box_tests::websocket::{PagePhone, Place, WebSocket};
use box_tests::{Exchange, wait};
use lab::State;
use serde_json::json;

/// An exchange that speaks TLS, and where.
fn start() -> Result<(Exchange, Place, tempfile::TempDir)> {
    let https = SocketAddr::from(([127, 0, 0, 1], ports::free(1)));
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--https".into(), https.to_string()])?;
    let home = tempfile::tempdir()?;
    let authority = home.path().join("authority.pem");
    std::fs::write(&authority, ureq::get(exchange.url("/authority.pem")).call()?.body_mut().read_to_string()?)?;
    Ok((exchange, Place { address: https, authority: Some(authority) }, home))
}

/// A request that is answered whoever sends it.
fn options(number: usize, padding: usize) -> String {
    format!(
        "OPTIONS sip:tandem SIP/2.0\r\nVia: SIP/2.0/WSS page.invalid;branch=z9hG4bK{number};x={}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@tandem>;tag=1\r\nTo: <sip:tandem>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        "y".repeat(padding)
    )
}

#[test]
fn a_page_registers_over_tls_and_talks_with_a_phone() -> Result<()> {
    let (exchange, place, _home) = start()?;
    exchange.add_extension("1001")?;
    let mut phone = Setup::new(&exchange, "1002").playing(900).registered(&exchange)?;
    let mut page = PagePhone::new("1001", place.open_sip("")?)?;
    page.phone.register();
    page.run_until("it is registered", |phone| phone.is_registered())?;
    let registered = exchange.await_registrations("1001", 1)?;
    ensure!(registered[0].to_string().contains("wss"), "{registered:?}");
    page.phone.call("1002");
    page.run_until("it rings there", |phone| phone.last().statuses.contains(&180))?;
    phone.command("accept", "")?;
    page.run_until("they talk", |phone| phone.is(State::Up) && phone.last().audio.heard.len() > 25)?;
    phone.command("hangup", "")?;
    page.run_until("it is hung up", |phone| phone.is(State::Ended))?;
    // The other way along the same connection.
    phone.dial("1001")?;
    page.run_until("it rings here", |phone| phone.is(State::Ringing))?;
    page.phone.reject(486);
    phone.await_event("CALL_CLOSED")?;
    let call = exchange.await_call("the page's call", |call| {
        call["direction"] == "incoming" && call["source"]["target"] == "1001" && call["status"] == "hangup"
    })?;
    let id = call["id"].as_str().unwrap_or_default();
    let sequence = exchange.get(&format!("/v1.0/calls/{id}/sequence"))?;
    ensure!(sequence.to_string().contains("wss 127.0.0.1"), "{sequence}");
    drop(page);
    exchange.await_registrations("1001", 0)?;
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn an_agents_page_needs_no_password_for_its_own_extension() -> Result<()> {
    let (exchange, place, _home) = start()?;
    for number in ["1001", "1002"] {
        exchange.add_extension(number)?;
    }
    let me = exchange.get("/v1.0/me")?;
    let addresses = json!({ "addresses": [{ "type": "extension", "target": "1001" }] });
    exchange.put(&format!("/v1.0/agents/{}/addresses", me["id"].as_str().unwrap_or_default()), addresses)?;
    let mut own = PagePhone::new("1001", place.open_sip(&format!("?token={}", exchange.token()))?)?;
    own.phone.password = "nobody told it".into();
    own.phone.register();
    own.run_until("it is registered", |phone| phone.is_registered())?;
    let mut other = PagePhone::new("1002", place.open_sip(&format!("?token={}", exchange.token()))?)?;
    other.phone.password = "nobody told it".into();
    other.phone.register();
    other.run_until("it is refused", |phone| phone.registration.status == Some(403))?;
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn what_nobody_should_send_is_refused_and_holds_nothing_up() -> Result<()> {
    let exchange = Exchange::start()?;
    let place = Place::plain(&exchange);
    let refused =
        |place: &Place, path: &str, protocol: &str| match place.open(path, &[("sec-websocket-protocol", protocol)]) {
            Ok(_) => "it was opened".to_owned(),
            Err(error) => error.to_string(),
        };
    let none = place.open("/sip", &[]).err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(none.starts_with("400") && none.contains("SUBPROTOCOL_REQUIRED"), "{none}");
    let said = refused(&place, "/sip", "chat");
    ensure!(said.starts_with("400") && said.contains("SUBPROTOCOL_REQUIRED"), "{said}");
    let said = refused(&place, "/sip?token=wrong", "sip");
    ensure!(said.starts_with("401"), "{said}");

    // Too long a message, as one frame and in pieces that never end.
    let mut long = place.open_sip("")?;
    ensure!(long.send(&"x".repeat(1_000_000)).is_err() || long.closed()?.contains("1009"), "it is too long");
    let mut endless = place.open_sip("")?;
    let piece = [[0x01, 0xFE, 0x20, 0x00, 0, 0, 0, 0].as_slice(), &[b'x'; 0x2000]].concat();
    let more = [[0x00, 0xFE, 0x20, 0x00, 0, 0, 0, 0].as_slice(), &[b'x'; 0x2000]].concat();
    let sent = endless.raw().write_all(&piece).and_then(|()| (0..100).try_for_each(|_| endless.raw().write_all(&more)));
    ensure!(sent.is_err() || !endless.closed()?.is_empty(), "it never ends");
    // No frames, no masks, no UTF-8, no SIP.
    for garbage in [[0xFFu8; 64].as_slice(), b"\x81\x03abc", b"\x81\x83\0\0\0\0\xC3\x28\xFF"] {
        let mut socket = place.open_sip("")?;
        let _ = socket.raw().write_all(garbage);
        ensure!(!socket.closed()?.is_empty(), "{garbage:?}");
    }
    let mut socket = place.open_sip("")?;
    for octets in [[0u8; 64].as_slice(), &[0xFF; 4_000], b"INVITE", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n"] {
        socket.send_octets(octets)?;
    }
    socket.send("\r\n\r\n")?;
    ensure!(socket.message()? == "\r\n", "the keep-alive is answered");
    socket.send(&options(1, 0))?;
    ensure!(socket.message()?.starts_with("SIP/2.0 200"), "and SIP is spoken still");
    ensure!(exchange.metric("sip_websockets_cut_total")? >= 4);
    ensure!(exchange.metric("sip_malformed_total")? >= 2);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_thousand_connections_and_one_that_reads_nothing() -> Result<()> {
    let exchange = Exchange::start()?;
    let place = Place::plain(&exchange);
    let before = exchange.process.resident();
    let mut open: Vec<WebSocket> = Vec::new();
    let mut refused = 0;
    for _ in 0..1_000 {
        match place.open_sip("") {
            Ok(socket) => open.push(socket),
            Err(error) => {
                ensure!(error.to_string().starts_with("429"), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!((open.len(), refused), (512, 488));
    let grown = exchange.process.resident().saturating_sub(before);
    println!("websocket_connection {} B", grown / open.len() as u64);
    ensure!(grown < 32 << 20, "{grown} octets for 512 connections");
    // It asks, and never reads the answers.
    let deaf = &mut open[0];
    deaf.limit_writes(Duration::from_secs(1))?;
    while deaf.send(&options(1, 8_000)).is_ok() {}
    let other = &mut open[1];
    other.send(&options(1, 0))?;
    ensure!(other.message()?.starts_with("SIP/2.0 200"), "nobody else waits");
    wait::until("it is cut off", || exchange.metric("sip_websockets_cut_total").ok().filter(|cut| *cut > 0))?;
    let grown = exchange.process.resident().saturating_sub(before);
    ensure!(grown < 40 << 20, "{grown} octets, with one that reads nothing");
    drop(open);
    wait::until("they are gone", || exchange.metric("sip_websockets").ok().filter(|open| *open == 0))?;
    let mut late = place.open_sip("")?;
    late.send(&options(1, 0))?;
    ensure!(late.message()?.starts_with("SIP/2.0 200"));
    exchange.assert_no_errors();
    Ok(())
}

/// Frames that come to nothing: parts of a message without octets, with one each, and pings, by both ways of browsers.
#[test]
fn frames_that_say_nothing_end() -> Result<()> {
    let exchange = Exchange::start()?;
    let place = Place::plain(&exchange);
    let page = format!("/v1.0/webrtc/ws?token={}", exchange.token());
    let flood = |first: &[u8], more: &[u8]| [first.to_vec(), more.repeat(200_000)].concat();
    let floods = [
        // Text, and then its continuation, none of them the last.
        flood(b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0"),
        flood(b"\x01\x81\0\0\0\0x", b"\x00\x81\0\0\0\0x"),
        // The same with pings between the parts.
        flood(b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0\x89\x80\0\0\0\0"),
        flood(b"\x89\x80\0\0\0\0", b"\x8A\x80\0\0\0\0"),
        // Messages that are whole, and of two octets.
        flood(b"\x81\x82\0\0\0\0\r\n", b"\x81\x82\0\0\0\0\r\n"),
    ];
    let begin = exchange.metric("sip_websockets_cut_total")?;
    let (before, count) = (exchange.process.resident(), 2 * floods.len() as u64);
    for path in ["/sip", &page] {
        for octets in &floods {
            let headers = [("sec-websocket-protocol", "sip")];
            let mut socket = place.open(path, if path == "/sip" { &headers[..] } else { &[] })?;
            socket.limit_writes(Duration::from_secs(5))?;
            // It may be closed before all is sent.
            let _ = socket.raw().write_all(octets);
            ensure!(!socket.closed()?.is_empty(), "{path} {:?}", &octets[..20]);
        }
    }
    let cut = || exchange.metric("sip_websockets_cut_total").ok();
    wait::until("each to be counted", || cut().filter(|cut| *cut == begin + count))?;
    let grown = exchange.process.resident().saturating_sub(before);
    ensure!(grown < 8 << 20, "{grown} octets");
    // Keep-alives in a row, and a message in many parts, are nothing to be cut off for.
    let mut socket = place.open_sip("")?;
    for _ in 0..20 {
        socket.send("\r\n\r\n")?;
        ensure!(socket.message()? == "\r\n", "it is answered");
    }
    let message = options(1, 4_000);
    let (last, rest) = message.as_bytes().split_last().expect("it has octets");
    for (place, octet) in rest.iter().enumerate() {
        socket.raw().write_all(&[u8::from(place == 0), 0x81, 0, 0, 0, 0, *octet])?;
    }
    socket.raw().write_all(&[0x80, 0x81, 0, 0, 0, 0, *last])?;
    ensure!(socket.message()?.starts_with("SIP/2.0 200"));
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_connection_that_is_no_websocket_gets_an_answer() -> Result<()> {
    let exchange = Exchange::start()?;
    let (mut stream, _) = Place::plain(&exchange).connect()?;
    stream.write_all(b"GET /sip HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 426"), "{answer}");
    Ok(())
}
