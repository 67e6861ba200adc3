//! SIP over UDP: one socket for each family of addresses, read and written in batches.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use bytes::Bytes;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use sip::{Flow, Transmit, Transport};
use socket2::{Domain, Protocol, Type};

use super::counters::{Counters, add};
use super::inbox::{Arrival, Inbox};
use crate::limits;
use crate::udp_batch::{self, Outgoing, Receiver, Sender};

/// Class selector 3 (RFC 4594 §2.3), the class of signalling.
pub const DSCP_CS3: u32 = 24 << 2;

/// The UDP sockets.
#[derive(Debug)]
pub struct Datagrams {
    sockets: Vec<Socket>,
    receivers: Vec<Receiver>,
    sender: Sender,
}

#[derive(Debug)]
struct Socket {
    socket: UdpSocket,
    address: SocketAddr,
    token: Token,
    // The poll is edge-triggered: it says once that there is something, and we remember until it is read.
    readable: bool,
    // The kernel took no more; the poll will say when it does.
    blocked: bool,
    outgoing: VecDeque<Transmit>,
}

impl Datagrams {
    /// Binds `addresses`, at most one of each family.
    pub fn bind(addresses: &[SocketAddr]) -> Result<Datagrams> {
        let mut sockets = Vec::new();
        let mut receivers = Vec::new();
        for &address in addresses {
            let socket = bind(address).with_context(|| format!("cannot bind UDP {address}"))?;
            let address = socket.local_addr().context("a bound socket has an address")?;
            receivers.push(receiver(address));
            let outgoing = VecDeque::new();
            sockets.push(Socket { socket, address, token: Token(0), readable: true, blocked: false, outgoing });
        }
        Ok(Datagrams { sockets, receivers, sender: Sender::new(limits::SIP_BATCH) })
    }

    /// Where the first socket is bound.
    pub fn address(&self) -> SocketAddr {
        self.sockets[0].address
    }

    /// Has the poll report the sockets as `first` and the following tokens; returns the next free one.
    pub fn register(&mut self, registry: &Registry, first: usize) -> Result<usize> {
        for (index, socket) in self.sockets.iter_mut().enumerate() {
            socket.token = Token(first + index);
            registry
                .register(&mut SourceFd(&socket.socket.as_raw_fd()), socket.token, Interest::READABLE)
                .context("cannot watch a UDP socket")?;
        }
        Ok(first + self.sockets.len())
    }

    /// The poll says that something happened. False when the token is not one of these.
    pub fn handle_event(&mut self, token: Token, readable: bool, writable: bool) -> bool {
        let Some(socket) = self.sockets.iter_mut().find(|socket| socket.token == token) else { return false };
        socket.readable |= readable;
        socket.blocked &= !writable;
        true
    }

    /// Gives back the memory that datagrams were received into: pages that none was written to since cost nothing.
    pub fn rest(&mut self) {
        for (socket, used) in self.sockets.iter().zip(&mut self.receivers) {
            *used = receiver(socket.address);
        }
    }

    /// Whether there may be more to read.
    pub fn readable(&self) -> bool {
        self.sockets.iter().any(|socket| socket.readable)
    }

    /// Takes one batch from each socket that has something.
    pub fn receive(&mut self, inbox: &mut Inbox, counters: &Counters) {
        for (socket, receiver) in self.sockets.iter_mut().zip(&mut self.receivers) {
            if !socket.readable {
                continue;
            }
            match receiver.receive(&socket.socket) {
                Ok(count) => {
                    socket.readable = count == receiver.slots();
                    add(&counters.datagrams_received, count);
                    inbox.extend((0..count).filter_map(|slot| arrival(receiver, slot, socket.address)));
                }
                // A pending ICMP error is reported once and says nothing about what waits.
                Err(error) => tracing::debug!(%error, "cannot receive SIP"),
            }
        }
    }

    /// Queues a message for the next [`Datagrams::flush`].
    pub fn send(&mut self, transmit: Transmit, counters: &Counters) {
        let v4 = transmit.flow.remote.is_ipv4();
        let Some(socket) = self.sockets.iter_mut().find(|socket| socket.address.is_ipv4() == v4) else {
            tracing::debug!(to = %transmit.flow.remote, "no socket of this family");
            add(&counters.datagrams_unsendable, 1);
            return;
        };
        if socket.outgoing.len() >= limits::SIP_WAITING {
            socket.outgoing.pop_front();
            add(&counters.datagrams_overflowed, 1);
        }
        socket.outgoing.push_back(transmit);
    }

