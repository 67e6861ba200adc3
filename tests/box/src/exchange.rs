//! `tandem` itself, in a folder of its own, and what one asks of it by its API.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::child::Child;
use crate::{ports, wait};

/// The administrator's password in tests.
pub const ADMIN_PASSWORD: &str = "only for this test";

/// A running exchange.
pub struct Exchange {
    /// The process.
    pub process: Child,
    /// SIP, UDP and TCP, on 127.0.0.1.
    pub sip: u16,
    /// HTTP, on 127.0.0.1.
    pub http: u16,
    rtp: u16,
    folder: PathBuf,
    token: String,
    // Removed with the last exchange that uses it.
    _home: Option<tempfile::TempDir>,
}

/// The binary under test: `TANDEM_BIN`, or what cargo built beside this test.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("TANDEM_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let path = own.parent().and_then(Path::parent).context("the test has no folder")?.join("tandem");
    if !path.exists() {
        bail!("no binary under test: set TANDEM_BIN, or run `cargo build -p daemon` first");
    }
    Ok(path)
}

impl Exchange {
    /// Starts one with an empty folder.
    pub fn start() -> Result<Exchange> {
        let home = tempfile::tempdir()?;
        let folder = home.path().join("data");
        let mut exchange = Exchange::start_in(&folder, ports::free(2))?;
        exchange._home = Some(home);
        Ok(exchange)
    }

    /// Starts one on what an earlier one left behind, at the same SIP port.
    pub fn start_in(folder: &Path, sip: u16) -> Result<Exchange> {
        let (http, rtp) = (ports::free(2), ports::free(40));
        let mut command = Command::new(binary()?);
        command.arg("--data").arg(folder);
        command.args(["--sip", &format!("127.0.0.1:{sip}"), "--http", &format!("127.0.0.1:{http}")]);
        command.args(["--rtp", &format!("127.0.0.1:{rtp}-{}", rtp + 39)]);
        command.env("TANDEM_ADMIN_PASSWORD", ADMIN_PASSWORD);
        let mut process = Child::start(&mut command)?;
        let health = format!("http://127.0.0.1:{http}/healthz");
        let ready = wait::until("the exchange to be healthy", || {
            let gone = !process.is_running();
            (gone || ureq::get(&health).call().is_ok()).then_some(!gone)
        })?;
        if !ready {
            bail!("the exchange ended at once: {}", process.said().join("\n"));
        }
        let (token, folder) = (String::new(), folder.to_path_buf());
        let mut exchange = Exchange { process, sip, http, rtp, folder, token, _home: None };
        exchange.log_in()?;
        Ok(exchange)
    }

    /// Kills it without a warning and starts another on what it left behind.
    pub fn crash_and_restart(mut self) -> Result<Exchange> {
        self.process.signal(libc::SIGKILL);
        self.process.wait(wait::PATIENCE).context("SIGKILL ends a process")?;
        self.restart()
    }

    /// Asks it to end, and starts another on what it left behind.
    pub fn stop_and_restart(mut self) -> Result<Exchange> {
        self.process.signal(libc::SIGTERM);
        let status = self.process.wait(wait::PATIENCE).context("SIGTERM ends an exchange without calls")?;
        if !status.success() {
            bail!("it ended with {status}: {}", self.process.said().join("\n"));
        }
        self.restart()
    }

    fn restart(mut self) -> Result<Exchange> {
        let mut next = Exchange::start_in(&self.folder, self.sip)?;
        next._home = self._home.take();
        Ok(next)
    }

    /// Where it keeps its data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first RTP port.
    pub fn rtp(&self) -> u16 {
        self.rtp
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http)
    }

    /// The token of the administrator.
    pub fn token(&self) -> &str {
        &self.token
    }

    fn log_in(&mut self) -> Result<()> {
        let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
        let answer = self.send("POST", "/auth/login", Some(body))?;
        self.token = answer["token"].as_str().with_context(|| format!("no token in {answer}"))?.to_string();
        Ok(())
    }

    /// GET.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", path, None)
    }

    /// POST.
    pub fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.send("POST", path, Some(body))
    }

    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(wait::PATIENCE))
            .http_status_as_error(false)
            .build()
            .into();
        let bearer = format!("Bearer {}", self.token);
        let url = self.url(path);
        let mut answer = match (method, body) {
            ("GET", _) => agent.get(&url).header("Authorization", &bearer).call()?,
            (_, Some(body)) => agent.post(&url).header("Authorization", &bearer).send_json(body)?,
            (_, None) => agent.post(&url).header("Authorization", &bearer).send_empty()?,
        };
        let text = answer.body_mut().read_to_string()?;
        if !answer.status().is_success() {
            bail!("{method} {path}: {} {text}", answer.status());
        }
        serde_json::from_str(&text).with_context(|| format!("{method} {path} answered {text:?}"))
    }

    /// Makes an extension; its password is `secret` and its number.
    pub fn add_extension(&self, number: &str) -> Result<Value> {
        let body = json!({"extension": number, "password": format!("secret{number}"), "name": format!("Phone {number}"), "detail": ""});
        self.post("/v1.0/extensions", body)
    }

    /// The contacts that an extension has registered.
    pub fn registrations(&self, number: &str) -> Result<Vec<Value>> {
        let list = self.get("/v1.0/extensions")?;
        let all = list["result"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|extension| extension["extension"] == number);
        let found = found.with_context(|| format!("no extension {number} in {list}"))?;
        Ok(found["registrations"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until an extension has that many contacts.
    pub fn await_registrations(&self, number: &str, count: usize) -> Result<Vec<Value>> {
        wait::until(&format!("{count} registration(s) of {number}"), || {
            self.registrations(number).ok().filter(|list| list.len() == count)
        })
    }

    /// The call records, newest first.
    pub fn calls(&self) -> Result<Vec<Value>> {
        Ok(self.get("/v1.0/calls")?["result"].as_array().cloned().unwrap_or_default())
    }

    /// Waits for a call record that is as wanted.
    pub fn await_call(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        wait::until(what, || self.calls().ok()?.into_iter().find(|call| wanted(call)))
    }

    /// Fails if the exchange stated an error or a panic.
    pub fn assert_no_errors(&self) {
        let said = self.process.said();
        let bad: Vec<&String> =
            said.iter().filter(|line| line.contains("ERROR") || line.contains("panicked")).collect();
        assert!(bad.is_empty(), "the exchange complained: {bad:#?}");
    }

    /// Lets it end by SIGTERM; true if it did so by itself.
    pub fn terminate(&mut self) -> bool {
        self.process.signal(libc::SIGTERM);
        self.process.wait(Duration::from_secs(10)).is_some_and(|status| status.success())
    }
}
