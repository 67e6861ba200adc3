//! The signalling thread: owns the exchange, and knows of SIP only how to carry it.

pub mod connection;
pub mod connections;
pub mod counters;
pub mod datagrams;
pub mod identity;
pub mod inbox;
pub mod websockets;
pub mod wire;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use mio::{Events, Poll, Token, Waker};
use pbx::call::CallRecord;
use pbx::errand::ErrandReport;
use pbx::names::{Question, Unresolved};
use pbx::{Command, EventKind, Input, Output, Pbx, Rejection, Reply, RequestId};
use rustc_hash::{FxHashMap, FxHashSet};
use rustls::ServerConfig;
use store::{Item, Timestamp};
use tokio::sync::mpsc::error::TrySendError;
use uuid::Uuid;

use crate::clock::{self, Clock, WallClock};
use crate::errand_threads::ErrandThreads;
use crate::filing::{Filing, Told};
use crate::ledger::{Answer, Ledger};
use crate::media_thread::Report;
use crate::media_threads::dispatcher::Dispatcher;
use crate::queue::{Bell, Queue};
use crate::{memory, name_thread, recording_thread, sip_sockets};
use connections::Connections;
use counters::{Counters, add};
use datagrams::Datagrams;
use inbox::{Arrival, Inbox};
use websockets::Websockets;

/// The token of the bell; UDP sockets, listeners and connections follow.
const BELL: Token = Token(0);

/// What others ask of the thread.
#[derive(Debug)]
pub enum Request {
    /// For the exchange.
    Command(Command, Answer),
    /// No new calls; say when the last one is over.
    Drain,
    /// Hang up what is still up, and say when it is done.
    Stop,
    /// A burst is over: give back what it needed.
    Rest,
    /// End now.
    Quit,
}

/// The sockets, bound before anything else runs.
#[derive(Debug)]
pub struct Sockets {
    poll: Poll,
    bell: Arc<Bell>,
    datagrams: Datagrams,
    connections: Connections,
    tls: Option<SocketAddr>,
}

impl Sockets {
    /// Binds UDP and TCP to the same address; port 0 lets the kernel choose one that both can have. TLS has one of its own, if
    /// it is wanted.
    pub fn bind(address: SocketAddr, tls: Option<(SocketAddr, Arc<ServerConfig>)>) -> Result<Sockets> {
        let poll = Poll::new().context("cannot make an epoll instance")?;
        let bell = Bell::new(Waker::new(poll.registry(), BELL).context("cannot make an eventfd")?);
        let first_id = clock::unix().as_micros() as u64;
        // What UDP is given another program may have for TCP.
        let attempts = if address.port() == 0 { crate::limits::PORT_CHOICES } else { 1 };
        let mut attempt = 1;
        let (mut datagrams, mut connections) = loop {
            let datagrams = Datagrams::bind(&datagrams::both_families(address))?;
            let chosen = SocketAddr::new(address.ip(), datagrams.address().port());
            let registry = poll.registry().try_clone().context("cannot share an epoll instance")?;
            match Connections::listen(registry, &datagrams::both_families(chosen), first_id) {
                Ok(connections) => break (datagrams, connections),
                Err(_) if attempt < attempts => attempt += 1,
                Err(error) => return Err(error),
            }
        };
        let tls = tls.map(|(address, config)| connections.listen_for_tls(address, &config)).transpose()?;
        let next = datagrams.register(poll.registry(), BELL.0 + 1)?;
        connections.register(next)?;
        Ok(Sockets { poll, bell, datagrams, connections, tls })
    }

    /// Where SIP is spoken.
    pub fn address(&self) -> SocketAddr {
        self.datagrams.address()
    }

    /// Where it is spoken over TLS.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls
    }

    /// A queue that wakes the thread to be.
    pub fn queue<T>(&self, capacity: usize) -> Queue<T> {
        Queue::new(capacity, self.bell.clone())
    }
}

