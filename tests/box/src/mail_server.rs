//! A mail server: Debian's aiosmtpd, which keeps what it takes in a folder, a file for each e-mail.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;

use anyhow::{Result, bail};

use crate::child::Child;
use crate::wait;

/// A running mail server.
pub struct MailServer {
    /// The process.
    pub process: Child,
    /// Where it is.
    pub address: SocketAddr,
    home: tempfile::TempDir,
}

impl MailServer {
    /// Where one may be started.
    pub fn free_address() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2)))
    }

    /// Starts one at an address, and waits until it answers.
    pub fn start_at(address: SocketAddr) -> Result<MailServer> {
        let home = tempfile::tempdir()?;
        let mut command = Command::new("/usr/bin/python3");
        // In the foreground, as who it is, and nobody need say who he is.
        command.args(["-m", "aiosmtpd", "--nosetuid", "--listen", &address.to_string()]);
        command.args(["--class", "aiosmtpd.handlers.Mailbox"]).arg(home.path().join("mail"));
        let mut process = Child::start(&mut command)?;
        let is_there = wait::until("the mail server to answer", || {
            let gone = !process.is_running();
            (gone || TcpStream::connect(address).is_ok()).then_some(!gone)
        })?;
        if !is_there {
            bail!("aiosmtpd ended at once: {}", process.said().join("\n"));
        }
        Ok(MailServer { process, address, home })
    }

    /// The e-mails that it has taken.
    pub fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.home.path().join("mail/new"));
        let read = files.into_iter().flatten().flatten().filter_map(|file| std::fs::read_to_string(file.path()).ok());
        read.collect()
    }

    /// Waits for the first one.
    pub fn await_mail(&self) -> Result<String> {
        wait::until("an e-mail", || self.mails().pop())
    }
}
