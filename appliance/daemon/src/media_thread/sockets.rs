//! The RTP and RTCP sockets: two for each stream, bound ahead of it to the port that the exchange chose, and parked after it.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use media::{Component, Socket, StreamId};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use pbx::ports::PortReport;
use rustc_hash::FxHashMap;
use socket2::{Domain, Protocol, Type};

use crate::udp_batch::Receiver;
use crate::webrtc_thread::Adoption;

/// Expedited forwarding (RFC 3246), the class of audio.
const DSCP_EF: u32 = 46 << 2;

/// A bound RTP socket and the RTCP socket on the next port.
#[derive(Debug)]
pub struct Pair {
    port: u16,
    place: usize,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    // Connected with a browser; both go over it then, and nothing over the two.
    adopted: Option<Adoption>,
}

/// What a readable socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Nothing: the place is free.
    Vacant,
    /// The stream's pair.
    Stream(StreamId),
    /// Held for the next stream on this port; what arrives is thrown away.
    Parked(u16),
}

/// All pairs, by stream, by place (the number that the poll reports) and, while parked, by port.
#[derive(Debug)]
pub struct Sockets {
    address: IpAddr,
    streams: FxHashMap<StreamId, Pair>,
    parked: FxHashMap<u16, Pair>,
    // Ports that another process held when they were last tried, and whether the system had no sockets to give.
    held: BTreeSet<u16>,
    starved: bool,
    places: Vec<Use>,
    vacant: Vec<usize>,
}

/// A socket that has something to read.
#[derive(Debug)]
pub enum Readable<'a> {
    /// A stream's.
    Stream(Socket, &'a UdpSocket),
    /// A stream's, whose phone is a browser.
    Browser(Socket, &'a Adoption),
    /// Nobody's.
    Parked(&'a UdpSocket),
}

/// A socket to send out of.
#[derive(Debug, Clone, Copy)]
pub struct Exit<'a> {
    socket: BorrowedFd<'a>,
    is_connected: bool,
}

impl Exit<'_> {
    /// The address that a packet for `to` needs here.
    pub fn address(&self, to: SocketAddr) -> Option<SocketAddr> {
        (!self.is_connected).then_some(to)
    }
}