/// What the thread shares with the others.
pub struct Surroundings {
    /// The time.
    pub clock: Clock,
    /// What the thread counts.
    pub counters: Arc<Counters>,
    /// What people and programs ask.
    pub requests: Queue<Request>,
    /// What the media thread reports.
    pub media_reports: Queue<Report>,
    /// What the media thread is told.
    pub media_orders: Dispatcher,
    /// What the recording thread reports.
    pub recording_reports: Queue<recording_thread::Report>,
    /// What names are asked.
    pub questions: tokio::sync::mpsc::Sender<pbx::names::Question>,
    /// Where names are.
    pub names: Queue<name_thread::Report>,
    /// What the recording thread is told.
    pub recording_orders: Queue<recording_thread::Order>,
    /// What browsers bring by WebSocket.
    pub websockets: Queue<websockets::Report>,
    /// What is counted of them.
    pub websocket_counters: Arc<sip_sockets::Counters>,
    /// What came of errands.
    pub errand_reports: Queue<ErrandReport>,
    /// Who runs them.
    pub errands: ErrandThreads,
    /// Called once when, after [`Request::Drain`], the last call is over.
    pub drained: Box<dyn FnMut() + Send>,
}

/// A signalling thread that runs.
#[derive(Debug)]
pub struct SignallingThread {
    thread: JoinHandle<()>,
    requests: Queue<Request>,
}

impl SignallingThread {
    /// Starts the thread.
    pub fn start(sockets: Sockets, pbx: Pbx, ledger: Ledger, around: Surroundings) -> Result<SignallingThread> {
        let requests = around.requests.clone();
        let run = Run {
            wall: WallClock::new(around.clock.now(), clock::unix()),
            poll: sockets.poll,
            bell: sockets.bell,
            datagrams: sockets.datagrams,
            connections: sockets.connections,
            pbx,
            ledger,
            around,
            filing: Filing::default(),
            ordered: false,
            websockets: Websockets::default(),
            inbox: Inbox::new(),
            answers: FxHashMap::default(),
            next_request: 0,
            incoming: FxHashSet::default(),
            rest: false,
            quit: false,
        };
        let thread = std::thread::Builder::new()
            .name("signalling".into())
            .spawn(move || run.run())
            .context("cannot start the signalling thread")?;
        Ok(SignallingThread { thread, requests })
    }

    /// Ends the thread; what it wanted remembered is on its way to the store then.
    pub fn quit(self) {
        self.requests.push_always(Request::Quit);
        self.requests.ring();
        if self.thread.join().is_err() {
            tracing::error!("the signalling thread panicked");
        }
    }
}

/// The thread's own values.
struct Run {
    around: Surroundings,
    wall: WallClock,
    poll: Poll,
    bell: Arc<Bell>,
    datagrams: Datagrams,
    connections: Connections,
    pbx: Pbx,
    ledger: Ledger,
    websockets: Websockets,
    inbox: Inbox,
    filing: Filing,
    // The media thread has orders that it was not woken for yet.
    ordered: bool,
    answers: FxHashMap<RequestId, Answer>,
    next_request: u64,
    // Legs that came in and are not over: what has to be hung up when we must stop.
    incoming: FxHashSet<Uuid>,
    // This thread has worked long enough.
    rest: bool,
    quit: bool,
}

impl Run {
    /// Works until the end, after each burst on another thread.
    fn run(mut self) {
        while !self.quit {
            self.rest = false;
            memory::on_fresh_thread("signalling", || self.work());
            self.datagrams.rest();
        }
        self.ledger.finish();
    }

