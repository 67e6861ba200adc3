//! Audio of a hundred calls: each leg sends a packet of G.711 every 20 ms and times what it gets.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::histogram::Histogram;
use crate::phones::{OTHERS, PAIRS, Phones};
use crate::socket;

/// Legs of all calls: of each pair the caller's and the callee's.
pub const LEGS: usize = 2 * PAIRS;
/// Packets are sent in so many groups, a millisecond apart, so that phones do not speak in step.
const GROUPS: usize = 20;
const STEP: Duration = Duration::from_millis(1);
/// Twelve octets of RTP header, 160 of audio.
pub const PACKET: usize = 172;

/// The legs' sockets.
#[derive(Debug)]
pub struct Legs {
    sockets: Vec<UdpSocket>,
    start: Instant,
    sequence: u16,
}

/// What a while of talking came to.
#[derive(Debug, Default)]
pub struct Talk {
    /// Packets sent and received.
    pub packets: (u64, u64),
    /// From the sending leg to the receiving one.
    pub delay: Histogram,
}

impl Legs {
    /// Binds them and has `phones` report them.
    pub fn new(phones: &Phones) -> Result<Legs> {
        let mut sockets = Vec::new();
        for index in 0..LEGS {
            let socket = socket::bind()?;
            socket.set_nonblocking(true)?;
            phones.epoll().add(&socket, OTHERS + index as u64)?;
            sockets.push(socket);
        }
        Ok(Legs { sockets, start: Instant::now(), sequence: 0 })
    }

    /// The port of each leg.
    pub fn ports(&self) -> io::Result<Vec<u16>> {
        self.sockets.iter().map(|socket| Ok(socket.local_addr()?.port())).collect()
    }

    /// Talks for `time` to `servers`, the port of each leg at the other side.
    pub fn talk(&mut self, phones: &mut Phones, servers: &[u16], time: Duration) -> Result<Talk> {
        let servers: Vec<SocketAddr> = servers.iter().map(|port| ([127, 0, 0, 1], *port).into()).collect();
        let (mut talk, mut group) = (Talk::default(), 0);
        let begin = Instant::now();
        let mut next = begin;
        while begin.elapsed() < time {
            if Instant::now() >= next {
                self.send(group, &servers, &mut talk)?;
                group = (group + 1) % GROUPS;
                self.sequence = self.sequence.wrapping_add(u16::from(group == 0));
                next += STEP;
            }
            let left = next.saturating_duration_since(Instant::now());
            for token in phones.turn(left)? {
                self.receive((token - OTHERS) as usize, &mut talk);
            }
        }
        Ok(talk)
    }

    fn send(&self, group: usize, servers: &[SocketAddr], talk: &mut Talk) -> io::Result<()> {
        let mut packet = [0xFF; PACKET];
        for index in (group..self.sockets.len().min(servers.len())).step_by(GROUPS) {
            packet[..2].copy_from_slice(&[0x80, 0]);
            packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
            packet[4..8].copy_from_slice(&(u32::from(self.sequence) * 160).to_be_bytes());
            packet[8..12].copy_from_slice(&(index as u32 + 1).to_be_bytes());
            packet[12..20].copy_from_slice(&(self.start.elapsed().as_nanos() as u64).to_be_bytes());
            self.sockets[index].send_to(&packet, servers[index])?;
            talk.packets.0 += 1;
        }
        Ok(())
    }

    fn receive(&self, index: usize, talk: &mut Talk) {
        let mut packet = [0; 2_048];
        while let Ok(length) = self.sockets[index].recv(&mut packet) {
            // Reports come to the next port, which nobody has; a keepalive is short.
            if length == PACKET
                && let Some(sent) = packet[12..].first_chunk()
            {
                let now = self.start.elapsed().as_nanos() as u64;
                talk.delay.add(Duration::from_nanos(now.saturating_sub(u64::from_be_bytes(*sent))));
                talk.packets.1 += 1;
            }
        }
    }
}