impl AsRawFd for Exit<'_> {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl Sockets {
    /// No sockets yet; they will be bound to `address`.
    pub fn new(address: IpAddr) -> Sockets {
        Sockets {
            address,
            streams: FxHashMap::default(),
            parked: FxHashMap::default(),
            held: BTreeSet::new(),
            starved: false,
            places: Vec::new(),
            vacant: Vec::new(),
        }
    }

    /// Gives `stream` the sockets on `port` and the next.
    pub fn open(&mut self, registry: &Registry, stream: StreamId, port: u16, bin: &mut Receiver) -> io::Result<()> {
        if self.streams.contains_key(&stream) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the stream has sockets already"));
        }
        let pair = match self.parked.remove(&port) {
            Some(pair) if empty(&pair.rtp, bin) && empty(&pair.rtcp, bin) => pair,
            // Somebody floods the port: new sockets begin empty.
            Some(pair) => {
                self.vacate(pair);
                self.make(registry, port)?
            }
            None => self.make(registry, port)?,
        };
        self.places[pair.place] = Use::Stream(stream);
        self.streams.insert(stream, pair);
        Ok(())
    }

    /// Takes the sockets of `stream` away and keeps them for the next one.
    pub fn close(&mut self, stream: StreamId) {
        if let Some(pair) = self.streams.remove(&stream) {
            self.park(pair);
        }
    }

    /// Binds `port` and the next ahead of the stream that will use them.
    pub fn bind(&mut self, registry: &Registry, port: u16) -> PortReport {
        if self.parked.contains_key(&port) {
            return PortReport::Bound(port);
        }
        match self.make(registry, port) {
            Ok(pair) => {
                self.park(pair);
                self.note_bound(port);
                PortReport::Bound(port)
            }
            Err(error) if is_starvation(&error) => {
                if !std::mem::replace(&mut self.starved, true) {
                    tracing::error!(%error, "the system gives no more sockets for audio: calls may be refused");
                }
                PortReport::Starved(port)
            }
            Err(error) => {
                self.note_held(port, &error);
                PortReport::Held(port)
            }
        }
    }

    /// Closes the sockets held for `port`.
    pub fn release(&mut self, port: u16) {
        if let Some(pair) = self.parked.remove(&port) {
            self.vacate(pair);
        }
        if self.streams.is_empty() {
            self.streams.shrink_to_fit();
            self.parked.shrink_to_fit();
        }
    }

    /// One line when it begins and one when it is over; how many there are is for `/metrics` to say.
    fn note_held(&mut self, port: u16, error: &io::Error) {
        if self.held.is_empty() {
            tracing::warn!(%error, port, "an RTP port is in other hands: others are used, and it is tried again later");
        }
        self.held.insert(port);
    }

    fn note_bound(&mut self, port: u16) {
        self.starved = false;
        if self.held.remove(&port) && self.held.is_empty() {
            tracing::info!(port, "every RTP port that was in other hands is ours again");
        }
    }

    /// The socket behind a token of the poll.
    pub fn readable(&self, token: Token) -> Option<Readable<'_>> {
        let component = if token.0.is_multiple_of(2) { Component::Rtp } else { Component::Rtcp };
        match *self.places.get(token.0 / 2)? {
            Use::Vacant => None,
            Use::Stream(stream) => {
                let (at, pair) = (Socket { stream, component }, self.streams.get(&stream)?);
                Some(match &pair.adopted {
                    Some(adopted) => Readable::Browser(Socket { component: Component::Rtp, ..at }, adopted),
                    None => Readable::Stream(at, pair.socket(component)),
                })
            }
            Use::Parked(port) => Some(Readable::Parked(self.parked.get(&port)?.socket(component))),
        }
    }

    /// The socket to send out of.
    pub fn get(&self, at: Socket) -> Option<Exit<'_>> {
        let pair = self.streams.get(&at.stream)?;
        Some(match &pair.adopted {
            Some(adopted) => Exit { socket: adopted.socket.as_fd(), is_connected: true },
            None => Exit { socket: pair.socket(at.component).as_fd(), is_connected: false },
        })
    }

    /// How many streams have sockets, and how many pairs are parked.
    pub fn counts(&self) -> (usize, usize) {
        (self.streams.len(), self.parked.len())
    }

    /// Has a stream use this socket from now on, instead of any that it used before.
    pub fn adopt(&mut self, registry: &Registry, stream: StreamId, adoption: Adoption) -> io::Result<()> {
        let pair = self.streams.get_mut(&stream).ok_or(io::ErrorKind::NotFound)?;
        let token = Token(pair.place * 2);
        registry.register(&mut SourceFd(&adoption.socket.as_raw_fd()), token, Interest::READABLE)?;
        pair.adopted = Some(adoption);
        Ok(())
    }

    fn park(&mut self, mut pair: Pair) {
        pair.adopted = None;
        self.places[pair.place] = Use::Parked(pair.port);
        self.parked.insert(pair.port, pair);
    }

    fn make(&mut self, registry: &Registry, port: u16) -> io::Result<Pair> {
        let next = port.checked_add(1).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let (rtp, rtcp) = (bind(self.address, port)?, bind(self.address, next)?);
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.places.push(Use::Vacant);
            self.places.len() - 1
        });
        let pair = Pair { port, place, rtp, rtcp, adopted: None };
        match register(registry, &pair) {
            Ok(()) => Ok(pair),
            Err(error) => {
                self.vacate(pair);
                Err(error)
            }
        }
    }

    /// Gives a pair up. Closing a socket takes it out of the poll as well.
    fn vacate(&mut self, pair: Pair) {
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
    mark(&socket, address);
    socket.bind(&SocketAddr::new(address, port).into())?;
    Ok(socket.into())
}

/// Marks what a socket sends as audio.
pub fn mark(socket: &socket2::Socket, address: IpAddr) {
    // Marking is a wish: some networks and containers refuse it, and audio flows without.
    let _ = match address {
        IpAddr::V4(_) => socket.set_tos_v4(DSCP_EF),
        IpAddr::V6(_) => socket.set_tclass_v6(DSCP_EF),
    };
}

/// Whether it is not the port that is lacking, but descriptors or memory.
fn is_starvation(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::ENOSPC))
}

/// Throws away what waits in a socket. False when it does not end: somebody floods the port.
pub fn empty(socket: &UdpSocket, bin: &mut Receiver) -> bool {
    (0..128).any(|_| bin.receive(socket).map_or(true, |count| count < bin.slots()))
}
