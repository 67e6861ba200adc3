//! Runs the tools that know file systems, and says what they said when they fail.
use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// A tool about to be run. Debian keeps some of them out of a user's way.
pub struct Tool {
    command: Command,
    input: String,
}

/// Prepares a tool with its first arguments.
pub fn tool<const N: usize>(program: &str, arguments: [&str; N]) -> Tool {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.args(arguments).env("PATH", format!("{path}:/usr/sbin:/sbin")).env("LC_ALL", "C").env("TZ", "UTC");
    Tool { command, input: String::new() }
}

impl Tool {
    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Tool {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args<const N: usize>(mut self, arguments: [&str; N]) -> Tool {
        self.command.args(arguments);
        self
    }

    /// Adds a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Tool {
        self.command.env(name, value);
        self
    }

    /// Runs it in this folder.
    pub fn within(mut self, folder: &Path) -> Tool {
        self.command.current_dir(folder);
        self
    }

    /// Gives it this to read.
    pub fn input(mut self, input: &str) -> Tool {
        input.clone_into(&mut self.input);
        self
    }

    /// Runs it.
    pub fn done(self) -> Result<()> {
        self.run().map(drop)
    }

    /// Runs it and returns what it printed.
    pub fn output(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.run()?.stdout).into_owned())
    }

    fn run(mut self) -> Result<Output> {
        let name = self.command.get_program().to_string_lossy().into_owned();
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            self.command.spawn().with_context(|| format!("{name} cannot be run; images/setup.sh installs it"))?;
        let mut stdin = child.stdin.take().expect("it was asked for two lines above");
        // A tool that reads nothing may have ended by now; how it ended tells more.
        let _ = stdin.write_all(self.input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let said = [&output.stdout[..], &output.stderr[..]].concat();
            bail!("{name} failed: {}\n{}", output.status, String::from_utf8_lossy(&said));
        }
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_fails_is_quoted() {
        let error = tool("sh", ["-c", "echo no such luck >&2; exit 3"]).done().expect_err("it exits with 3");
        assert!(format!("{error}").contains("exit status: 3\nno such luck"), "{error}");
    }

    #[test]
    fn a_tool_that_is_not_there_is_named() {
        let error = tool("no-such-tool", []).done().expect_err("there is none");
        assert!(format!("{error}").starts_with("no-such-tool cannot be run"), "{error}");
    }

    #[test]
    fn a_tool_reads_and_prints() {
        assert_eq!(tool("cat", []).input("through").output().expect("every system has cat"), "through");
    }
}
