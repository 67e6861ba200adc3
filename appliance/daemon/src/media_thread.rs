//! A media thread: owns an engine and its sockets, and does nothing but carry packets between the two.

pub mod sockets;
pub mod workers;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use media::srtp::Keys;
use media::{Command, Engine, Event, Forward, Lane, Socket, StreamId};
use mio::{Events, Poll, Token, Waker};
use pbx::ports::{PortOrder, PortReport};
use webrtc::Path;

use crate::clock::{self, Clock, WallClock};
use crate::limits;
use crate::media_threads::partials::Partials;
use crate::queue::{Bell, Queue};
use crate::udp_batch::{Outgoing, Receiver, Sender, send_one};
use crate::webrtc_thread::Adoption;
use crate::webrtc_thread::stray::Stray;
use sockets::{Exit, Readable, Sockets};
use workers::{Desk, Workers};

/// The token of the bell; sockets have the numbers from 0.
const BELL: Token = Token(usize::MAX);

/// What the exchange asks of the thread.
#[derive(Debug)]
pub enum Order {
    /// For the engine.
    Command(Command),
    /// For the sockets.
    Port(PortOrder),
    /// Audio of a browser takes this way from now on, encrypted by these keys.
    Adopt(StreamId, Adoption, Box<Keys>),
    /// End, after everything before it.
    Stop,
}

/// What the exchange hears of the thread.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// From the engine.
    Event(Event),
    /// From the sockets.
    Port(PortReport),
    /// From the thread that finds browsers.
    Webrtc(media::webrtc::Event),
}

/// What the media thread counted, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counters {
    /// RTP and RTCP packets that arrived.
    pub received: AtomicU64,
    /// RTP and RTCP packets that left.
    pub sent: AtomicU64,
    /// Packets that the kernel did not take.
    pub send_errors: AtomicU64,
    /// Packets for ports of ended calls.
    pub late: AtomicU64,
    /// Streams with sockets.
    pub streams: AtomicU64,
    /// Socket pairs kept bound for later.
    pub parked: AtomicU64,
    /// What browsers said that is no audio, and that nobody had time for.
    pub strays_lost: AtomicU64,
}

/// What wakes a media thread that does not run yet: those who work for it need it first.
#[derive(Debug)]
pub struct Waiting {
    poll: Poll,
    bell: Arc<Bell>,
}

impl Waiting {
    /// A thread to be.
    pub fn new() -> Result<Waiting> {
        let poll = Poll::new().context("cannot make an epoll instance")?;
        let bell = Bell::new(Waker::new(poll.registry(), BELL).context("cannot make an eventfd")?);
        Ok(Waiting { poll, bell })
    }

    /// A queue that wakes the thread to be.
    pub fn queue<T>(&self, capacity: usize) -> Queue<T> {
        Queue::new(capacity, self.bell.clone())
    }
}

/// What a media thread needs of the rest of the process.
#[derive(Debug)]
pub struct Surroundings {
    /// Which of the media threads it is.
    pub lane: Lane,
    /// Where its streams are bound.
    pub address: IpAddr,
    /// The time.
    pub clock: Clock,
    /// Where it tells what it has to.
    pub reports: Queue<Report>,
    /// Who reads and writes sound for it.
    pub workers: Workers,
    /// The ways to and from the other media threads.
    pub partials: Partials,
    /// Where what browsers say goes that is no audio, if there can be browsers.
    pub strays: Option<Queue<Stray>>,
}

/// A media thread that runs, seen from the others.
#[derive(Debug)]
pub struct MediaThread {
    /// Where its orders go in.
    pub orders: Queue<Order>,
    /// What it counts.
    pub counters: Arc<Counters>,
    thread: JoinHandle<()>,
}

