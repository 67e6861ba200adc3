//! `tandem` itself, in a folder of its own, and what one asks of it by its API.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::api::Api;
use crate::child::Child;
use crate::{ports, wait};

/// The administrator's password in tests.
pub const ADMIN_PASSWORD: &str = "only for this test";

/// A running exchange.
pub struct Exchange {
    /// The process.
    pub process: Child,
    api: Api,
    folder: PathBuf,
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
        let api = Api::new(([127, 0, 0, 1], http).into(), sip, ADMIN_PASSWORD)?;
        Ok(Exchange { process, api, folder: folder.to_path_buf(), _home: None })
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
        let mut next = Exchange::start_in(&self.folder, self.api.sip)?;
        next._home = self._home.take();
        Ok(next)
    }

    /// Where it keeps its data.
    pub fn folder(&self) -> &Path {
        &self.folder
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

impl std::ops::Deref for Exchange {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}
