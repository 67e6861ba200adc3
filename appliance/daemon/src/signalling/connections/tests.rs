//! The connections with real sockets: whole messages in and out, and an end to everything that breaks the rules.

use std::io::{Read, Write};
use std::net::TcpStream as Phone;
use std::time::Instant;

use bytes::Bytes;
use mio::{Events, Poll};

use super::*;

const OPTIONS: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 4\r\n\r\nbody";

/// Connections, the poll that reports them, and a clock that the test moves.
struct Bench {
    poll: Poll,
    connections: Connections,
    counters: Counters,
    inbox: Inbox,
    now: Duration,
}

impl Bench {
    fn new() -> Bench {
        let poll = Poll::new().expect("the kernel has epoll");
        let registry = poll.registry().try_clone().expect("epoll can be shared");
        let address = "127.0.0.1:0".parse().expect("an address");
        let mut connections = Connections::listen(registry, &[address], 100).expect("a free port");
        connections.register(10).expect("it can be watched");
        Bench { poll, connections, counters: Counters::default(), inbox: Inbox::new(), now: Duration::from_secs(1) }
    }

    fn phone(&self) -> Phone {
        let phone = Phone::connect(self.connections.address()).expect("somebody listens");
        phone.set_read_timeout(Some(Duration::from_secs(5))).expect("sockets have timeouts");
        phone
    }

    /// Turns the loop until `done`.
    fn turn_until(&mut self, done: impl Fn(&Bench) -> bool) {
        let mut ready = Events::with_capacity(64);
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < Duration::from_secs(5), "it never came; the inbox holds {:?}", self.inbox);
            self.poll.poll(&mut ready, Some(Duration::from_millis(5))).expect("nothing interrupts");
            for event in &ready {
                let event_of = (event.is_readable() || event.is_read_closed(), event.is_writable());
                self.connections.handle_event(self.now, event.token(), event_of, &mut self.inbox, &self.counters);
            }
            self.connections.receive(self.now, &mut self.inbox, &self.counters);
            self.connections.flush(&mut self.inbox, &self.counters);
        }
    }

    /// Lets time pass, in steps that the connections see.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += Duration::from_secs(1);
            self.connections.handle_timeout(self.now, &mut self.inbox, &self.counters);
        }
    }

    fn send(&mut self, flow: Flow, bytes: &'static [u8]) {
        let transmit = Transmit { flow, bytes: Bytes::from_static(bytes) };
        self.connections.send(self.now, transmit, &mut self.inbox, &self.counters);
    }

    fn open(&self) -> u64 {
        self.counters.connections.load(Ordering::Relaxed)
    }

    fn message(&self, index: usize) -> (Flow, &[u8]) {
        match &self.inbox[index] {
            Arrival::Message(flow, bytes) => (*flow, bytes),
            Arrival::Closed(flow) | Arrival::Trouble(flow, _) => panic!("{flow:?} closed"),
        }
    }
}

#[test]
fn messages_in_pieces_arrive_whole_and_the_answer_goes_back_the_same_way() {
    let mut bench = Bench::new();
    let mut phone = bench.phone();
    let twice = [b"\r\n\r\n", OPTIONS, OPTIONS].concat();
    for piece in twice.chunks(7) {
        phone.write_all(piece).expect("it is open");
    }
    bench.turn_until(|bench| bench.inbox.len() == 2);
    let (flow, bytes) = bench.message(1);
    assert_eq!(bytes, OPTIONS);
    assert_eq!((flow.transport, Some(flow.remote)), (Transport::Tcp, phone.local_addr().ok()));
    assert_eq!(flow.local, bench.connections.address());
    bench.send(flow, b"SIP/2.0 200 OK\r\n\r\n");
    bench.connections.flush(&mut bench.inbox, &bench.counters);
    let mut answer = [0; 20];
    phone.read_exact(&mut answer).expect("pong and answer come");
    assert_eq!(&answer, b"\r\nSIP/2.0 200 OK\r\n\r\n");
}

