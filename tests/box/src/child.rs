//! A process of ours: its output is kept, and it never outlives its owner.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// A running process.
pub struct Child {
    process: std::process::Child,
    said: Arc<Mutex<Vec<String>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Child {
    /// Starts a process and keeps every line it says.
    pub fn start(command: &mut Command) -> Result<Child> {
        let program = command.get_program().to_string_lossy().into_owned();
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let pipes: [Option<Box<dyn Read + Send>>; 2] = [
            process.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
            process.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        ];
        let listen = |pipe| {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(|line| line.ok()) {
                    if let Ok(mut said) = said.lock() {
                        said.push(line);
                    }
                }
            })
        };
        let readers = pipes.into_iter().flatten().map(listen).collect();
        Ok(Child { process, said, readers })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Everything it said so far, line by line, from both streams.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().map(|said| said.clone()).unwrap_or_default()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: the pid is that of a child that was not waited for, so that it cannot belong to another process.
        unsafe { libc::kill(self.process.id() as i32, signal) };
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Waits until it is gone; `None` if it is not within the limit.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.process.try_wait() {
                for reader in self.readers.drain(..) {
                    let _ = reader.join();
                }
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
    }
}

/// A program that is to run as a user who may do little; as ourselves, where we are not root.
pub fn as_user(user: &str, program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups", "--", program]);
    command
}

/// Lets that user have a folder.
pub fn give_to(user: &str, folder: &Path) -> Result<()> {
    if is_root() {
        let given = Command::new("chown").args(["-R", user]).arg(folder).status()?;
        anyhow::ensure!(given.success(), "{} cannot be given to {user}", folder.display());
    }
    Ok(())
}

fn is_root() -> bool {
    // SAFETY: it reads a number of this process and touches nothing.
    unsafe { libc::geteuid() == 0 }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.is_running() {
            self.signal(libc::SIGTERM);
            if self.wait(Duration::from_secs(3)).is_none() {
                let _ = self.process.kill();
                let _ = self.process.wait();
            }
        }
    }
}
