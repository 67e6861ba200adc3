//! The thread that finds and secures the ways to browsers: it owns the one UDP socket at which all of them knock.
//!
//! Checks and handshakes are its work, so that neither a flood of the ones nor the arithmetic of the others is ever in the way of audio.
//! As soon as a way is secured, a socket of its own, bound to the same port and connected with the browser, goes to the media
//! thread of the call: from then on the kernel tells the browsers' audio apart, in batches. What arrives there and is no audio comes back
//! here, as does what arrives there by mistake: between `bind` and `connect` the new socket is anybody's.
//!
//! Browsers that cannot use UDP come over TCP: another thread has their connections, and brings and takes what is no audio.

pub mod counters;
pub mod socket;
pub mod stray;

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use ::webrtc::{Agent, Connection, HandOver, Identity, Path};
use anyhow::{Context, Result};
use media::Lane;
use media::webrtc::Command;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use pbx::Settings;
use pbx::settings::Webrtc;

use crate::clock::Clock;
use crate::limits;
use crate::media_thread::{self, Report};
use crate::queue::{Bell, Queue};
use crate::udp_batch::{Outgoing, Receiver, Sender};
use crate::webrtc_tcp_thread::{self, WebrtcTcpThread};
use counters::Counters;
use stray::Stray;

const BELL: Token = Token(0);
const SOCKET: Token = Token(1);

/// What the thread is told.
#[derive(Debug)]
pub enum Order {
    /// By the exchange, about a stream of this media thread.
    Command(Lane, Command),
    /// This TCP connection is gone.
    Gone(Connection),
    /// End, after everything before it.
    Stop,
}

/// A way to a browser, for the media thread that carries the audio.
#[derive(Debug)]
pub struct Adoption {
    /// Connected with the browser, or with who carries its audio over TCP: what is sent needs no address.
    pub socket: OwnedFd,
    /// From where to where.
    pub path: Path,
}

/// A thread to be: its socket is bound.
pub struct Knocking {
    socket: UdpSocket,
    address: SocketAddr,
    identity: Identity,
    tcp: Option<webrtc_tcp_thread::Waiting>,
    poll: Poll,
    bell: Arc<Bell>,
}

/// What it needs of the rest of the process.
pub struct Surroundings {
    /// The time.
    pub clock: Clock,
    /// What the media threads are told, one queue for each.
    pub media: Vec<Queue<media_thread::Order>>,
    /// Where it tells what it has to.
    pub reports: Queue<Report>,
    /// What media threads heard that is none of theirs.
    pub strays: Queue<Stray>,
}

/// The thread, seen from the others.
#[derive(Debug)]
pub struct WebrtcThread {
    /// Where its orders go in.
    pub orders: Queue<Order>,
    /// What it counts.
    pub counters: Arc<Counters>,
    /// Who carries what comes over TCP.
    pub tcp: Option<WebrtcTcpThread>,
    thread: JoinHandle<()>,
}

impl Knocking {
    /// Binds the socket and makes a certificate, where browsers are wanted at all, and adds to the settings where they find us: by UDP at
    /// `wanted`, by TCP where there is HTTPS.
    pub fn prepare(
        (wanted, https): (Option<SocketAddr>, Option<SocketAddr>),
        settings: Settings,
        clock: Clock,
    ) -> Result<(Settings, Option<Knocking>)> {
        let Some(wanted) = wanted else { return Ok((settings, None)) };
        let socket = socket::bind_first(wanted).with_context(|| format!("cannot bind UDP {wanted} for browsers"))?;
        let address = socket.local_addr().context("a bound socket has an address")?;
        let base = Instant::now().checked_sub(clock.now()).context("the clock is younger than the process")?;
        let identity = Identity::new(certificate()?, base).context("no handshake is possible")?;
        let poll = Poll::new().context("cannot make an epoll instance")?;
        let bell = Bell::new(Waker::new(poll.registry(), BELL).context("cannot make an eventfd")?);
        let tcp = webrtc_tcp_thread::Waiting::prepare(https, address)?;
        let (addresses, fingerprint) = (socket::own_addresses(), identity.fingerprint());
        let over_tcp = tcp.as_ref().map(webrtc_tcp_thread::Waiting::address);
        tracing::info!(%address, tcp = ?over_tcp, "browsers find us");
        let webrtc = Some(Webrtc { address, addresses, tcp: over_tcp, fingerprint });
        Ok((Settings { webrtc, ..settings }, Some(Knocking { socket, address, identity, tcp, poll, bell })))
    }

