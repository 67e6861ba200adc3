//! The admin page in a real browser while two real phones call each other.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use box_tests::baresip::Setup;
use box_tests::exchange::ADMIN_PASSWORD;
use box_tests::wait::PATIENCE;
use box_tests::{Exchange, WebServer, ports, wait, web_server};
use serde_json::Value;

/// The browser's driver: says what it sees, one JSON object a line.
struct Page {
    process: Child,
    lines: Receiver<String>,
}

impl Page {
    fn open(exchange: &Exchange, hook: &str, shots: &std::path::Path) -> Result<Page> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/web/page.mjs");
        let mut process = Command::new("node")
            .args([script, "--base", &exchange.url(""), "--password", ADMIN_PASSWORD, "--hook", hook, "--shots"])
            .arg(shots)
            .stdout(Stdio::piped())
            .spawn()
            .context("node cannot be run")?;
        let output = process.stdout.take().context("it was asked for")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
                let _ = sender.send(line);
            }
        });
        Ok(Page { process, lines })
    }

    /// Waits for a step; a failed one ends the story.
    fn await_step(&self, wanted: &str) -> Result<Value> {
        loop {
            let line =
                self.lines.recv_timeout(PATIENCE * 3).with_context(|| format!("no step {wanted} was reported"))?;
            let step: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            if step["step"] == "failed" {
                bail!("{step}");
            }
            if step["step"] == wanted {
                return Ok(step);
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

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
    let page = Page::open(&exchange, &server.url("/hook"), &shots)?;
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
