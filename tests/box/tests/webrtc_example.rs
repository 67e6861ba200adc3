//! The pages of examples/webrtc, which speak no SIP, in a real browser: one calls a desk phone, the other is called, and each time both hear each other.

use std::ffi::{OsStr, OsString};

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::{Browser, Exchange, WebServer, sound, web_server};
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../../../examples/webrtc/index.html");
const INCOMING: &str = include_str!("../../../examples/webrtc/incoming.html");

/// An exchange whose administrator is at 1001.
fn exchange() -> Result<Exchange> {
    let webrtc = format!("127.0.0.1:{}", ports::free(1));
    let exchange = Exchange::start_as(|plan| plan.arguments = vec!["--webrtc".into(), webrtc])?;
    exchange.add_extension("1001")?;
    let me = exchange.get("/v1.0/me")?;
    let addresses = json!({ "addresses": [{ "type": "extension", "target": "1001" }] });
    exchange.put(&format!("/v1.0/agents/{}/addresses", me["id"].as_str().unwrap_or_default()), addresses)?;
    Ok(exchange)
}

/// A browser with one of the pages, which says 620 Hz and waits for 900.
struct Page {
    browser: Browser,
    _server: WebServer,
    _home: tempfile::TempDir,
}

impl Page {
    fn open(exchange: &Exchange, html: &'static str, number: Option<&str>) -> Result<Page> {
        let home = tempfile::tempdir()?;
        let microphone = home.path().join("microphone.wav");
        sound::write_tone(&microphone, (48_000, 1), (620.0, 0.4))?;
        let server =
            WebServer::start(move |_, connection| web_server::give(connection, 200, ("text/html", html.as_bytes())))?;
        let (page, http) = (server.url("/"), exchange.url(""));
        let said: [(&str, &OsStr); 5] = [
            ("page", page.as_ref()),
            ("box", http.as_ref()),
            ("token", exchange.token().as_ref()),
            ("microphone", microphone.as_ref()),
            ("pitch", "900".as_ref()),
        ];
        let said = said.into_iter().chain(number.map(|number| ("number", number.as_ref())));
        let words = said.flat_map(|(name, value)| [OsString::from(format!("--{name}")), value.to_owned()]);
        Ok(Page { browser: Browser::start("example.mjs", words)?, _server: server, _home: home })
    }
}

/// The record of the page's leg.
fn leg(exchange: &Exchange, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let call = exchange.await_call("the page's leg", |call| wanted(call) && call["status"] == "hangup")?;
    assert_eq!(call["metadata"]["leg_type"], "webrtc", "{call}");
    assert_eq!(call["metadata"]["ice_transport"], "udp", "{call}");
    assert!(call["metadata"]["encryption"].is_string(), "{call}");
    Ok(call)
}

#[test]
fn a_page_of_sixty_lines_calls_a_desk_phone() -> Result<()> {
    assert!(EXAMPLE.lines().count() <= 60);
    let exchange = exchange()?;
    let mut desk = Setup::new(&exchange, "1002").at_loudness(0.4).playing(900).answering().registered(&exchange)?;
    let page = Page::open(&exchange, EXAMPLE, Some("1002"))?;
    println!("{}", page.browser.await_step("heard")?);
    let done = page.browser.await_step("done")?;
    assert_eq!(done["errors"], json!([]), "{done}");
    desk.await_event("CALL_CLOSED")?;
    desk.heard()?.part(0.8, 1.6).assert_tone_of_any_length(620);
    let call = leg(&exchange, |call| call["direction"] == "incoming" && call["destination"]["target"] == "1002")?;
    assert_eq!(call["source"]["target"], "1001");
    drop(page);
    exchange.await_registrations("1001", 0)?;
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_page_of_sixty_lines_is_called_by_a_desk_phone() -> Result<()> {
    assert!(INCOMING.lines().count() <= 60);
    let exchange = exchange()?;
    let mut desk = Setup::new(&exchange, "1002").at_loudness(0.4).playing(900).registered(&exchange)?;
    let page = Page::open(&exchange, INCOMING, None)?;
    page.browser.await_step("ringable")?;
    desk.dial("1001")?;
    println!("{}", page.browser.await_step("heard")?);
    let done = page.browser.await_step("done")?;
    assert_eq!(done["errors"], json!([]), "{done}");
    desk.await_event("CALL_CLOSED")?;
    desk.heard()?.part(0.8, 1.6).assert_tone_of_any_length(620);
    let call = leg(&exchange, |call| call["direction"] == "outgoing" && call["destination"]["target"] == "1001")?;
    assert_eq!(call["source"]["target"], "1002");
    drop(page);
    exchange.await_registrations("1001", 0)?;
    exchange.assert_no_errors();
    Ok(())
}
