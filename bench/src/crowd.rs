//! The audio of thousands of phones behind a few sockets: what leaves for whom, what came back and when.
//!
//! The kernel says when a packet reached a socket, so that a generator that is late to look at it measures no delay of its own.

use std::net::UdpSocket;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;

use crate::batch::{self, Batch};
use crate::histogram::Histogram;
use crate::socket;
use crate::talking::PACKET;

/// Sockets that the phones share, so that one system call sends and receives for many.
const SOCKETS: usize = 16;
/// Phones speak in so many groups, one each half millisecond.
const GROUPS: usize = 40;
const STEP: Duration = Duration::from_micros(500);
/// What is on its way at a time in a rush.
const WINDOW: u64 = 256;
/// How long the last packets may take.
const GRACE: Duration = Duration::from_millis(60);
/// A packet without audio of ours still has this many octets of header.
const HEADER: usize = 12;

/// The phones' sockets.
pub struct Crowd {
    sockets: Vec<UdpSocket>,
    batch: Batch,
    // Of the packets of each leg.
    sequence: u16,
}

/// What a while of talking came to.
#[derive(Debug, Default)]
pub struct Talk {
    /// Packets sent and received.
    pub packets: (u64, u64),
    /// From the sending phone to the socket of the receiving one.
    pub delay: Histogram,
}

/// A packet that was heard.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// The port of the server it came from, which is the seat's.
    pub server: u16,
    /// Its payload type.
    pub payload_type: u8,
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// When it reached the phone.
    pub at: Duration,
}

impl Crowd {
    /// Binds the sockets.
    pub fn new() -> Result<Crowd> {
        let mut sockets = Vec::new();
        for _ in 0..SOCKETS {
            let socket = socket::bind()?;
            socket.set_nonblocking(true)?;
            batch::stamp(&socket)?;
            sockets.push(socket);
        }
        Ok(Crowd { sockets, batch: Batch::new(64), sequence: 0 })
    }

    /// Where the phone of a leg receives.
    pub fn port(&self, leg: usize) -> Result<u16> {
        Ok(self.sockets[leg % SOCKETS].local_addr()?.port())
    }

    /// Each leg sends a packet every 20 ms to its port in `servers`, for `time`.
    pub fn talk(&mut self, legs: &[Leg], time: Duration) -> Result<Talk> {
        let mut talk = Talk::default();
        self.pace(legs, time, |talked| match talked {
            Talked::Sent(count) => talk.packets.0 += count,
            Talked::Arrived(_, sent, at) => {
                talk.packets.1 += 1;
                talk.delay.add(at.saturating_sub(sent));
            }
        })?;
        Ok(talk)
    }

    /// The same; tells of every packet that was heard.
    pub fn listen(&mut self, legs: &[Leg], time: Duration) -> Result<Vec<Heard>> {
        let mut heard = Vec::new();
        self.pace(legs, time, |talked| {
            if let Talked::Arrived(packet, _, _) = talked {
                heard.push(packet);
            }
        })?;
        Ok(heard)
    }

