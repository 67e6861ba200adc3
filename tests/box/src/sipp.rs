//! SIPp (Debian's `sip-tester`): a second, independent SIP stack, run to its end with a scenario of ours.

use std::process::Command;

use anyhow::{Result, bail};

use crate::child::Child;
use crate::{Exchange, ports, wait};

/// Runs a scenario against the exchange and fails unless SIPp calls it a success.
pub fn run(exchange: &Exchange, scenario: &str, arguments: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("scenario.xml");
    std::fs::write(&file, scenario)?;
    let mut command = Command::new("sipp");
    let (at, host) = (exchange.sip_address(), exchange.sip_address().ip().to_string());
    command.current_dir(folder.path()).arg(at.to_string()).arg("-sf").arg(&file);
    command.args(["-i", &host, "-mi", &host, "-p", &ports::free(2).to_string(), "-mp", &ports::free(4).to_string()]);
    command.args([
        "-m",
        "1",
        "-timeout",
        "15",
        "-timeout_error",
        "-trace_err",
        "-error_file",
        "errors.log",
        "-nostdin",
    ]);
    command.args(arguments);
    let mut process = Child::start(&mut command)?;
    match process.wait(wait::PATIENCE) {
        Some(status) if status.success() => Ok(()),
        status => {
            let errors = std::fs::read_to_string(folder.path().join("errors.log")).unwrap_or_default();
            bail!("sipp ended with {status:?}:\n{errors}\n{}", process.said().join("\n"))
        }
    }
}
