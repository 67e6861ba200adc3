//! The page of examples/webrtc, which speaks no SIP, in a real browser: it calls a desk phone, and both hear each other.

use std::ffi::OsStr;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Browser, Exchange, WebServer, sound, web_server};
use serde_json::json;

const EXAMPLE: &str = include_str!("../../../examples/webrtc/index.html");

#[test]
fn a_page_of_sixty_lines_calls_a_desk_phone() -> Result<()> {
    assert!(EXAMPLE.lines().count() <= 60);
    let webrtc = format!("127.0.0.1:{}", ports::free(1));
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--webrtc".into(), webrtc])?;
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
    let words: [&OsStr; 12] = [
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
    ];
    let browser = Browser::start("example.mjs", words)?;
    println!("{}", browser.await_step("heard")?);
    let done = browser.await_step("done")?;
    assert_eq!(done["errors"], json!([]), "{done}");
    desk.await_event("CALL_CLOSED")?;
    desk.heard()?.part(0.8, 1.6).assert_tone_of_any_length(620);
    let call = exchange.await_call("the page's leg", |call| {
        call["direction"] == "incoming" && call["destination"]["target"] == "1002" && call["status"] == "hangup"
    })?;
    assert_eq!((&call["metadata"]["leg_type"], &call["source"]["target"]), (&json!("webrtc"), &json!("1001")));
    assert!(call["metadata"]["encryption"].is_string(), "{call}");
    drop(browser);
    exchange.await_registrations("1001", 0)?;
    exchange.assert_no_errors();
    Ok(())
}
