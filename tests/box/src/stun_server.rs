//! A real STUN server: Debian's coturn.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::child::Child;
use crate::wait;

/// A running STUN server.
pub struct StunServer {
    /// Where it is.
    pub address: SocketAddr,
    _process: Child,
    _home: tempfile::TempDir,
}

impl StunServer {
    /// Starts one.
    pub fn start() -> Result<StunServer> {
        let home = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2)));
        let mut command = Command::new("/usr/bin/turnserver");
        command.args(["-c", "/dev/null", "--stun-only", "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout"]);
        command.args(["--listening-ip=127.0.0.1", "--allow-loopback-peers", "--no-software-attribute"]);
        command.arg(format!("--listening-port={}", address.port()));
        command.arg("--pidfile").arg(home.path().join("pid")).arg("--userdb").arg(home.path().join("users"));
        let mut process = Child::start(command.current_dir(home.path()))?;
        let is_there = wait::until("the STUN server to answer", || {
            let gone = !process.is_running();
            (gone || answers(address)).then_some(!gone)
        })?;
        if !is_there {
            bail!("coturn ended at once: {}", process.said().join("\n"));
        }
        Ok(StunServer { address, _process: process, _home: home })
    }
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<usize> {
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        socket.send_to(&[&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat(), address)?;
        socket.recv(&mut [0; 200])
    };
    ask().is_ok()
}