impl MediaThread {
    /// Starts the thread.
    pub fn start(waiting: Waiting, config: media::Config, around: Surroundings) -> Result<MediaThread> {
        let orders = waiting.queue(limits::MEDIA_COMMANDS);
        let (Waiting { poll, bell }, clock) = (waiting, around.clock);
        let counters = Arc::new(Counters::default());
        let now = clock.now();
        let mut engine = Engine::new(config, clock::seed().context("the kernel gives no randomness")?);
        engine.handle_clock(now, clock::unix());
        let run = Run {
            clock,
            wall: WallClock::new(now, clock::unix()),
            watch_at: now + WallClock::WATCH,
            poll,
            bell,
            engine,
            sockets: Sockets::new(around.address),
            orders: orders.clone(),
            reports: around.reports,
            desk: Desk::new(around.workers),
            partials: around.partials,
            strays: around.strays,
            strayed: false,
            told: false,
            receiver: Receiver::new(limits::RTP_BATCH, media::limits::PACKET, false),
            sender: Sender::new(limits::RTP_BATCH),
            counters: counters.clone(),
            packet: vec![0; media::limits::AUDIO_PACKET].into(),
            unread: Vec::new(),
            stopping: false,
        };
        let thread = std::thread::Builder::new()
            .name(format!("media-{}", around.lane.0))
            .stack_size(256 * 1_024)
            .spawn(move || run.run())
            .context("cannot start the media thread")?;
        Ok(MediaThread { orders, counters, thread })
    }

    /// Ends the thread after what was ordered before.
    pub fn stop(self) {
        self.orders.push_always(Order::Stop);
        self.orders.ring();
        if self.thread.join().is_err() {
            tracing::error!("the media thread panicked");
        }
    }
}

/// The thread's own values.
struct Run {
    clock: Clock,
    wall: WallClock,
    // When to look at the wall clock again.
    watch_at: Duration,
    poll: Poll,
    bell: Arc<Bell>,
    engine: Engine,
    sockets: Sockets,
    orders: Queue<Order>,
    reports: Queue<Report>,
    desk: Desk,
    partials: Partials,
    strays: Option<Queue<Stray>>,
    // Whether there are some whose reader was not woken for them yet.
    strayed: bool,
    // Whether there are reports that the reader was not woken for yet.
    told: bool,
    receiver: Receiver,
    sender: Sender,
    counters: Arc<Counters>,
    // Where the engine makes its packets.
    packet: Box<[u8]>,
    // Sockets that had more than one batch and would not be reported again (the poll is edge-triggered).
    unread: Vec<Token>,
    stopping: bool,
}