    fn pace(&mut self, legs: &[Leg], time: Duration, mut tell: impl FnMut(Talked)) -> Result<()> {
        self.drain(&mut |_| {})?;
        // Legs go by turns to sockets, and those of a socket by turns to groups.
        let mut groups = vec![Vec::new(); SOCKETS * GROUPS];
        legs.iter().for_each(|leg| groups[leg.index % (SOCKETS * GROUPS)].push(*leg));
        let begin = Instant::now();
        let (mut next, mut group) = (begin, 0);
        while begin.elapsed() < time {
            for (socket, legs) in groups[group * SOCKETS..][..SOCKETS].iter().enumerate() {
                tell(Talked::Sent(self.send(socket, legs)?));
            }
            group = (group + 1) % GROUPS;
            self.sequence = self.sequence.wrapping_add(u16::from(group == 0));
            self.drain(&mut tell)?;
            next += STEP;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        std::thread::sleep(GRACE);
        self.drain(&mut tell)
    }

    /// A packet of each leg behind a socket.
    fn send(&mut self, socket: usize, legs: &[Leg]) -> Result<u64> {
        for legs in legs.chunks(self.batch.slots()) {
            legs.iter().enumerate().for_each(|(slot, leg)| write(&mut self.batch, slot, (leg, self.sequence)));
            self.batch.send(&self.sockets[socket], legs.len())?;
        }
        Ok(legs.len() as u64)
    }

    fn drain(&mut self, tell: &mut impl FnMut(Talked)) -> Result<()> {
        for socket in &self.sockets {
            loop {
                let count = self.batch.receive(socket)?;
                for slot in 0..count {
                    let octets = self.batch.octets(slot);
                    let (Some(at), PACKET) = (self.batch.arrived(slot), octets.len()) else { continue };
                    let (timestamp, sent) = (octets[4..8].first_chunk(), octets[HEADER..].first_chunk());
                    if let (Some(timestamp), Some(sent)) = (timestamp, sent) {
                        let server = self.batch.port(slot);
                        let (payload_type, timestamp) = (octets[1] & 0x7F, u32::from_be_bytes(*timestamp));
                        let heard = Heard { server, payload_type, timestamp, at };
                        tell(Talked::Arrived(heard, Duration::from_nanos(u64::from_be_bytes(*sent)), at));
                    }
                }
                if count < self.batch.slots() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sends from each leg in turn, as soon as what was sent before has come back, for `time`: how many came back.
    pub fn rush(&mut self, legs: &[Leg], time: Duration) -> Result<u64> {
        self.drain(&mut |_| {})?;
        let mut shares = vec![Vec::new(); SOCKETS];
        legs.iter().for_each(|leg| shares[leg.index % SOCKETS].push(*leg));
        let (begin, mut returned, mut next) = (Instant::now(), 0, 0);
        let (mut on_the_way, mut moved) = (0, Instant::now());
        while begin.elapsed() < time {
            while on_the_way < WINDOW {
                self.sequence = self.sequence.wrapping_add(u16::from(next == 0));
                on_the_way += self.send(next, &shares[next])?;
                next = (next + 1) % SOCKETS;
            }
            let before = returned;
            self.drain(&mut |talked| returned += u64::from(matches!(talked, Talked::Arrived(..))))?;
            on_the_way = on_the_way.saturating_sub(returned - before);
            if returned > before {
                moved = Instant::now();
            } else if moved.elapsed() > GRACE {
                // What is still out is lost.
                (on_the_way, moved) = (0, Instant::now());
            }
        }
        std::thread::sleep(GRACE);
        self.drain(&mut |_| {})?;
        Ok(returned)
    }
}

/// A phone's side of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Leg {
    /// Which phone.
    pub index: usize,
    /// Where the server receives it.
    pub server: u16,
    /// The payload type it sends.
    pub payload_type: u8,
    /// Whether it talks, or sends silence.
    pub loud: bool,
}

enum Talked {
    Sent(u64),
    /// The packet, when it says that it was sent, and when it arrived.
    Arrived(Heard, Duration, Duration),
}

fn write(batch: &mut Batch, slot: usize, (leg, sequence): (&Leg, u16)) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let packet = batch.address(slot, leg.server, PACKET);
    packet[..2].copy_from_slice(&[0x80, leg.payload_type]);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet[8..HEADER].copy_from_slice(&(leg.index as u32 + 1).to_be_bytes());
    // Silence of µ-law, or what is different from octet to octet.
    packet[HEADER..].fill(0xFF);
    if leg.loud {
        for (place, octet) in packet[HEADER..].iter_mut().enumerate() {
            *octet = (place as u8).wrapping_mul(37) ^ leg.index as u8;
        }
        packet[HEADER..HEADER + 8].copy_from_slice(&(now.as_nanos() as u64).to_be_bytes());
    }
}
