//! The admin page in a real browser while two real phones call each other.

use std::ffi::OsStr;
use std::time::Duration;

use anyhow::Result;
use box_tests::baresip::Setup;
use box_tests::exchange::ADMIN_PASSWORD;
use box_tests::{Browser, Exchange, WebServer, wait, web_server};

#[test]
fn the_page_shows_the_phones_the_call_and_its_ladder() -> Result<()> {
    // It takes webhooks, and nothing of what is meant for a cloud.
    let server = WebServer::start(|asked, connection| {
        let status = if asked.path == "/hook" { 200 } else { 503 };
        web_server::give(connection, status, ("text/plain", b"noted"))
    })?;
    let exchange = Exchange::start_as(|plan| {
        let own = server.address.to_string();
        let https = format!("127.0.0.1:{}", ports::free(1));
        let words = ["--own-web-servers", &own, "--cloud-url", &server.url(""), "--https", &https];
        plan.arguments = words.map(str::to_owned).to_vec();
        plan.variables.push(("TANDEM_CLOUD_TOKEN".into(), "open sesame".into()));
    })?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let mut caller = Setup::new(&exchange, "1001").start()?;
    let mut callee = Setup::new(&exchange, "1002").over_tcp().start()?;
    exchange.await_registrations("1001", 1)?;
    exchange.await_registrations("1002", 1)?;
    // Somebody who wants to look at the page names a folder.
    let temporary = tempfile::tempdir()?;
    let shots = std::env::var_os("TANDEM_SHOTS").map_or(temporary.path().to_path_buf(), Into::into);
    let (base, hook) = (exchange.url(""), server.url("/hook"));
    let words = ["--base", &base, "--password", ADMIN_PASSWORD, "--hook", &hook, "--shots"].map(OsStr::new);
    let page = Browser::start("page.mjs", words.into_iter().chain([shots.as_os_str()]))?;
    let setup = page.await_step("extensions")?["setup"].clone();
    assert_eq!((&setup["Server"], &setup["Port"]), (&"127.0.0.1".into(), &exchange.sip.to_string().into()), "{setup}");
    assert_eq!(setup["SIP address"], format!("sip:1001@127.0.0.1:{}", exchange.sip));
    page.await_step("ready")?;
    caller.dial("1002")?;
    callee.await_event("CALL_INCOMING")?;
    callee.command("accept", "")?;
    caller.await_event("CALL_ESTABLISHED")?;
    page.await_step("talking")?;
    wait::let_pass(Duration::from_secs(2));
    callee.command("hangup", "")?;
    let done = page.await_step("done")?;
    assert_eq!(done["ok"], true, "{done}");
    let signed = server
        .asked()
        .into_iter()
        .filter(|asked| asked.path == "/hook")
        .all(|asked| asked.head.iter().any(|line| line.starts_with("x-voipbin-signature: sha256=")));
    assert!(signed, "the secret of the settings signs what is told");
    assert!(std::fs::read_dir(&shots)?.count() > 5, "there are screenshots to look at");
    exchange.assert_no_errors();
    Ok(())
}
