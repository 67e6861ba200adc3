//! A script that drives Debian's chromium, and says what it sees, one JSON object a line.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::wait::PATIENCE;

/// A script of `tests/box/web` that runs.
pub struct Browser {
    process: Child,
    lines: Receiver<String>,
}

impl Browser {
    /// Starts it; node and the packages of `tests/box/web` have to be there.
    pub fn start<A: AsRef<OsStr>>(script: &str, arguments: impl IntoIterator<Item = A>) -> Result<Browser> {
        Browser::start_by(Command::new("node"), script, arguments)
    }

    /// The same by a node that runs elsewhere, in another network.
    pub fn start_by<A: AsRef<OsStr>>(
        mut command: Command,
        script: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Browser> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("web").join(script);
        let mut process =
            command.arg(path).args(arguments).stdout(Stdio::piped()).spawn().context("node cannot be run")?;
        let output = process.stdout.take().context("it was asked for")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
                let _ = sender.send(line);
            }
        });
        Ok(Browser { process, lines })
    }

    /// Waits for a step; a failed one ends the story.
    pub fn await_step(&self, wanted: &str) -> Result<Value> {
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

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
