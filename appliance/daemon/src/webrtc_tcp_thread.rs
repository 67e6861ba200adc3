//! The thread that carries what browsers send over TCP (RFC 6544), where nothing else gets through: each connection is a row of datagrams with
//! their lengths before them (RFC 4571).
//!
//! Checks and handshakes go to the thread that finds browsers, and its answers come back here; audio goes to the media thread and comes from it by a
//! pair of sockets that knows datagrams, as if it were a UDP socket connected with the browser. Nothing waits for a peer who reads
//! slowly: what his connection does not take at once is lost, as on a bad network, and counted.

mod connection;
mod counters;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ::webrtc::Connection as Name;
use anyhow::{Context, Result};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use rustc_hash::FxHashMap;

use crate::clock::Clock;
use crate::limits;
use crate::queue::{Bell, Queue};
use crate::webrtc_thread;
use crate::webrtc_thread::stray::Stray;
use connection::{Connection, Cut};
pub use counters::Counters;

const BELL: Token = Token(0);
const LISTENER: Token = Token(1);

/// What the thread is told.
#[derive(Debug)]
pub enum Order {
    /// By who accepts connections: this one begins as no TLS does.
    Take(TcpStream),
    /// By who finds browsers: to be sent over this connection.
    Send(Name, Vec<u8>),
    /// By the same: the audio of this connection goes to the other end of this.
    Carry(Name, UnixDatagram),
    /// End, after everything before it.
    Stop,
}

/// A thread to be.
pub struct Waiting {
    listener: Option<TcpListener>,
    address: SocketAddr,
    poll: Poll,
    bell: Arc<Bell>,
}

/// What it needs of the rest of the process.
pub struct Surroundings {
    /// The time.
    pub clock: Clock,
    /// Where it brings what is no audio.
    pub strays: Queue<Stray>,
    /// Where it says which connections are gone.
    pub gone: Queue<webrtc_thread::Order>,
}

/// The thread, seen from the others.
#[derive(Debug)]
pub struct WebrtcTcpThread {
    /// Where its orders go in.
    pub orders: Queue<Order>,
    /// What it counts.
    pub counters: Arc<Counters>,
    thread: JoinHandle<()>,
}

impl Waiting {
    /// Connections come from the HTTPS server at this address, or, where there is none, to a port of our own: TCP at the number that UDP has.
    /// `None`: that is in other hands, and browsers come by UDP only.
    pub fn prepare(https: Option<SocketAddr>, udp: SocketAddr) -> Result<Option<Waiting>> {
        let listener = match https.map_or_else(|| listen(udp).map(Some), |_| Ok(None)) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(%error, "TCP {udp} is not ours: browsers that cannot use UDP do not get through");
                return Ok(None);
            }
        };
        let poll = Poll::new().context("cannot make an epoll instance")?;
        let bell = Bell::new(Waker::new(poll.registry(), BELL).context("cannot make an eventfd")?);
        Ok(Some(Waiting { listener, address: https.unwrap_or(udp), poll, bell }))
    }

    /// Where browsers are to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts the thread.
    pub fn start(self, around: Surroundings) -> Result<WebrtcTcpThread> {
        let Waiting { listener, poll, bell, .. } = self;
        let orders = Queue::new(limits::WEBRTC_TCP_ORDERS, bell.clone());
        let counters = Arc::new(Counters::default());
        if let Some(listener) = &listener {
            let mut source = SourceFd(&listener.as_raw_fd());
            poll.registry().register(&mut source, LISTENER, Interest::READABLE).context("cannot watch a listener")?;
        }
        let run = Run {
            connections: FxHashMap::default(),
            next: 0,
            listener,
            poll,
            bell,
            orders: orders.clone(),
            counters: counters.clone(),
            around,
            scratch: vec![0; limits::CONNECTION_READ].into(),
            unread: Vec::new(),
            told: false,
            stopping: false,
        };
        let thread = std::thread::Builder::new()
            .name("webrtc-tcp".into())
            .stack_size(256 * 1_024)
            .spawn(move || run.run())
            .context("cannot start the thread for browsers without UDP")?;
        Ok(WebrtcTcpThread { orders, counters, thread })
    }
}

