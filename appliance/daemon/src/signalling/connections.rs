//! SIP over TCP and TLS: who is connected, who may be, and what waits for whom.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use pbx::provider::Identity;
use rustc_hash::FxHashMap;
use rustls::ServerConfig;
use sip::transport::ConnectionId;
use sip::{Flow, Transmit, Transport};
use socket2::{Domain, Protocol, TcpKeepalive, Type};

use super::connection::{Connection, End};
use super::counters::{Counters, add};
use super::datagrams::DSCP_CS3;
use super::identity::{self, Expected};
use super::inbox::{Arrival, Inbox};
use super::wire::Wire;
use crate::limits;

/// How many connections are accepted before others have their turn.
const ACCEPTS: usize = 64;
/// How often deadlines are looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The TCP listeners and connections.
#[derive(Debug)]
pub struct Connections {
    registry: Registry,
    listeners: Vec<Listener>,
    // Connections have the tokens from here on.
    first_token: usize,
    places: Vec<Option<Connection>>,
    vacant: Vec<usize>,
    by_id: FxHashMap<ConnectionId, usize>,
    // Only those that we opened: what a phone opened is found by its id, and no other phone may take its place.
    by_remote: FxHashMap<SocketAddr, usize>,
    // Those that the exchange has named, by where they lead.
    named: FxHashMap<(ConnectionId, SocketAddr), usize>,
    expected: FxHashMap<ConnectionId, Result<Expected, String>>,
    by_source: FxHashMap<IpAddr, usize>,
    next_id: u64,
    readable: Vec<usize>,
    unwritten: Vec<usize>,
    checked: Duration,
    cannot_accept: bool,
    buffer: Box<[u8]>,
}

#[derive(Debug)]
struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    /// How it speaks TLS, where it does.
    tls: Option<Arc<ServerConfig>>,
    token: Token,
    readable: bool,
}

impl Connections {
    /// Listens on `addresses`. `first_id` must be greater than any id that an earlier process gave, so that a flow that was
    /// remembered never means somebody else's connection.
    pub fn listen(registry: Registry, addresses: &[SocketAddr], first_id: u64) -> Result<Connections> {
        let mut listeners = Vec::new();
        for &address in addresses {
            let listener = listen(address).with_context(|| format!("cannot listen on TCP {address}"))?;
            let address = listener.local_addr().context("a listener has an address")?;
            listeners.push(Listener { listener, address, tls: None, token: Token(0), readable: true });
        }
        Ok(Connections {
            registry,
            listeners,
            first_token: 0,
            places: Vec::new(),
            vacant: Vec::new(),
            by_id: FxHashMap::default(),
            by_remote: FxHashMap::default(),
            named: FxHashMap::default(),
            expected: FxHashMap::default(),
            by_source: FxHashMap::default(),
            next_id: first_id,
            readable: Vec::new(),
            unwritten: Vec::new(),
            checked: Duration::ZERO,
            cannot_accept: false,
            buffer: vec![0; 16 * 1_024].into_boxed_slice(),
        })
    }

    /// Listens for TLS, too; before [`Connections::register`].
    pub fn listen_for_tls(&mut self, address: SocketAddr, config: &Arc<ServerConfig>) -> Result<SocketAddr> {
        let listener = listen(address).with_context(|| format!("cannot listen on TCP {address} for SIP over TLS"))?;
        let address = listener.local_addr().context("a listener has an address")?;
        self.listeners.push(Listener { listener, address, tls: Some(config.clone()), token: Token(0), readable: true });
        Ok(address)
    }

    /// Who has to be at the other end of a connection that the exchange has named; `None`: it is not opened any more.
    pub fn expect(&mut self, id: ConnectionId, identity: Option<&Identity>) {
        match identity {
            Some(identity) => {
                let expected = Expected::new(identity).map_err(|error| format!("{error:#}"));
                self.expected.insert(id, expected);
            }
            None => drop(self.expected.remove(&id)),
        }
    }

    /// Where the first listener is.
    #[cfg(test)]
    pub fn address(&self) -> SocketAddr {
        self.listeners[0].address
    }

    /// Has the poll report the listeners as `first` and the following tokens, and connections after them without end.
    pub fn register(&mut self, first: usize) -> Result<()> {
        for (index, listener) in self.listeners.iter_mut().enumerate() {
            listener.token = Token(first + index);
            self.registry
                .register(&mut listener.listener, listener.token, Interest::READABLE)
                .context("cannot watch a TCP listener")?;
        }
        self.first_token = first + self.listeners.len();
        Ok(())
    }

    /// The poll says that something happened.
    pub fn handle_event(
        &mut self,
        now: Duration,
        token: Token,
        event: (bool, bool),
        inbox: &mut Inbox,
        counters: &Counters,
    ) {
        if let Some(listener) = self.listeners.iter_mut().find(|listener| listener.token == token) {
            listener.readable = true;
            return;
        }
        let Some(place) = token.0.checked_sub(self.first_token) else { return };
        let Some(connection) = self.places.get_mut(place).and_then(Option::as_mut) else { return };
        let had_more = connection.readable();
        let result = connection.handle_event(now, event.0, event.1);
        if connection.readable() && !had_more {
            self.readable.push(place);
        }
        self.settle(place, result, inbox, counters);
    }