#[test]
fn a_connection_is_opened_once_for_all_and_its_end_is_told() {
    let mut bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let remote = listener.local_addr().expect("it is bound");
    let local = "127.0.0.1:5060".parse().expect("an address");
    let asked = Flow { transport: Transport::Tcp, local, remote, connection: None };
    bench.send(asked, b"first ");
    bench.send(asked, b"second");
    let (mut phone, _) = listener.accept().expect("we called");
    bench.turn_until(|bench| bench.connections.places.iter().flatten().all(|open| !open.readable()));
    let mut heard = [0; 12];
    let reader = std::thread::spawn(move || {
        phone.read_exact(&mut heard).expect("both come");
        phone.write_all(OPTIONS).expect("it is open");
        (phone, heard)
    });
    bench.turn_until(|bench| bench.inbox.len() == 1);
    let (phone, heard) = reader.join().expect("it read");
    assert_eq!(&heard, b"first second");
    let (flow, _) = bench.message(0);
    assert_eq!((flow.local, flow.remote, flow.connection), (local, remote, Some(ConnectionId(101))));
    bench.inbox.clear();
    drop(phone);
    bench.turn_until(|bench| bench.inbox.len() == 2);
    assert_eq!(bench.inbox, [Arrival::Closed(asked), Arrival::Closed(flow)]);
    bench.inbox.clear();
    bench.send(flow, b"late");
    assert_eq!(bench.inbox, [Arrival::Closed(flow)]);
}

#[test]
fn a_connection_that_cannot_be_opened_is_told() {
    let mut bench = Bench::new();
    let remote = std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a free port");
    let local = "127.0.0.1:5060".parse().expect("an address");
    let asked = Flow { transport: Transport::Tcp, local, remote, connection: None };
    bench.send(asked, b"hello");
    bench.turn_until(|bench| bench.inbox.contains(&Arrival::Closed(asked)));
    assert_eq!(bench.open(), 0);
    let tls = Flow { transport: Transport::Tls, ..asked };
    bench.send(tls, b"hello");
    assert!(bench.inbox.contains(&Arrival::Closed(tls)));
}

#[test]
fn who_breaks_the_rules_is_cut_off() {
    let mut bench = Bench::new();
    let mut garbage = bench.phone();
    garbage.write_all(b"\x16\x03\x01 this is TLS\r\n\r\n").expect("it is open");
    bench.turn_until(|bench| bench.inbox.len() == 1 && bench.open() == 0);
    bench.inbox.clear();
    // One says nothing, one never finishes, one only keeps alive, one is a phone.
    let (_silent, mut slow, mut knocking, mut sound) = (bench.phone(), bench.phone(), bench.phone(), bench.phone());
    slow.write_all(&OPTIONS[..20]).expect("it is open");
    sound.write_all(OPTIONS).expect("it is open");
    knocking.write_all(b"\r\n\r\n").expect("it is open");
    bench.turn_until(|bench| bench.open() == 4 && bench.inbox.len() == 1);
    let mut pong = [0; 2];
    bench.pass(limits::MESSAGE_TIMEOUT - Duration::from_secs(2));
    assert_eq!(bench.open(), 4);
    bench.pass(Duration::from_secs(4));
    assert_eq!(bench.open(), 1, "the phone alone stays");
    assert_eq!(bench.counters.connections_cut.load(Ordering::Relaxed), 4);
    knocking.read_exact(&mut pong).expect("it had its answer first");
    bench.pass(limits::CONNECTION_IDLE);
    assert_eq!(bench.open(), 0, "and goes when it is silent for hours");
}

#[test]
fn a_message_that_is_too_long_ends_the_connection() {
    let mut bench = Bench::new();
    let mut phone = bench.phone();
    let head = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 100000\r\n\r\n";
    phone.write_all(head).expect("it is open");
    bench.turn_until(|bench| bench.counters.connections_cut.load(Ordering::Relaxed) == 1);
}

#[test]
fn a_peer_that_does_not_read_is_cut_off() {
    static LARGE: [u8; 60_000] = [b'x'; 60_000];
    let mut bench = Bench::new();
    let mut phone = bench.phone();
    phone.write_all(OPTIONS).expect("it is open");
    bench.turn_until(|bench| bench.inbox.len() == 1);
    let (flow, _) = bench.message(0);
    let sent = (0..1_000).take_while(|_| {
        bench.send(flow, &LARGE);
        bench.connections.flush(&mut bench.inbox, &bench.counters);
        bench.counters.connections_cut.load(Ordering::Relaxed) == 0
    });
    assert!(sent.count() < 1_000, "memory is bounded");
    assert_eq!(bench.inbox.last(), Some(&Arrival::Closed(flow)));
}

#[test]
fn one_address_has_a_limit() {
    let mut bench = Bench::new();
    let phones: Vec<Phone> = (0..limits::CONNECTIONS_PER_SOURCE + 5).map(|_| bench.phone()).collect();
    bench.turn_until(|bench| bench.counters.connections_refused.load(Ordering::Relaxed) == 5);
    assert_eq!(bench.open(), limits::CONNECTIONS_PER_SOURCE as u64);
    drop(phones);
    bench.turn_until(|bench| bench.open() == 0);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.connections.places.capacity(), 0, "and nothing stays behind");
}