    /// Where others bring what is none of theirs.
    pub fn strays(&self) -> Queue<Stray> {
        Queue::new(limits::WEBRTC_STRAYS, self.bell.clone())
    }

    /// Starts the thread.
    pub fn start(self, around: Surroundings) -> Result<WebrtcThread> {
        let framed = self.strays();
        let Knocking { socket, address, identity, tcp, poll, bell } = self;
        let orders = Queue::new(limits::MEDIA_COMMANDS, bell.clone());
        let (clock, strays, gone) = (around.clock, framed.clone(), orders.clone());
        let tcp = tcp.map(|tcp| tcp.start(webrtc_tcp_thread::Surroundings { clock, strays, gone })).transpose()?;
        let counters = Arc::new(Counters::default());
        poll.registry()
            .register(&mut SourceFd(&socket.as_raw_fd()), SOCKET, Interest::READABLE)
            .context("cannot watch a UDP socket")?;
        let run = Run {
            agent: Agent::new(identity),
            lanes: rustc_hash::FxHashMap::default(),
            receiver: Receiver::new(limits::WEBRTC_BATCH, ::webrtc::limits::DATAGRAM, address.ip().is_unspecified()),
            sender: Sender::new(limits::WEBRTC_BATCH),
            socket,
            address,
            poll,
            bell,
            orders: orders.clone(),
            tcp: tcp.as_ref().map(|tcp| tcp.orders.clone()),
            framed,
            counters: counters.clone(),
            around,
            readable: true,
            stopping: false,
        };
        let thread = std::thread::Builder::new()
            .name("webrtc".into())
            .spawn(move || run.run())
            .context("cannot start the thread for browsers")?;
        Ok(WebrtcThread { orders, counters, tcp, thread })
    }
}

impl WebrtcThread {
    /// Ends the thread after what was ordered before, and the one beside it.
    pub fn stop(self) {
        self.orders.push_always(Order::Stop);
        self.orders.ring();
        if self.thread.join().is_err() {
            tracing::error!("the thread for browsers panicked");
        }
        self.tcp.into_iter().for_each(WebrtcTcpThread::stop);
    }
}

/// The thread's own values.
struct Run {
    agent: Agent,
    // The media thread of each stream.
    lanes: rustc_hash::FxHashMap<media::StreamId, Lane>,
    socket: UdpSocket,
    address: SocketAddr,
    receiver: Receiver,
    sender: Sender,
    poll: Poll,
    bell: Arc<Bell>,
    orders: Queue<Order>,
    // Who carries what comes over TCP, and what it brings.
    tcp: Option<Queue<webrtc_tcp_thread::Order>>,
    framed: Queue<Stray>,
    counters: Arc<Counters>,
    around: Surroundings,
    // The poll is edge-triggered: it says once that there is something.
    readable: bool,
    stopping: bool,
}