    /// Sends what is queued, as far as the kernel takes it.
    pub fn flush(&mut self, registry: &Registry, counters: &Counters) {
        for socket in &mut self.sockets {
            socket.flush(&mut self.sender, registry, counters);
        }
    }
}

impl Socket {
    fn flush(&mut self, sender: &mut Sender, registry: &Registry, counters: &Counters) {
        let wildcard = self.address.ip().is_unspecified();
        while !self.outgoing.is_empty() && !self.blocked {
            let packets = self.outgoing.iter().map(|transmit| outgoing(transmit, wildcard));
            match sender.send(&self.socket, packets) {
                Ok(sent) => {
                    add(&counters.datagrams_sent, sent);
                    self.outgoing.drain(..sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    self.watch(registry, Interest::READABLE | Interest::WRITABLE);
                    return;
                }
                Err(error) => self.handle_refused(&error, counters),
            }
            if self.outgoing.capacity() > limits::SIP_BATCH * 8 && self.outgoing.is_empty() {
                self.outgoing.shrink_to(limits::SIP_BATCH);
            }
        }
    }

    /// The kernel refuses the first message. Perhaps we lost the address it was to leave from: then any will do.
    fn handle_refused(&mut self, error: &io::Error, counters: &Counters) {
        let Some(transmit) = self.outgoing.pop_front() else { return };
        let retried = udp_batch::send_one(&self.socket, transmit.flow.remote, &transmit.bytes);
        tracing::debug!(%error, to = %transmit.flow.remote, "cannot send SIP from {}", transmit.flow.local);
        add(if retried.is_ok() { &counters.datagrams_sent } else { &counters.datagrams_unsendable }, 1);
    }

    fn watch(&self, registry: &Registry, interest: Interest) {
        if let Err(error) = registry.reregister(&mut SourceFd(&self.socket.as_raw_fd()), self.token, interest) {
            tracing::error!(%error, "cannot watch a UDP socket");
        }
    }
}

fn receiver(bound: SocketAddr) -> Receiver {
    Receiver::new(limits::SIP_BATCH, limits::SIP_DATAGRAM, bound.ip().is_unspecified())
}

fn arrival(receiver: &Receiver, slot: usize, bound: SocketAddr) -> Option<Arrival> {
    if receiver.truncated(slot) {
        return None;
    }
    let remote = receiver.source(slot)?;
    let local = SocketAddr::new(receiver.destination(slot).unwrap_or(bound.ip()), bound.port());
    let flow = Flow { transport: Transport::Udp, local, remote, connection: None };
    Some(Arrival::Message(flow, Bytes::copy_from_slice(receiver.octets(slot))))
}

fn outgoing(transmit: &Transmit, wildcard: bool) -> Outgoing<'_> {
    let local = transmit.flow.local.ip();
    let same_family = local.is_ipv4() == transmit.flow.remote.is_ipv4();
    let from = (wildcard && same_family && !local.is_unspecified()).then_some(local);
    Outgoing { to: Some(transmit.flow.remote), from, octets: &transmit.bytes }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    // Marking is a wish: some containers refuse it.
    let _ = match address.ip() {
        IpAddr::V4(_) => socket.set_tos_v4(DSCP_CS3),
        IpAddr::V6(_) => socket.set_only_v6(true).and_then(|()| socket.set_tclass_v6(DSCP_CS3)),
    };
    udp_batch::set_buffers(&socket, limits::SIP_SOCKET_BUFFER)?;
    socket.bind(&address.into())?;
    if address.ip().is_unspecified() {
        udp_batch::ask_for_destination(&socket, address.ip())?;
    }
    Ok(socket.into())
}

