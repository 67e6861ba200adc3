//! Phones that register, are challenged and register again, as fast as the server lets them.

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::digest;
use crate::message::Message;

/// CSeq numbers, which must rise from run to run: a phone that counts backwards is refused (RFC 3261 §10.3).
static SEQUENCE: AtomicU32 = AtomicU32::new(1);

/// What a run of registrations came to.
#[derive(Debug, Default)]
pub struct Registered {
    /// Registrations that were granted.
    pub granted: u64,
    /// How long it took.
    pub time: Duration,
}

/// Registers `users` at `server` from `socket`, `window` at a time, again and again until `time` is over, or each once
/// where there is no time.
pub fn register(
    server: SocketAddr,
    socket: &UdpSocket,
    users: std::ops::Range<u32>,
    (window, time): (usize, Option<Duration>),
) -> Result<Registered> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let local = socket.local_addr()?;
    let (mut out, mut buffer) = (Vec::new(), vec![0; 65_536]);
    let (mut waiting, mut granted) = (0_usize, 0);
    let mut next = users.clone();
    let start = Instant::now();
    loop {
        let over = time.is_some_and(|time| start.elapsed() >= time);
        while waiting < window && !over {
            let Some(user) = next.next() else {
                if time.is_none() {
                    break;
                }
                next = users.clone();
                continue;
            };
            write_register(&mut out, (server, local), user, "");
            socket.send_to(&out, server)?;
            waiting += 1;
        }
        if waiting == 0 {
            return Ok(Registered { granted, time: start.elapsed() });
        }
        let Ok((length, _)) = socket.recv_from(&mut buffer) else { bail!("{waiting} registrations were not answered") };
        let response = Message(&buffer[..length]);
        let user = response.header("Call-ID").and_then(|id| id.strip_prefix('r')?.split('@').next()?.parse().ok());
        let (Some(user), Some(status)) = (user, response.status()) else { continue };
        match status {
            401 | 407 => {
                let uri = format!("sip:{}", server);
                let Some(authorization) = digest::answer(response, user, "REGISTER", &uri) else {
                    bail!("no challenge")
                };
                write_register(&mut out, (server, local), user, &authorization);
                socket.send_to(&out, server)?;
            }
            200 => {
                granted += 1;
                waiting -= 1;
            }
            status => bail!("{user} was refused with {status}"),
        }
    }
}

fn write_register(out: &mut Vec<u8>, (server, local): (SocketAddr, SocketAddr), user: u32, authorization: &str) {
    let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
    out.clear();
    let written = write!(
        out,
        "REGISTER sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKr{sequence};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{user}@{server}>;tag=b{user}\r\nTo: <sip:{user}@{server}>\r\n\
         Call-ID: r{user}@bench\r\nCSeq: {sequence} REGISTER\r\nContact: <sip:{user}@{local}>\r\nExpires: 3600\r\n\
         {authorization}Content-Length: 0\r\n\r\n"
    );
    written.expect("a vector takes whatever is written to it");
}