impl WebrtcTcpThread {
    /// Ends the thread after what was ordered before.
    pub fn stop(self) {
        self.orders.push_always(Order::Stop);
        self.orders.ring();
        if self.thread.join().is_err() {
            tracing::error!("the thread for browsers without UDP panicked");
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The two sockets of a connection.
fn tokens(name: Name) -> (Token, Token) {
    let first = 2 + 2 * name.0 as usize;
    (Token(first), Token(first + 1))
}

/// The thread's own values.
struct Run {
    connections: FxHashMap<Name, Connection>,
    // The number of the next connection.
    next: u32,
    listener: Option<TcpListener>,
    poll: Poll,
    bell: Arc<Bell>,
    orders: Queue<Order>,
    counters: Arc<Counters>,
    around: Surroundings,
    // What was read last.
    scratch: Box<[u8]>,
    // Connections that had more than their turn and would not be reported again (the poll is edge-triggered).
    unread: Vec<Name>,
    // Whether there is something for which nobody was woken yet.
    told: bool,
    stopping: bool,
}

impl Run {
    fn run(mut self) {
        let mut ready = Events::with_capacity(256);
        let mut orders = VecDeque::new();
        let mut sweep_at = Duration::ZERO;
        while !self.stopping {
            let now = self.around.clock.now();
            let idle = (!self.connections.is_empty()).then(|| sweep_at.saturating_sub(now));
            let timeout = if self.unread.is_empty() { idle } else { Some(Duration::ZERO) };
            if let Err(error) = self.poll.poll(&mut ready, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the thread for browsers without UDP cannot wait");
                std::thread::sleep(Duration::from_millis(10));
            }
            let now = self.around.clock.now();
            for name in std::mem::take(&mut self.unread) {
                self.read(now, name);
            }
            for event in &ready {
                match event.token() {
                    BELL => {}
                    LISTENER => self.accept(now),
                    token => self.serve(now, token),
                }
            }
            if self.bell.answer() {
                self.orders.take(&mut orders);
                orders.drain(..).for_each(|order| self.obey(now, order));
            }
            if sweep_at <= now {
                sweep_at = now + limits::WEBRTC_TCP_SWEEP;
                self.sweep(now);
            }
            if std::mem::take(&mut self.told) {
                self.around.strays.ring();
            }
        }
    }

    fn obey(&mut self, now: Duration, order: Order) {
        match order {
            Order::Take(stream) => self.take(now, stream),
            Order::Send(name, octets) => {
                let Some(connection) = self.connections.get_mut(&name) else { return };
                // Only who has proved that it knows a call is answered.
                connection.note_known();
                let sent = connection.send(&octets);
                self.settle(name, sent);
            }
            Order::Carry(name, audio) => {
                let Some(connection) = self.connections.get_mut(&name) else { return };
                if let Err(error) = connection.carry(self.poll.registry(), tokens(name).1, audio) {
                    self.cut(name, &Cut::Broken(error));
                }
            }
            Order::Stop => self.stopping = true,
        }
    }

    fn accept(&mut self, now: Duration) {
        loop {
            let accepted = self.listener.as_ref().map(TcpListener::accept);
            match accepted {
                Some(Ok((stream, _))) => self.take(now, stream),
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    // No descriptor is left, perhaps: whoever waits is seen with the next one.
                    return tracing::debug!(%error, "cannot accept a browser");
                }
                _ => return,
            }
        }
    }

    fn take(&mut self, now: Duration, stream: TcpStream) {
        let name = Name(self.next);
        // One who is gone already has no address.
        let Ok(connection) = Connection::new(now, stream, name) else { return };
        let source = connection.source();
        let of_same = self.connections.values().filter(|other| other.source() == source).count();
        if self.connections.len() >= limits::WEBRTC_TCP || of_same >= limits::WEBRTC_TCP_PER_SOURCE {
            self.counters.add(&self.counters.refused, 1);
            return;
        }
        if connection.watch(self.poll.registry(), tokens(name).0).is_err() {
            return;
        }
        self.next = self.next.wrapping_add(1);
        self.connections.insert(name, connection);
        self.counters.open(self.connections.len());
        // What came before it was watched is not reported.
        self.read(now, name);
    }

    fn serve(&mut self, now: Duration, token: Token) {
        let (name, is_audio) = (Name(((token.0 - 2) / 2) as u32), token.0 % 2 == 1);
        if is_audio {
            return self.carry_out(name);
        }
        if let Some(connection) = self.connections.get_mut(&name) {
            let flushed = connection.flush();
            self.settle(name, flushed);
        }
        self.read(now, name);
    }

    /// Brings what a browser sent to where it belongs.
    fn read(&mut self, now: Duration, name: Name) {
        let Some(connection) = self.connections.get_mut(&name) else { return };
        let (strays, counters) = (&self.around.strays, &self.counters);
        let (mut told, mut lost) = (false, 0);
        let outcome = connection.read(now, &mut self.scratch, |path, datagram| {
            let taken = Stray::new(path, datagram).is_some_and(|stray| strays.push(stray).is_ok());
            told |= taken;
            lost += u64::from(!taken);
        });
        self.told |= told;
        match outcome {
            Ok(intake) => {
                counters.add(&counters.lost, lost + intake.lost);
                counters.add(&counters.malformed, intake.malformed);
                if intake.is_more {
                    self.unread.push(name);
                }
            }
            Err(cut) => self.cut(name, &cut),
        }
    }

    /// Sends what the media thread has for a browser.
    fn carry_out(&mut self, name: Name) {
        let Some(connection) = self.connections.get_mut(&name) else { return };
        match connection.carry_out(&mut self.scratch) {
            Ok(lost) => self.counters.add(&self.counters.lost, lost),
            Err(cut) => self.cut(name, &cut),
        }
    }

    fn settle(&mut self, name: Name, sent: Result<bool, Cut>) {
        match sent {
            Ok(taken) => self.counters.add(&self.counters.lost, u64::from(!taken)),
            Err(cut) => self.cut(name, &cut),
        }
    }

    fn sweep(&mut self, now: Duration) {
        let is_late = |connection: &&Connection| connection.deadline() <= now;
        let late: Vec<Name> = self.connections.values().filter(is_late).map(Connection::name).collect();
        late.into_iter().for_each(|name| self.cut(name, &Cut::Silent));
    }

    fn cut(&mut self, name: Name, why: &Cut) {
        let Some(connection) = self.connections.remove(&name) else { return };
        tracing::debug!(remote = %connection.source(), %why, "a browser's TCP connection is over");
        if !matches!(why, Cut::Closed | Cut::Broken(_)) {
            self.counters.add(&self.counters.cut, 1);
        }
        self.counters.open(self.connections.len());
        self.around.gone.push_always(webrtc_thread::Order::Gone(name));
        self.around.gone.ring();
        if self.connections.is_empty() {
            self.connections.shrink_to_fit();
        }
    }
}
