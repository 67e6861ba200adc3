//! The RTP and RTCP sockets: two for each stream, bound to the port that the exchange chose, parked for the next stream.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use media::{Component, Socket, StreamId};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustc_hash::FxHashMap;
use socket2::{Domain, Protocol, Type};

use crate::limits;
use crate::udp_batch::Receiver;

/// Expedited forwarding (RFC 3246), the class of audio.
const DSCP_EF: u32 = 46 << 2;

/// A bound RTP socket and the RTCP socket on the next port.
#[derive(Debug)]
pub struct Pair {
    port: u16,
    place: usize,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    parked_at: Duration,
}

/// What a readable socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Nothing: the place is free.
    Vacant,
    /// The stream's pair.
    Stream(StreamId),
    /// Kept for the next stream on this port; what arrives is thrown away.
    Parked(u16),
}

/// All pairs, by stream, by place (the number that the poll reports) and, while parked, by port.
#[derive(Debug)]
pub struct Sockets {
    address: IpAddr,
    streams: FxHashMap<StreamId, Pair>,
    parked: FxHashMap<u16, Pair>,
    // The oldest first; a port that was taken again since is passed over.
    parked_since: VecDeque<(Duration, u16)>,
    places: Vec<Use>,
    vacant: Vec<usize>,
}

/// A socket that has something to read.
#[derive(Debug)]
pub enum Readable<'a> {
    /// A stream's.
    Stream(Socket, &'a UdpSocket),
    /// Nobody's.
    Parked(&'a UdpSocket),
}

impl Sockets {
    /// No sockets yet; they will be bound to `address`.
    pub fn new(address: IpAddr) -> Sockets {
        Sockets {
            address,
            streams: FxHashMap::default(),
            parked: FxHashMap::default(),
            parked_since: VecDeque::new(),
            places: Vec::new(),
            vacant: Vec::new(),
        }
    }

    /// Gives `stream` the sockets on `port` and the next.
    pub fn open(&mut self, registry: &Registry, stream: StreamId, port: u16, bin: &mut Receiver) -> io::Result<()> {
        if self.streams.contains_key(&stream) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the stream has sockets already"));
        }
        let reused = self.parked.remove(&port).filter(|pair| empty(&pair.rtp, bin) && empty(&pair.rtcp, bin));
        let pair = match reused {
            Some(pair) => pair,
            None => self.bind(registry, port)?,
        };
        self.places[pair.place] = Use::Stream(stream);
        self.streams.insert(stream, pair);
        Ok(())
    }

    /// Takes the sockets of `stream` away and keeps them for the next one.
    pub fn close(&mut self, now: Duration, stream: StreamId) {
        let Some(pair) = self.streams.remove(&stream) else { return };
        if self.parked.len() >= limits::PARKED_PAIRS {
            self.release(pair);
            return;
        }
        self.places[pair.place] = Use::Parked(pair.port);
        self.parked_since.push_back((now, pair.port));
        self.parked.insert(pair.port, Pair { parked_at: now, ..pair });
    }

    /// Closes what was parked for long; says when to come again.
    pub fn expire(&mut self, now: Duration) -> Option<Duration> {
        while let Some(&(since, port)) = self.parked_since.front() {
            if now < since + limits::PARKED_FOR {
                return Some(since + limits::PARKED_FOR);
            }
            self.parked_since.pop_front();
            // A port that was taken and parked again since stands further back once more.
            if self.parked.get(&port).is_some_and(|pair| pair.parked_at == since)
                && let Some(pair) = self.parked.remove(&port)
            {
                self.release(pair);
            }
        }
        if self.streams.is_empty() {
            self.streams.shrink_to_fit();
            self.parked.shrink_to_fit();
            self.parked_since.shrink_to_fit();
        }
        None
    }

    /// The socket behind a token of the poll.
    pub fn readable(&self, token: Token) -> Option<Readable<'_>> {
        let component = if token.0.is_multiple_of(2) { Component::Rtp } else { Component::Rtcp };
        match *self.places.get(token.0 / 2)? {
            Use::Vacant => None,
            Use::Stream(stream) => {
                Some(Readable::Stream(Socket { stream, component }, self.streams.get(&stream)?.socket(component)))
            }
            Use::Parked(port) => Some(Readable::Parked(self.parked.get(&port)?.socket(component))),
        }
    }

    /// The socket to send out of.
    pub fn get(&self, at: Socket) -> Option<&UdpSocket> {
        Some(self.streams.get(&at.stream)?.socket(at.component))
    }

    /// How many streams have sockets, and how many pairs are parked.
    pub fn counts(&self) -> (usize, usize) {
        (self.streams.len(), self.parked.len())
    }

    fn bind(&mut self, registry: &Registry, port: u16) -> io::Result<Pair> {
        let next = port.checked_add(1).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let (rtp, rtcp) = (bind(self.address, port)?, bind(self.address, next)?);
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.places.push(Use::Vacant);
            self.places.len() - 1
        });
        let pair = Pair { port, place, rtp, rtcp, parked_at: Duration::ZERO };
        match register(registry, &pair) {
            Ok(()) => Ok(pair),
            Err(error) => {
                self.release(pair);
                Err(error)
            }
        }
    }

    /// Closing a socket takes it out of the poll as well.
    fn release(&mut self, pair: Pair) {
        self.places[pair.place] = Use::Vacant;
        self.vacant.push(pair.place);
    }
}

impl Pair {
    fn socket(&self, component: Component) -> &UdpSocket {
        match component {
            Component::Rtp => &self.rtp,
            Component::Rtcp => &self.rtcp,
        }
    }
}

fn register(registry: &Registry, pair: &Pair) -> io::Result<()> {
    let (rtp, rtcp) = (Token(pair.place * 2), Token(pair.place * 2 + 1));
    registry.register(&mut SourceFd(&pair.rtp.as_raw_fd()), rtp, Interest::READABLE)?;
    registry.register(&mut SourceFd(&pair.rtcp.as_raw_fd()), rtcp, Interest::READABLE)
}

fn bind(address: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = socket2::Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    // Marking is a wish: some networks and containers refuse it, and audio flows without.
    let _ = match address {
        IpAddr::V4(_) => socket.set_tos_v4(DSCP_EF),
        IpAddr::V6(_) => socket.set_tclass_v6(DSCP_EF),
    };
    socket.bind(&SocketAddr::new(address, port).into())?;
    Ok(socket.into())
}

/// Throws away what waits in a socket. False when it does not end: somebody floods the port.
pub fn empty(socket: &UdpSocket, bin: &mut Receiver) -> bool {
    (0..128).any(|_| bin.receive(socket).map_or(true, |count| count < bin.slots()))
}
