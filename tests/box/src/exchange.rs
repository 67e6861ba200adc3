//! `tandem` itself, in a folder of its own, and what one asks of it by its API.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::api::Api;
use crate::child::Child;
use crate::wait;

/// The administrator's password in tests.
pub const ADMIN_PASSWORD: &str = "only for this test";

/// A running exchange.
pub struct Exchange {
    /// The process.
    pub process: Child,
    api: Api,
    plan: Plan,
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

/// How an exchange is started.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where it listens.
    pub host: IpAddr,
    /// Its SIP port.
    pub sip: u16,
    /// Its first and its last RTP port.
    pub rtp: (u16, u16),
    /// Where it keeps its data.
    pub folder: PathBuf,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Variables of its environment.
    pub variables: Vec<(String, String)>,
    /// A program that starts it, with its arguments; empty for none.
    pub starter: Vec<String>,
}

impl Plan {
    /// 127.0.0.1, free ports.
    pub fn in_folder(folder: &Path) -> Plan {
        let rtp = ports::free(40);
        Plan {
            host: Ipv4Addr::LOCALHOST.into(),
            sip: ports::free(2),
            rtp: (rtp, rtp + 39),
            folder: folder.to_path_buf(),
            arguments: Vec::new(),
            variables: Vec::new(),
            starter: Vec::new(),
        }
    }

    /// Starts it, and waits until it answers.
    pub fn start(&self) -> Result<Exchange> {
        let http = SocketAddr::new(self.host, ports::free(2));
        let mut words = self.starter.clone();
        words.push(binary()?.display().to_string());
        words.extend(["--data".to_string(), self.folder.display().to_string()]);
        words.extend(["--sip".to_string(), SocketAddr::new(self.host, self.sip).to_string()]);
        words.extend(["--http".to_string(), http.to_string()]);
        let (first, last) = self.rtp;
        words.extend(["--rtp".to_string(), format!("{}-{last}", SocketAddr::new(self.host, first))]);
        words.extend(self.arguments.iter().cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("TANDEM_ADMIN_PASSWORD", ADMIN_PASSWORD).envs(self.variables.iter().cloned());
        let mut process = Child::start(&mut command)?;
        let life = format!("http://{http}/livez");
        let ready = wait::until("the exchange to answer", || {
            let gone = !process.is_running();
            (gone || ureq::get(&life).call().is_ok()).then_some(!gone)
        })?;
        if !ready {
            bail!("the exchange ended at once: {}", process.said().join("\n"));
        }
        let api = Api::new(http, self.sip, ADMIN_PASSWORD)?;
        Ok(Exchange { process, api, plan: self.clone(), _home: None })
    }
}

impl Exchange {
    /// Starts one with an empty folder.
    pub fn start() -> Result<Exchange> {
        Exchange::start_as(|_| {})
    }

    /// The same, set up otherwise.
    pub fn start_as(change: impl FnOnce(&mut Plan)) -> Result<Exchange> {
        let home = tempfile::tempdir()?;
        let mut plan = Plan::in_folder(&home.path().join("data"));
        change(&mut plan);
        let mut exchange = plan.start()?;
        exchange._home = Some(home);
        Ok(exchange)
    }

    /// The next one is started by nobody else.
    pub fn without_starter(mut self) -> Exchange {
        self.plan.starter.clear();
        self
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

    /// Starts another on what one that has ended left behind.
    pub fn restart(mut self) -> Result<Exchange> {
        let mut next = self.plan.start()?;
        next._home = self._home.take();
        Ok(next)
    }

    /// Where it keeps its data.
    pub fn folder(&self) -> &Path {
        &self.plan.folder
    }

    /// Fails if the exchange stated an error or a panic.
    pub fn assert_no_errors(&self) {
        let said = self.process.said();
        let bad: Vec<&String> =
            said.iter().filter(|line| line.contains("ERROR") || line.contains("panicked")).collect();
        assert!(bad.is_empty(), "the exchange complained: {bad:#?}");
    }

    /// The lines of its log that contain a text.
    pub fn said(&self, text: &str) -> Vec<String> {
        self.process.said().into_iter().filter(|line| line.contains(text)).collect()
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