    /// The loop. Every turn serves everybody once, in the order below, so that a flood of one kind delays the others by
    /// a batch and no more; what a step makes to be sent leaves before the next step.
    fn work(&mut self) {
        let mut ready = Events::with_capacity(256);
        let mut requests = VecDeque::new();
        let mut reports = VecDeque::new();
        let mut filed = VecDeque::new();
        let mut home = VecDeque::new();
        let (mut named, mut heard) = (VecDeque::new(), VecDeque::new());
        // What the exchange wanted before there was a thread: ports, above all.
        let now = self.around.clock.now();
        self.drain(now);
        self.flush(now);
        while !self.quit && !self.rest {
            let timeout = self.sleep_for();
            if let Err(error) = self.poll.poll(&mut ready, timeout)
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the signalling thread cannot wait for messages");
                std::thread::sleep(Duration::from_millis(10));
            }
            let now = self.around.clock.now();
            // Priority 1: timers.
            self.handle_timeout(now);
            // Priority 2: the media thread, and what people ask for.
            self.handle_ready(now, &ready);
            if self.bell.answer() {
                self.around.media_reports.take(&mut reports);
                for report in reports.drain(..) {
                    if let Report::Event(event) = &report {
                        self.around.media_orders.observe(event);
                    }
                    self.handle(
                        now,
                        match report {
                            Report::Event(event) => Input::Media(event),
                            Report::Port(report) => Input::Port(report),
                            Report::Webrtc(event) => Input::Webrtc(event),
                        },
                    );
                }
                self.around.recording_reports.take(&mut filed);
                for report in filed.drain(..) {
                    self.file(now, report);
                }
                self.around.errand_reports.take(&mut home);
                for report in home.drain(..) {
                    self.handle(now, Input::Errand(report));
                }
                self.hear_websockets(now, &mut heard);
                self.around.names.take(&mut named);
                for (question, answer) in named.drain(..) {
                    self.handle(now, Input::Resolved(question, answer));
                }
                self.around.requests.take(&mut requests);
                for request in requests.drain(..) {
                    self.handle_request(now, request);
                }
                self.flush(now);
            }
            // Priority 3: streams, a share of each.
            if self.connections.readable() {
                self.connections.receive(now, &mut self.inbox, &self.around.counters);
                self.flush(now);
            }
            // Priority 4: datagrams, a batch of each socket.
            if self.datagrams.readable() {
                self.datagrams.receive(&mut self.inbox, &self.around.counters);
                self.flush(now);
            }
        }
    }

    fn sleep_for(&mut self) -> Option<Duration> {
        if self.datagrams.readable() || self.connections.readable() {
            return Some(Duration::ZERO);
        }
        let now = self.around.clock.now();
        let exchange = self.pbx.poll_timeout().map(|deadline| deadline.at);
        let (ledger, connections) = (self.ledger.poll_timeout(), self.connections.poll_timeout());
        let wall = Some(now + WallClock::WATCH);
        [exchange, ledger, connections, wall].into_iter().flatten().min().map(|at| at.saturating_sub(now))
    }

    fn handle_timeout(&mut self, now: Duration) {
        clock::read();
        let unix = clock::unix();
        if self.wall.observe(now, unix) {
            self.handle(now, Input::Clock(unix));
        }
        if self.pbx.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.pbx.handle_timeout(now);
            self.drain(now);
        }
        self.ledger.handle_timeout(now);
        self.connections.handle_timeout(now, &mut self.inbox, &self.around.counters);
        self.flush(now);
    }

    fn handle_ready(&mut self, now: Duration, ready: &Events) {
        for event in ready {
            let readable = event.is_readable() || event.is_error() || event.is_read_closed();
            let writable = event.is_writable() || event.is_error();
            if event.token() == BELL || self.datagrams.handle_event(event.token(), readable, writable) {
                continue;
            }
            let event_of = (readable, writable);
            self.connections.handle_event(now, event.token(), event_of, &mut self.inbox, &self.around.counters);
        }
    }

    fn handle_request(&mut self, now: Duration, request: Request) {
        match request {
            Request::Command(command, answer) => {
                self.next_request += 1;
                let id = RequestId(self.next_request);
                self.answers.insert(id, answer);
                self.handle(now, Input::Command(id, command));
            }
            Request::Drain => self.handle(now, Input::Drain),
            Request::Stop => {
                self.handle(now, Input::Drain);
                for call in self.incoming.clone() {
                    self.next_request += 1;
                    self.handle(now, Input::Command(RequestId(self.next_request), Command::HangupCall(call)));
                }
            }
            Request::Rest => self.rest = true,
            Request::Quit => self.quit = true,
        }
    }

    /// Deals with what browsers have brought; `heard` is only room for it.
    fn hear_websockets(&mut self, now: Duration, heard: &mut VecDeque<websockets::Report>) {
        self.around.websockets.take(heard);
        for report in heard.drain(..) {
            self.handle_websocket(now, report);
        }
    }

    fn handle_websocket(&mut self, now: Duration, report: websockets::Report) {
        match report {
            websockets::Report::Opened(flow, sender) => self.websockets.open(flow, sender),
            websockets::Report::Heard(flow, message, place) if self.websockets.is_open(&flow) => {
                self.handle(now, Input::Sip(flow, message));
                drop(place);
            }
            websockets::Report::Vouched(flow, extensions) if self.websockets.is_open(&flow) => {
                self.handle(now, Input::SipVouched(flow, extensions));
            }
            websockets::Report::Closed(flow) if self.websockets.close(&flow) => {
                self.handle(now, Input::SipClosed(flow));
            }
            // Of one that was let go.
            _ => {}
        }
    }

    fn handle(&mut self, now: Duration, input: Input) {
        add(&self.around.counters.inputs, 1);
        self.pbx.handle(now, input);
        self.drain(now);
    }

    /// Hands the inbox to the exchange, then sends everything that came of it. Sending may find that connections are
    /// gone, which is news for the exchange.
    fn flush(&mut self, now: Duration) {
        loop {
            let mut inbox = std::mem::take(&mut self.inbox);
            for arrival in inbox.drain(..) {
                self.handle(
                    now,
                    match arrival {
                        Arrival::Message(flow, message) => Input::Sip(flow, message),
                        Arrival::Closed(flow) => Input::SipClosed(flow),
                        Arrival::Trouble(flow, why) => Input::SipTrouble(flow, why),
                    },
                );
            }
            // What arrived meanwhile stands behind; the memory is used again.
            inbox.append(&mut self.inbox);
            self.inbox = inbox;
            self.datagrams.flush(self.poll.registry(), &self.around.counters);
            self.connections.flush(&mut self.inbox, &self.around.counters);
            if self.inbox.is_empty() {
                break;
            }
        }
        if std::mem::take(&mut self.ordered) {
            self.around.media_orders.ring();
        }
    }

    /// Carries every output of the exchange to where it belongs.
    fn drain(&mut self, now: Duration) {
        while let Some(output) = self.pbx.poll_output() {
            match output {
                Output::Sip(transmit) if transmit.flow.transport == sip::Transport::Udp => {
                    self.datagrams.send(transmit, &self.around.counters);
                }
                Output::Sip(transmit) if transmit.flow.transport.is_websocket() => {
                    self.websockets.send(transmit, &mut self.inbox, &self.around.websocket_counters);
                }
                Output::Sip(transmit) => self.connections.send(now, transmit, &mut self.inbox, &self.around.counters),
                Output::Connection(id, identity) => self.connections.expect(id, identity.as_deref()),
                Output::Media(command) => self.order(command),
                Output::Webrtc(command) => self.around.media_orders.order_webrtc(command),
                Output::Port(order) => {
                    self.ordered = true;
                    self.around.media_orders.order_port(order);
                }
                Output::Recording(order) => {
                    // Recordings are few: to wake the thread for each of them costs nothing.
                    self.around.recording_orders.push_always(self.filing.order(order));
                    self.around.recording_orders.ring();
                }
                Output::Errand(id, errand) => self.around.errands.run(id, errand),
                Output::Resolve(question) => self.resolve(question),
                Output::Event(event) => {
                    self.note(&event.kind);
                    self.ledger.record(Item::Event(event));
                }
                Output::Refreshed(binding) => self.ledger.refresh(binding),
                Output::Sequence(sequence) => self.ledger.record(Item::Sequence(sequence)),
                Output::Reply(id, result) => self.reply(now, id, result),
                Output::Drained => (self.around.drained)(),
            }
        }
    }

    /// Has somebody find out where a name is. Where too many ask already, nobody answers.
    fn resolve(&mut self, question: Question) {
        if let Err(refused) = self.around.questions.try_send(question) {
            let question = match refused {
                TrySendError::Full(question) | TrySendError::Closed(question) => question,
            };
            tracing::warn!(host = question.host, "too many names are looked up already");
            self.around.names.push_always((question, Err(Unresolved::NoAnswer)));
            self.around.names.ring();
        }
    }

    /// Tells whoever waits for it what became of the file of a recording.
    fn file(&mut self, now: Duration, report: recording_thread::Report) {
        match self.filing.handle_report(report) {
            Some(Told::Exchange(report)) => self.handle(now, Input::Recording(report)),
            Some(Told::Store(found)) => {
                let at = Timestamp(clock::unix().as_micros() as i64);
                self.ledger.record(Item::RecordingFiled(found, at));
            }
            None => {}
        }
    }

    /// Passes an order to the media thread. When that is far behind, new streams are refused; orders for streams that
    /// are there always get through.
    fn order(&mut self, command: media::Command) {
        self.ordered = true;
        let orders = &mut self.around.media_orders;
        match command {
            media::Command::Open { stream, port } => {
                if !orders.order_open(stream, port) {
                    tracing::error!("the media thread is behind: a call is refused");
                    let reason = "the media thread is behind".to_owned();
                    let failed = media::Event::OpenFailed { stream, reason };
                    self.around.media_reports.push_always(Report::Event(failed));
                    self.around.media_reports.ring();
                }
            }
            command => orders.order(command),
        }
    }

    /// Answers at once where nothing was changed, else after the commit.
    fn reply(&mut self, now: Duration, id: RequestId, result: Result<Reply, Rejection>) {
        let Some(answer) = self.answers.remove(&id) else { return };
        match result {
            Ok(
                Reply::Extension(_)
                | Reply::Call(_)
                | Reply::Conference(_)
                | Reply::Conferencecall(_)
                | Reply::Flow(_)
                | Reply::Number(_)
                | Reply::Agent(_)
                | Reply::Calls(..)
                | Reply::Groupcall(_)
                | Reply::Transfer(_)
                | Reply::Tag(_)
                | Reply::Trunk(_)
                | Reply::Provider(_)
                | Reply::Route(_)
                | Reply::OutboundConfig(_)
                | Reply::DirectHash
                | Reply::Activeflow(_)
                | Reply::BillingAccount(_),
            ) => self.ledger.reply(now, answer, result),
            // Whoever asked may have gone.
            Ok(
                Reply::Sequence(_)
                | Reply::Bindings(_)
                | Reply::Counters(_)
                | Reply::PublicAddress(_)
                | Reply::TimeZone(_)
                | Reply::Providers(_),
            )
            | Err(_) => {
                drop(answer.send(result));
            }
        }
    }

    fn note(&mut self, kind: &EventKind) {
        match kind {
            EventKind::CallCreated(call) if call.master_call_id.is_none() => {
                self.incoming.insert(call.id);
            }
            EventKind::CallHungup(call) => self.forget(call),
            _ => {}
        }
    }

    fn forget(&mut self, call: &CallRecord) {
        self.incoming.remove(&call.id);
        if self.incoming.is_empty() && self.incoming.capacity() > 1_024 {
            self.incoming.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests;
