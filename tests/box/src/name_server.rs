//! A real name server: Debian's dnsmasq, which knows the names of the test and nobody else's.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use anyhow::{Result, bail};

use crate::child::Child;
use crate::wait;

/// A running name server.
pub struct NameServer {
    /// Where it is.
    pub address: SocketAddr,
    _process: Child,
}

impl NameServer {
    /// Starts one with these records, as dnsmasq's options have them: `--host-record=a.test,127.0.0.1`.
    pub fn start(records: &[String]) -> Result<NameServer> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2)));
        let mut command = Command::new("/usr/sbin/dnsmasq");
        command.args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--user=",
            "--pid-file",
        ]);
        command.args(["--bind-interfaces", "--listen-address=127.0.0.1", "--local-ttl=60", "--log-facility=-"]);
        command.arg(format!("--port={}", address.port())).args(records);
        let mut process = Child::start(&mut command)?;
        let is_there = wait::until("the name server to listen", || {
            let gone = !process.is_running();
            (gone || std::net::TcpStream::connect(address).is_ok()).then_some(!gone)
        })?;
        if !is_there {
            bail!("dnsmasq ended at once: {}", process.said().join("\n"));
        }
        Ok(NameServer { address, _process: process })
    }

    /// The options by which an exchange asks it.
    pub fn options(&self) -> [String; 2] {
        ["--nameservers".into(), self.address.to_string()]
    }
}
