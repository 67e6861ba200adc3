//! A relay that loses packets of audio on their way to the exchange: not every kernel has netem.
//!
//! The exchange listens on 127.0.0.1 and tells phones 127.0.0.2 (`--advertise`), where the relay listens on the same ports. What
//! phones send goes through it, SIP unharmed, and what comes back goes back to them. Which packets are lost comes from a seed.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;

/// Where the relay listens.
pub const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// How long a thread waits before it looks whether the relay is still wanted.
const PATIENCE: Duration = Duration::from_millis(100);

/// A running relay; it ends when it is dropped.
pub struct Relay {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    carried: AtomicU64,
    lost: AtomicU64,
}

impl Relay {
    /// Relays a SIP port unharmed, and loses this share of what phones send to the even ones of the RTP ports.
    pub fn start(sip: u16, rtp: (u16, u16), loss: f64) -> Result<Relay> {
        let shared = Arc::new(Shared::default());
        let mut threads = Vec::new();
        for port in std::iter::once(sip).chain(rtp.0..=rtp.1) {
            let loss = if port == sip || port % 2 == 1 { 0.0 } else { loss };
            let socket = Arc::new(UdpSocket::bind((HOST, port))?);
            socket.set_read_timeout(Some(PATIENCE))?;
            let shared = Arc::clone(&shared);
            threads.push(std::thread::spawn(move || serve(&socket, (port, loss), &shared)));
        }
        Ok(Relay { shared, threads })
    }

    /// How many packets of audio were carried, and how many were lost.
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.carried.load(Ordering::Relaxed), self.shared.lost.load(Ordering::Relaxed))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// Carries what comes to one port, until the relay is over.
fn serve(socket: &Arc<UdpSocket>, (port, loss): (u16, f64), shared: &Arc<Shared>) {
    let mut ways: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut dice = Dice(u64::from(port));
    let mut packet = [0; 65_536];
    while let Some(received) = receive(socket, &mut packet, shared) {
        let (len, from) = received;
        let way = match ways.get(&from) {
            Some(way) => Arc::clone(way),
            None => {
                let Ok(way) = way_of(from, port, (socket, shared)) else { continue };
                ways.insert(from, Arc::clone(&way));
                way
            }
        };
        if loss > 0.0 {
            let is_lost = dice.next() < loss;
            let counter = if is_lost { &shared.lost } else { &shared.carried };
            counter.fetch_add(1, Ordering::Relaxed);
            if is_lost {
                continue;
            }
        }
        // What cannot be sent is lost as well.
        let _ = way.send(&packet[..len]);
    }
}

/// The socket by which the exchange knows one phone. What comes back on it goes to the phone.
fn way_of(phone: SocketAddr, port: u16, (socket, shared): (&Arc<UdpSocket>, &Arc<Shared>)) -> Result<Arc<UdpSocket>> {
    let way = Arc::new(UdpSocket::bind((HOST, 0))?);
    way.connect((Ipv4Addr::LOCALHOST, port))?;
    way.set_read_timeout(Some(PATIENCE))?;
    let (back, socket, shared) = (Arc::clone(&way), Arc::clone(socket), Arc::clone(shared));
    std::thread::spawn(move || {
        let mut packet = [0; 65_536];
        while let Some((len, _)) = receive(&back, &mut packet, &shared) {
            let _ = socket.send_to(&packet[..len], phone);
        }
    });
    Ok(way)
}

/// The next packet; `None` once the relay is over.
fn receive(socket: &UdpSocket, packet: &mut [u8], shared: &Shared) -> Option<(usize, SocketAddr)> {
    while !shared.over.load(Ordering::Relaxed) {
        match socket.recv_from(packet) {
            Ok(received) => return Some(received),
            // Nothing came, or what was sent before found nobody.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
                ) => {}
            Err(_) => return None,
        }
    }
    None
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    /// From 0.0 to 1.0.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as f64 / u64::MAX as f64
    }
}
