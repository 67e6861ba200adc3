//! The time from the network (RFC 5905): whom to ask, the packets' way there, and the system's clock; the rest is pure.
mod client;
mod message;
pub mod source;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};
use smol::channel::Receiver;
use smol::future::or;
use smol::{Async, Timer};
use socket2::{Domain, Socket, Type};

use crate::console::say;
use crate::hardware;
use client::{Action, Client, Notice};
use source::Source;

/// The port of time servers that are told by address alone.
pub const PORT: u16 = 123;

/// The time servers that the network names.
pub struct Offered {
    /// At first.
    pub time_servers: Vec<Ipv4Addr>,
    /// Later; closed where nobody will.
    pub changes: Receiver<Vec<Ipv4Addr>>,
}

/// What wakes the client.
enum Wake {
    /// So many octets from there.
    Packet(usize, SocketAddr),
    /// The network names these servers.
    Servers(Vec<Ipv4Addr>),
    Timeout,
}

/// Keeps the system's clock right for as long as the box runs. `given` are the servers of whoever set the box up; the network's
/// own count where there are none, and those of `fallback` where there are none either.
pub async fn run(given: Vec<Source>, fallback: Vec<Source>, offered: Offered) -> io::Result<()> {
    let socket = open()?;
    let began = Instant::now();
    let mut seed = [0; 8];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    let mut client = Client::new(u64::from_ne_bytes(seed));
    let choose = |network: Vec<Ipv4Addr>| match (given.is_empty(), network.is_empty()) {
        (false, _) => given.clone(),
        (true, false) => network.into_iter().map(|server| Source::Address((server, PORT).into())).collect(),
        (true, true) => fallback.clone(),
    };
    let mut sources = choose(offered.time_servers);
    client.set_servers(began.elapsed(), &source::find(&sources, client::SERVERS).await);
    let mut retry_at = began.elapsed();
    let mut packet = [0; 512];
    loop {
        while let Some(action) = client.poll_action() {
            match action {
                // A network that is not there yet refuses; the client asks again.
                Action::Send { message, to } => drop(socket.send_to(&message, mapped(to)).await),
                Action::Step(offset) => step(offset),
                Action::Slew(offset) => slew(offset),
                Action::Tell(notice) => tell(notice),
                Action::FindServers => retry_at = Duration::ZERO,
            }
        }
        // Names that were not found, or found where nobody answers, are looked up again.
        if client.poll_timeout() == Duration::MAX || retry_at.is_zero() {
            client.set_servers(began.elapsed(), &source::find(&sources, client::SERVERS).await);
            retry_at = began.elapsed() + source::RETRY;
        }
        let due = began + client.poll_timeout().min(retry_at.max(began.elapsed() + Duration::from_secs(1)));
        let received = async {
            let received = socket.recv_from(&mut packet).await;
            received.map_or(Wake::Timeout, |(length, from)| Wake::Packet(length, from))
        };
        let servers = async {
            match offered.changes.recv().await {
                Ok(servers) => Wake::Servers(servers),
                Err(_) => std::future::pending().await,
            }
        };
        let timeout = async {
            Timer::at(due).await;
            Wake::Timeout
        };
        match or(received, or(servers, timeout)).await {
            Wake::Packet(length, from) => {
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                client.handle_packet(began.elapsed(), clock(), (from, &packet[..length]));
            }
            Wake::Servers(servers) => {
                sources = choose(servers);
                client.set_servers(began.elapsed(), &source::find(&sources, client::SERVERS).await);
            }
            Wake::Timeout => client.handle_timeout(began.elapsed()),
        }
    }
}

/// A socket for both families.
fn open() -> io::Result<Async<UdpSocket>> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
    socket.set_only_v6(false)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into())?;
    Async::new(socket.into())
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// What the system's clock shows, since 1970.
fn clock() -> Duration {
    let time = clock_gettime(ClockId::Realtime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn step(offset: i64) {
    let time = i128::try_from(clock().as_nanos()).unwrap_or(i128::MAX) + i128::from(offset);
    let time = Timespec {
        tv_sec: i64::try_from(time.div_euclid(1_000_000_000)).unwrap_or(0),
        tv_nsec: time.rem_euclid(1_000_000_000) as _,
    };
    match clock_settime(ClockId::Realtime, time) {
        Ok(()) => hardware::keep_time(),
        Err(error) => say(format_args!("the time cannot be set: {error}")),
    }
}

fn slew(offset: i64) {
    // SAFETY: every field of this plain structure may be zero.
    let mut order: libc::timex = unsafe { std::mem::zeroed() };
    order.modes = libc::ADJ_OFFSET_SINGLESHOT;
    order.offset = (offset / 1_000) as libc::c_long;
    // SAFETY: the kernel reads and writes the structure, which outlives the call.
    if unsafe { libc::adjtimex(&mut order) } < 0 {
        say(format_args!("the time cannot be slewed: {}", io::Error::last_os_error()));
    }
}

fn tell(notice: Notice) {
    match notice {
        Notice::Synchronized { stratum, offset, .. } => {
            defmt::info!("the time is known (stratum {=u8}), the clock was {=i64:us} off", stratum, offset / 1_000);
        }
        Notice::Disagree => defmt::warn!("the time servers contradict each other"),
        Notice::Lost => defmt::warn!("no time server answers any more"),
    }
    match notice {
        Notice::Synchronized { server, stratum, offset } => {
            let seconds = offset as f64 / 1e9;
            say(format_args!("the time is that of {server} (stratum {stratum}), the clock was {seconds:+.3} s off"));
        }
        Notice::Disagree => say("the time servers contradict each other, the clock stays as it is"),
        Notice::Lost => say("no time server answers any more, the clock goes on by itself"),
    }
}