    /// Whether there may be more to accept or to read.
    pub fn readable(&self) -> bool {
        !self.readable.is_empty() || self.listeners.iter().any(|listener| listener.readable)
    }

    /// Accepts, and reads a share of each connection that has something.
    pub fn receive(&mut self, now: Duration, inbox: &mut Inbox, counters: &Counters) {
        for index in 0..self.listeners.len() {
            if self.listeners[index].readable {
                self.accept(now, index, counters);
            }
        }
        for place in std::mem::take(&mut self.readable) {
            let Some(connection) = self.places.get_mut(place).and_then(Option::as_mut) else { continue };
            let result = connection.read(now, &mut self.buffer, inbox);
            if result.is_ok() && connection.readable() {
                self.readable.push(place);
            }
            // What a keep-alive asked for.
            self.unwritten.push(place);
            self.settle(place, result, inbox, counters);
        }
    }

    /// Queues a message for the next [`Connections::flush`], opening the connection if there is none.
    pub fn send(&mut self, now: Duration, transmit: Transmit, inbox: &mut Inbox, counters: &Counters) {
        let Transmit { flow, bytes } = transmit;
        let place = match flow.connection {
            Some(id) if id.is_named() => match self.named.get(&(id, flow.remote)) {
                Some(&place) => Some(place),
                None => self.open_named(now, (id, flow), inbox),
            },
            Some(id) => self.by_id.get(&id).copied(),
            None => match self.by_remote.get(&flow.remote) {
                Some(&place) => Some(place),
                None => self.open(now, flow),
            },
        };
        let Some(place) = place else {
            add(&counters.connections_gone, 1);
            inbox.push(Arrival::Closed(flow));
            return;
        };
        let Some(connection) = self.places.get_mut(place).and_then(Option::as_mut) else { return };
        let result = connection.send(bytes);
        self.unwritten.push(place);
        self.settle(place, result, inbox, counters);
    }

    /// Writes what is queued, as far as the kernel takes it.
    pub fn flush(&mut self, inbox: &mut Inbox, counters: &Counters) {
        for place in std::mem::take(&mut self.unwritten) {
            let Some(connection) = self.places.get_mut(place).and_then(Option::as_mut) else { continue };
            let result = connection.write();
            self.settle(place, result, inbox, counters);
        }
    }