impl Run {
    /// The loop, in this order of priority: what is due, orders, what came by other ways, one batch of datagrams.
    fn run(mut self) {
        let mut ready = Events::with_capacity(16);
        let (mut orders, mut strays) = (VecDeque::new(), VecDeque::new());
        while !self.stopping {
            let now = self.around.clock.now();
            let idle = self.agent.poll_timeout().map(|at| at.saturating_sub(now));
            let timeout = if self.readable { Some(std::time::Duration::ZERO) } else { idle };
            if let Err(error) = self.poll.poll(&mut ready, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the thread for browsers cannot wait");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            self.readable |= ready.iter().any(|event| event.token() == SOCKET);
            let now = self.around.clock.now();
            if self.agent.poll_timeout().is_some_and(|at| at <= now) {
                self.agent.handle_timeout(now);
            }
            if self.bell.answer() {
                self.orders.take(&mut orders);
                orders.drain(..).for_each(|order| self.obey(now, order));
                for queue in [&self.around.strays, &self.framed] {
                    queue.take(&mut strays);
                    for Stray { path, len, octets } in strays.drain(..) {
                        self.agent.handle_datagram(now, path, &octets[..usize::from(len)]);
                    }
                }
            }
            if self.readable {
                self.receive(now);
            }
            self.drain();
        }
    }

    fn obey(&mut self, now: media::Time, order: Order) {
        match order {
            Order::Command(lane, command) => {
                match &command {
                    Command::Expect { stream, .. } => drop(self.lanes.insert(*stream, lane)),
                    Command::Close { stream } => drop(self.lanes.remove(stream)),
                    Command::Agree { .. } => {}
                }
                self.agent.handle_command(now, command);
                self.drain();
            }
            Order::Gone(connection) => self.agent.handle_closed(connection),
            Order::Stop => self.stopping = true,
        }
    }

    fn receive(&mut self, now: media::Time) {
        let count = match self.receiver.receive(&self.socket) {
            Ok(count) => count,
            // A pending ICMP error is reported once and says nothing about what waits.
            Err(error) => return tracing::debug!(%error, "cannot receive of browsers"),
        };
        self.readable = count == self.receiver.slots();
        for slot in 0..count {
            let Some(from) = self.receiver.source(slot).filter(|_| !self.receiver.truncated(slot)) else { continue };
            let at = self.receiver.destination(slot).unwrap_or(self.address.ip());
            let path = Path::udp(SocketAddr::new(at, self.address.port()), from);
            self.agent.handle_datagram(now, path, self.receiver.octets(slot));
        }
    }

    /// Carries everything that came of it to where it belongs.
    fn drain(&mut self) {
        let wildcard = self.address.ip().is_unspecified();
        while let Some(transmit) = self.agent.poll_transmit() {
            if let Some(connection) = transmit.path.connection {
                self.order_tcp(webrtc_tcp_thread::Order::Send(connection, transmit.octets));
                continue;
            }
            let (to, from) = (transmit.path.remote, transmit.path.local.ip());
            let outgoing = Outgoing { to: Some(to), from: wildcard.then_some(from), octets: &transmit.octets };
            if let Err(error) = self.sender.send(&self.socket, std::iter::once(outgoing)) {
                tracing::debug!(%error, %to, "cannot send to a browser");
            }
        }
        while let Some(hand_over) = self.agent.poll_hand_over() {
            self.hand_over(hand_over);
        }
        let mut told = false;
        while let Some(event) = self.agent.poll_event() {
            told = true;
            self.around.reports.push_always(Report::Webrtc(event));
        }
        if told {
            self.around.reports.ring();
        }
        self.counters.set(self.agent.counters());
    }

    fn hand_over(&mut self, HandOver { stream, path, keys }: HandOver) {
        let media = self.lanes.get(&stream).and_then(|lane| self.around.media.get(usize::from(lane.0)));
        let Some(media) = media else { return };
        match self.connect(path) {
            Ok(socket) => {
                let adoption = Adoption { socket, path };
                media.push_always(media_thread::Order::Adopt(stream, adoption, Box::new(keys)));
                media.ring();
            }
            // The browser hears nothing and goes away, or its next move does better.
            Err(error) => tracing::warn!(%error, remote = %path.remote, "cannot make a socket for a browser"),
        }
    }

    /// What the audio of a path goes over.
    fn connect(&self, path: Path) -> io::Result<OwnedFd> {
        let Some(connection) = path.connection else { return socket::connect(path).map(OwnedFd::from) };
        let (ours, theirs) = socket::pair()?;
        self.order_tcp(webrtc_tcp_thread::Order::Carry(connection, theirs));
        Ok(ours.into())
    }

    /// What there is no room for is lost, and sent again by who needs it.
    fn order_tcp(&self, order: webrtc_tcp_thread::Order) {
        let Some(tcp) = &self.tcp else { return };
        if tcp.push(order).is_err() {
            tracing::debug!("the thread for browsers without UDP is behind");
        }
        tcp.ring();
    }
}

/// A certificate that nobody has to know: its fingerprint goes with each description. A new one at each start tells nobody that it is the same box.
fn certificate() -> Result<(Vec<u8>, Vec<u8>)> {
    let pair = rcgen::KeyPair::generate().context("cannot make a key")?;
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "tandem");
    (parameters.not_before, parameters.not_after) =
        (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2050, 1, 1));
    let made = parameters.self_signed(&pair).context("cannot make a certificate")?;
    Ok((made.der().to_vec(), pair.serialize_der()))
}
