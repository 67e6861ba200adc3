//! The floor: a bare forwarder of packets between two sockets of each call, without SIP and without a look at RTP.
//!
//! It has the shape of the exchange: epoll, `recvmmsg` with room for eight from each readable socket, `sendmmsg` where there
//! is more than one, `sendto` where there is one, as nearly always.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::batch::Batch;
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

/// Datagrams taken from one socket at a time, as in the exchange.
const BATCH: usize = 8;

/// The process itself: never ends.
pub fn run(phones: &[String]) -> Result<()> {
    usage::allow_descriptors();
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
    let (mut ready, mut batch) = (Vec::new(), Batch::new(BATCH));
    loop {
        epoll.wait(&mut ready, Duration::from_secs(3_600))?;
        for token in &ready {
            let index = *token as usize;
            let count = batch.receive(&sockets[index]).unwrap_or(0);
            // Who is gone is gone.
            let _ = forward(&mut batch, count, &sockets[index ^ 1], phones[index ^ 1]);
        }
    }
}

fn forward(batch: &mut Batch, count: usize, socket: &UdpSocket, phone: u16) -> io::Result<()> {
    if count == 1 {
        return socket.send_to(batch.octets(0), SocketAddr::from(([127, 0, 0, 1], phone))).map(drop);
    }
    for slot in 0..count {
        batch.address(slot, phone, batch.octets(slot).len());
    }
    batch.send(socket, count)
}