    /// When to call [`Connections::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        (self.count() > 0 || self.cannot_accept).then_some(self.checked + CHECK_INTERVAL)
    }

    /// Ends connections whose time is over.
    pub fn handle_timeout(&mut self, now: Duration, inbox: &mut Inbox, counters: &Counters) {
        if self.count() == 0 && !self.cannot_accept {
            self.shrink();
        } else if now >= self.checked + CHECK_INTERVAL {
            self.checked = now;
            for place in 0..self.places.len() {
                let Some(connection) = &self.places[place] else { continue };
                let result = connection.check(now);
                self.settle(place, result, inbox, counters);
            }
            if std::mem::take(&mut self.cannot_accept) {
                self.listeners.iter_mut().for_each(|listener| listener.readable = true);
            }
        }
    }

    /// A burst must not keep its memory for ever.
    fn shrink(&mut self) {
        if self.places.capacity() > 0 && self.readable.is_empty() && self.unwritten.is_empty() {
            (self.places, self.vacant) = (Vec::new(), Vec::new());
            self.by_id.shrink_to_fit();
            self.by_remote.shrink_to_fit();
            self.named.shrink_to_fit();
            self.by_source.shrink_to_fit();
        }
    }

    fn accept(&mut self, now: Duration, index: usize, counters: &Counters) {
        for _ in 0..ACCEPTS {
            match self.listeners[index].listener.accept() {
                Ok((stream, remote)) => {
                    if let Err(error) = self.admit(now, stream, index, remote) {
                        tracing::debug!(%error, %remote, "refused a TCP connection");
                        add(&counters.connections_refused, 1);
                    }
                    counters.connections.store(self.count() as u64, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.listeners[index].readable = false;
                    return;
                }
                // Out of descriptors or of memory: it is tried again with the next look at the deadlines.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a TCP connection");
                    self.listeners[index].readable = false;
                    self.cannot_accept = true;
                    return;
                }
            }
        }
    }

    fn admit(&mut self, now: Duration, stream: TcpStream, index: usize, remote: SocketAddr) -> io::Result<()> {
        let full = |limit: &str| io::Error::other(format!("{limit} are the limit"));
        if self.count() >= limits::CONNECTIONS {
            return Err(full(&format!("{} connections", limits::CONNECTIONS)));
        }
        if self.by_source.get(&remote.ip()).is_some_and(|count| *count >= limits::CONNECTIONS_PER_SOURCE) {
            return Err(full(&format!("{} connections from one address", limits::CONNECTIONS_PER_SOURCE)));
        }
        prepare(socket2::SockRef::from(&stream))?;
        let listener = &self.listeners[index];
        let local = stream.local_addr().unwrap_or(listener.address);
        let (transport, wire) = match &listener.tls {
            Some(config) => (Transport::Tls, Wire::encrypted(stream, config)?),
            None => (Transport::Tcp, Wire::Plain(stream)),
        };
        let flow = Flow { transport, local, remote, connection: Some(self.new_id()) };
        self.insert(Connection::accepted(now, wire, flow)).map(|_| ())
    }

    fn open(&mut self, now: Duration, asked: Flow) -> Option<usize> {
        if asked.transport != Transport::Tcp || self.count() >= limits::CONNECTIONS {
            return None;
        }
        let flow = Flow { connection: Some(self.new_id()), ..asked };
        let opened = connect_from(asked.local.ip(), asked.remote)
            .and_then(|stream| self.insert(Connection::opening(now, Wire::Plain(stream), flow, asked)));
        match opened {
            Ok(place) => {
                self.by_remote.insert(asked.remote, place);
                Some(place)
            }
            Err(error) => {
                tracing::debug!(%error, to = %asked.remote, "cannot open a TCP connection");
                None
            }
        }
    }

    /// Opens a connection over TLS to whom it has to lead.
    fn open_named(&mut self, now: Duration, (id, flow): (ConnectionId, Flow), inbox: &mut Inbox) -> Option<usize> {
        let opened = match self.expected.get(&id) {
            // A call that outlives its provider may have nowhere to go any more.
            None => return None,
            Some(_) if self.count() >= limits::CONNECTIONS => Err("there are too many connections already".into()),
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(expected)) => connect_from(flow.local.ip(), flow.remote)
                .and_then(|stream| Wire::opened(stream, expected))
                .and_then(|wire| self.insert(Connection::opening(now, wire, flow, flow)))
                .map_err(|error| identity::in_words(&error)),
        };
        opened.map_err(|why| inbox.push(Arrival::Trouble(flow, why))).ok()
    }

    /// How many there are.
    fn count(&self) -> usize {
        self.by_id.len() + self.named.len()
    }

    fn insert(&mut self, mut connection: Connection) -> io::Result<usize> {
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        let token = Token(self.first_token + place);
        if let Err(error) = self.registry.register(connection.stream(), token, Interest::READABLE | Interest::WRITABLE)
        {
            self.vacant.push(place);
            return Err(error);
        }
        match connection.flow.connection {
            Some(id) if id.is_named() => drop(self.named.insert((id, connection.flow.remote), place)),
            Some(id) => drop(self.by_id.insert(id, place)),
            None => {}
        }
        *self.by_source.entry(connection.flow.remote.ip()).or_default() += 1;
        self.places[place] = Some(connection);
        Ok(place)
    }

    fn new_id(&mut self) -> ConnectionId {
        self.next_id += 1;
        ConnectionId(self.next_id)
    }

    /// Ends the connection if what was done with it failed, and says so to the exchange.
    fn settle(&mut self, place: usize, result: Result<(), End>, inbox: &mut Inbox, counters: &Counters) {
        let Err(end) = result else { return };
        let Some(connection) = self.places[place].take() else { return };
        tracing::debug!(remote = %connection.flow.remote, %end, "a TCP connection ended");
        add(&counters.connections_cut, usize::from(end.is_cut()));
        self.vacant.push(place);
        let flow = connection.flow;
        let is_named = flow.connection.is_some_and(ConnectionId::is_named);
        if let Some(id) = flow.connection {
            self.by_id.remove(&id);
            self.named.remove(&(id, flow.remote));
        }
        if let Some(count) = self.by_source.get_mut(&flow.remote.ip()) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&flow.remote.ip());
            }
        }
        if is_named {
            let trouble = connection.trouble(&end);
            inbox.extend(trouble.map(|why| Arrival::Trouble(flow, why)));
        } else if let Some(asked) = connection.asked {
            self.by_remote.remove(&asked.remote);
            inbox.push(Arrival::Closed(asked));
        }
        inbox.push(Arrival::Closed(flow));
        counters.connections.store(self.count() as u64, Ordering::Relaxed);
    }
}

fn any_of_family(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for connections of the process before it.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(1_024)?;
    Ok(TcpListener::from_std(socket.into()))
}

fn connect(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket2::Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    prepare(socket2::SockRef::from(&socket))?;
    if from.is_ipv4() == to.is_ipv4() && !from.is_unspecified() {
        socket.bind(&SocketAddr::new(from, 0).into())?;
    }
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// From our own address where it has the family, else from any.
fn connect_from(own: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    connect(own, to).or_else(|_| connect(any_of_family(own), to))
}

fn prepare(socket: socket2::SockRef<'_>) -> io::Result<()> {
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(20));
    socket.set_tcp_keepalive(&keepalive.with_retries(3))?;
    socket.set_tcp_user_timeout(Some(Duration::from_secs(60)))?;
    socket.set_tcp_nodelay(true)?;
    // Marking is a wish, and which of the two works depends on the family.
    let _ = socket.set_tos_v4(DSCP_CS3).or_else(|_| socket.set_tclass_v6(DSCP_CS3));
    Ok(())
}

#[cfg(test)]
mod tests;