/// The addresses to bind for one that was asked for: all of IPv6 means all of IPv4 as well.
pub fn both_families(address: SocketAddr) -> Vec<SocketAddr> {
    match address.ip() {
        IpAddr::V6(ip) if ip.is_unspecified() => {
            vec![address, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port())]
        }
        _ => vec![address],
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn receive(datagrams: &mut Datagrams, wanted: usize) -> Vec<(Flow, Bytes)> {
        let (mut inbox, counters, start) = (Inbox::default(), Counters::default(), Instant::now());
        while inbox.len() < wanted && start.elapsed() < Duration::from_secs(5) {
            datagrams.sockets.iter_mut().for_each(|socket| socket.readable = true);
            datagrams.receive(&mut inbox, &counters);
        }
        inbox
            .drain(..)
            .map(|arrival| match arrival {
                Arrival::Message(flow, bytes) => (flow, bytes),
                Arrival::Closed(flow) | Arrival::Trouble(flow, _) => panic!("nothing closes here: {flow:?}"),
            })
            .collect()
    }

    #[test]
    fn the_answer_leaves_from_the_address_that_was_asked() {
        let poll = mio::Poll::new().expect("the kernel has epoll");
        let counters = Counters::default();
        for (bound, phone, asked) in [("[::]:0", "[::1]:0", "::1"), ("0.0.0.0:0", "127.0.0.1:0", "127.0.0.9")] {
            let address: SocketAddr = bound.parse().expect("an address");
            let mut datagrams = Datagrams::bind(&[address]).expect("a free port");
            datagrams.register(poll.registry(), 1).expect("it can be watched");
            let phone = UdpSocket::bind(phone).expect("a free port");
            let asked: IpAddr = asked.parse().expect("an address");
            let there = SocketAddr::new(asked, datagrams.address().port());
            for n in 0..50_u8 {
                phone.send_to(&[b'A', n], there).expect("the loopback takes it");
            }
            let arrived = receive(&mut datagrams, 50);
            assert_eq!(arrived.len(), 50);
            let (flow, bytes) = &arrived[49];
            assert_eq!((flow.local, Some(flow.remote), &bytes[..]), (there, phone.local_addr().ok(), &b"A\x31"[..]));
            for (flow, bytes) in arrived {
                datagrams.send(Transmit { flow, bytes }, &counters);
            }
            datagrams.flush(poll.registry(), &counters);
            let mut buffer = [0; 10];
            for n in 0..50_u8 {
                let (length, from) = phone.recv_from(&mut buffer).expect("the answer comes");
                assert_eq!((&buffer[..length], from), (&[b'A', n][..], there));
            }
            drop(phone);
        }
    }

    #[test]
    fn an_address_that_we_lost_does_not_stop_the_rest() {
        let poll = mio::Poll::new().expect("the kernel has epoll");
        let counters = Counters::default();
        let mut datagrams = Datagrams::bind(&["0.0.0.0:0".parse().expect("an address")]).expect("a free port");
        let phone = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let remote = phone.local_addr().expect("it is bound");
        let flow = |local: &str, remote: SocketAddr| {
            let local = local.parse().expect("an address");
            Flow { transport: Transport::Udp, local, remote, connection: None }
        };
        let nowhere: SocketAddr = "[2001:db8::1]:5060".parse().expect("an address");
        for (flow, text) in [
            (flow("203.0.113.77:5060", remote), "lost"),
            (flow("[::1]:5060", nowhere), "no socket"),
            (flow("127.0.0.1:5060", remote), "sound"),
        ] {
            datagrams.send(Transmit { flow, bytes: Bytes::from_static(text.as_bytes()) }, &counters);
        }
        datagrams.flush(poll.registry(), &counters);
        let mut buffer = [0; 10];
        for text in ["lost", "sound"] {
            let (length, _) = phone.recv_from(&mut buffer).expect("it comes");
            assert_eq!(&buffer[..length], text.as_bytes());
        }
        assert_eq!(counters.datagrams_unsendable.load(std::sync::atomic::Ordering::Relaxed), 1);
    }

    #[test]
    fn all_of_ipv6_means_all_of_ipv4() {
        let families = both_families("[::]:5060".parse().expect("an address"));
        assert_eq!(families.iter().map(ToString::to_string).collect::<Vec<_>>(), ["[::]:5060", "0.0.0.0:5060"]);
        let one = "127.0.0.1:5060".parse().expect("an address");
        assert_eq!(both_families(one), [one]);
    }
}