impl Run {
    /// The loop, in this order of priority: packets, what the engine wants to say, orders, timers.
    fn run(mut self) {
        prefer_this_thread();
        let mut ready = Events::with_capacity(512);
        let mut orders = VecDeque::new();
        while !self.stopping {
            let timeout = self.sleep_for();
            if let Err(error) = self.poll.poll(&mut ready, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the media thread cannot wait for packets");
                std::thread::sleep(Duration::from_millis(10));
            }
            // One look at the clock for all that woke us: it is closer than any jitter that is measured.
            let now = self.clock.now();
            for token in std::mem::take(&mut self.unread) {
                self.serve(now, token);
            }
            for event in &ready {
                if event.token() != BELL {
                    self.serve(now, event.token());
                }
            }
            if self.bell.answer() {
                self.orders.take(&mut orders);
                for order in orders.drain(..) {
                    self.obey(order);
                }
                self.desk.deliver(now, &mut self.engine);
            }
            if self.engine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                self.partials.hear(now, &mut self.engine);
                self.engine.handle_timeout(now);
            }
            self.drain();
            self.desk.ring();
            if let (true, Some(strays)) = (std::mem::take(&mut self.strayed), &self.strays) {
                strays.ring();
            }
            if std::mem::take(&mut self.told) {
                self.reports.ring();
            }
        }
    }

    fn sleep_for(&mut self) -> Option<Duration> {
        let now = self.clock.now();
        if now >= self.watch_at {
            self.watch_at = now + WallClock::WATCH;
            let unix = clock::unix();
            if self.wall.observe(now, unix) {
                self.engine.handle_clock(now, unix);
            }
        }
        if !self.unread.is_empty() {
            return Some(Duration::ZERO);
        }
        let engine = self.engine.poll_timeout().map(|deadline| deadline.at);
        let (streams, parked_now) = self.sockets.counts();
        self.counters.streams.store(streams as u64, Ordering::Relaxed);
        self.counters.parked.store(parked_now as u64, Ordering::Relaxed);
        engine.into_iter().chain(Some(self.watch_at)).min().map(|at| at.saturating_sub(now))
    }

    /// Carries one batch from one socket to where the engine says.
    fn serve(&mut self, now: Duration, token: Token) {
        let Some(readable) = self.sockets.readable(token) else { return };
        let (at, socket) = match readable {
            Readable::Stream(at, socket) => (at, socket),
            Readable::Browser(at, adopted) => return self.serve_browser(now, token, at, adopted.path),
            Readable::Parked(socket) => {
                let count = self.receiver.receive(socket).unwrap_or(0);
                self.counters.late.fetch_add(count as u64, Ordering::Relaxed);
                if count == self.receiver.slots() {
                    self.unread.push(token);
                }
                return;
            }
        };
        let count = match self.receiver.receive(socket) {
            Ok(count) => count,
            Err(error) => {
                tracing::debug!(%error, ?at, "cannot receive");
                return;
            }
        };
        if count == self.receiver.slots() {
            self.unread.push(token);
        }
        add(&self.counters.received, count);
        let mut forwards = [None; limits::RTP_BATCH];
        for (slot, forward) in forwards.iter_mut().enumerate().take(count) {
            let Some(from) = self.receiver.source(slot).filter(|_| !self.receiver.truncated(slot)) else { continue };
            *forward = self.engine.handle_packet(now, at, from, self.receiver.datagram(slot));
        }
        self.forward(&forwards[..count]);
    }

    /// The same where the phone is a browser: what is no audio, or not from it, is for the thread that finds browsers.
    fn serve_browser(&mut self, now: Duration, token: Token, at: Socket, path: Path) {
        let Some(socket) = self.sockets.get(at) else { return };
        let Ok(count) = self.receiver.receive(&socket) else { return };
        if count == self.receiver.slots() {
            self.unread.push(token);
        }
        let mut forwards = [None; limits::RTP_BATCH];
        let mut heard = 0;
        for (slot, forward) in forwards.iter_mut().enumerate().take(count) {
            // What a TCP connection brings is from nobody else.
            let source = path.connection.map_or_else(|| self.receiver.source(slot), |_| Some(path.remote));
            let Some(from) = source.filter(|_| !self.receiver.truncated(slot)) else { continue };
            // RFC 7983 §7
            let is_audio = self.receiver.octets(slot).first().is_some_and(|first| (128..192).contains(first));
            if is_audio && from == path.remote {
                heard += 1;
                *forward = self.engine.handle_packet(now, at, from, self.receiver.datagram(slot));
                continue;
            }
            let stray = Stray::new(Path { remote: from, ..path }, self.receiver.octets(slot));
            if let (Some(strays), Some(stray)) = (&self.strays, stray) {
                let lost = strays.push(stray).is_err();
                self.counters.strays_lost.fetch_add(u64::from(lost), Ordering::Relaxed);
                self.strayed = true;
            }
        }
        add(&self.counters.received, heard);
        self.forward(&forwards[..count]);
    }

    fn adopt(&mut self, now: Duration, stream: StreamId, adoption: Adoption, keys: Box<Keys>) {
        let remote = adoption.path.remote;
        match self.sockets.adopt(self.poll.registry(), stream, adoption) {
            Ok(()) => self.engine.handle_command(now, Command::Secure { stream, remote, keys }),
            // The call was over before its handshake was.
            Err(error) => tracing::debug!(%error, ?stream, "no stream for a browser"),
        }
    }

    /// Sends rewritten packets on, those in a row for the same socket with one call.
    fn forward(&mut self, forwards: &[Option<Forward>]) {
        let mut slot = 0;
        while slot < forwards.len() {
            let Some(first) = forwards[slot] else {
                slot += 1;
                continue;
            };
            let same = |forward: &&Option<Forward>| forward.is_some_and(|forward| forward.at == first.at);
            let run = forwards[slot..].iter().take_while(same).count();
            let result = match self.sockets.get(first.at) {
                None => Ok(0),
                Some(exit) if run == 1 => {
                    send_one(&exit, exit.address(first.to), self.receiver.first(slot, first.len)).map(|()| 1)
                }
                Some(exit) => send_run(&mut self.sender, exit, (&self.receiver, slot), &forwards[slot..slot + run]),
            };
            self.count_sent(first.at, run, result);
            slot += run;
        }
    }

    fn count_sent(&self, at: Socket, wanted: usize, result: io::Result<usize>) {
        let sent = result.unwrap_or_else(|error| {
            tracing::trace!(%error, ?at, "cannot send");
            0
        });
        add(&self.counters.sent, sent);
        if sent < wanted {
            add(&self.counters.send_errors, wanted - sent);
        }
    }

    fn obey(&mut self, order: Order) {
        let now = self.clock.now();
        match order {
            Order::Command(Command::Open { stream, port }) => self.open(now, stream, port),
            Order::Command(command @ Command::Play { .. }) => self.desk.play(now, &mut self.engine, command),
            Order::Command(command) => self.engine.handle_command(now, command),
            Order::Port(PortOrder::Bind(port)) => {
                let report = self.sockets.bind(self.poll.registry(), port);
                self.report(Report::Port(report));
            }
            Order::Port(PortOrder::Release(port)) => self.sockets.release(port),
            Order::Adopt(stream, adoption, keys) => self.adopt(now, stream, adoption, keys),
            Order::Stop => self.stopping = true,
        }
        // An engine that is asked for much at once has bounded room for what it answers.
        self.drain();
    }

    fn open(&mut self, now: Duration, stream: StreamId, port: u16) {
        match self.sockets.open(self.poll.registry(), stream, port, &mut self.receiver) {
            Ok(()) => {
                self.engine.handle_command(now, Command::Open { stream, port });
                self.report(Report::Event(Event::Opened { stream }));
            }
            Err(error) => {
                tracing::warn!(%error, port, "cannot open a stream");
                self.report(Report::Event(Event::OpenFailed { stream, reason: error.to_string() }));
            }
        }
    }

    /// Fetches everything that the engine has to send and to say.
    fn drain(&mut self) {
        self.partials.tell(&mut self.engine);
        while let Some(forward) = self.engine.poll_audio(&mut self.packet) {
            let result = match self.sockets.get(forward.at) {
                Some(exit) => send_one(&exit, exit.address(forward.to), &self.packet[..forward.len]).map(|()| 1),
                None => Ok(0),
            };
            self.count_sent(forward.at, 1, result);
        }
        while let Some(packet) = self.engine.poll_transmit() {
            let result = match self.sockets.get(packet.at) {
                Some(exit) => send_one(&exit, exit.address(packet.to), packet.packet()).map(|()| 1),
                None => Ok(0),
            };
            self.count_sent(packet.at, 1, result);
        }
        while let Some(parcel) = self.engine.poll_parcel() {
            self.desk.carry(parcel);
        }
        while let Some(event) = self.engine.poll_event() {
            self.desk.observe(&event);
            if let Event::Closed { stream, .. } | Event::OpenFailed { stream, .. } = event {
                self.sockets.close(stream);
            }
            self.report(Report::Event(event));
        }
    }

    /// Tells the exchange. The end of a stream is never lost; what packets cause is, beyond the limit.
    fn report(&mut self, report: Report) {
        self.told = true;
        match report {
            Report::Port(_)
            | Report::Event(
                Event::Opened { .. } | Event::OpenFailed { .. } | Event::Closed { .. } | Event::RecordingEnded { .. },
            ) => {
                self.reports.push_always(report);
            }
            report => {
                if self.reports.push(report).is_err() {
                    tracing::error!("the signalling thread is behind: an event of the media engine is lost");
                }
            }
        }
    }
}

/// Sends `run`, whose packets stand in the receiver from `slot` on, out of one socket.
fn send_run(
    sender: &mut Sender,
    exit: Exit<'_>,
    (receiver, slot): (&Receiver, usize),
    run: &[Option<Forward>],
) -> io::Result<usize> {
    let packets = run.iter().flatten().enumerate().map(|(index, forward)| Outgoing {
        to: exit.address(forward.to),
        from: None,
        octets: receiver.first(slot + index, forward.len),
    });
    sender.send(&exit, packets)
}

fn add(counter: &AtomicU64, count: usize) {
    // Only this thread writes, so that a load and a store do.
    counter.store(counter.load(Ordering::Relaxed) + count as u64, Ordering::Relaxed);
}

/// Asks for real-time priority, so that audio does not wait for a commit or a web page.
fn prefer_this_thread() {
    // What one of them is refused, all are.
    static SAID: Once = Once::new();
    let parameters = libc::sched_param { sched_priority: 20 };
    // SAFETY: 0 is the calling thread, and the structure outlives the call.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &parameters) } != 0 {
        let error = io::Error::last_os_error();
        SAID.call_once(|| tracing::info!(%error, "the media threads run without real-time priority"));
    }
}

#[cfg(test)]
mod tests;
