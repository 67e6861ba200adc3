//! The floor: a bare forwarder of packets between two sockets of each call, without SIP and without a look at RTP.

use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::epoll::Epoll;
use crate::socket;
use crate::usage::{self, Usage};

/// The forwarder in a process of its own, until this value is dropped.
#[derive(Debug)]
pub struct Forwarder {
    child: Child,
    /// Where each leg is sent to.
    pub ports: Vec<u16>,
}

impl Forwarder {
    /// Starts it on the servers' core. `phones` are the ports of the legs; each even one is bridged with the next.
    pub fn start(phones: &[u16]) -> Result<Forwarder> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("forwarder").args(phones.iter().map(ToString::to_string)).stdout(Stdio::piped());
        // SAFETY: between fork and exec only a system call is made.
        unsafe { command.pre_exec(|| usage::pin_to(0)) };
        let mut child = command.spawn()?;
        let out = child.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(out), &mut line)?;
        let ports: Result<Vec<u16>, _> = line.split_whitespace().map(str::parse).collect();
        let ports = ports.context("the forwarder names its ports")?;
        if ports.len() != phones.len() {
            bail!("the forwarder did not start");
        }
        Ok(Forwarder { child, ports })
    }

    /// Processor time and memory.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process itself: never ends.
pub fn run(phones: &[String]) -> Result<()> {
    let phones: Result<Vec<u16>, _> = phones.iter().map(|port| port.parse()).collect();
    let phones = phones.context("ports are numbers")?;
    let epoll = Epoll::new()?;
    let mut sockets = Vec::new();
    for index in 0..phones.len() {
        let socket = socket::bind()?;
        socket.set_nonblocking(true)?;
        epoll.add(&socket, index as u64)?;
        sockets.push(socket);
    }
    let ports: Result<Vec<String>, _> =
        sockets.iter().map(|socket| Ok(socket.local_addr()?.port().to_string())).collect();
    println!("{}", ports.map_err(|error: io::Error| error)?.join(" "));
    let targets: Vec<SocketAddr> = phones.iter().map(|port| ([127, 0, 0, 1], *port).into()).collect();
    let (mut ready, mut buffer) = (Vec::new(), [0; 2_048]);
    loop {
        epoll.wait(&mut ready, Duration::from_secs(3_600))?;
        for token in &ready {
            let index = *token as usize;
            if let Ok(length) = sockets[index].recv(&mut buffer) {
                let other = index ^ 1;
                // Who is gone is gone.
                let _ = sockets[other].send_to(&buffer[..length], targets[other]);
            }
        }
    }
}
