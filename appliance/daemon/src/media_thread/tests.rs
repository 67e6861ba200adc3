//! The thread with real sockets: what one phone sends arrives at the other, and a used port starts clean.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use media::{Codec, Direction, Format, Latch, Remote};

use super::*;

/// A media thread, and the queue that its events come by.
struct Bench {
    thread: MediaThread,
    reports: Queue<Report>,
    poll: Poll,
    heard: Vec<Report>,
}

impl Bench {
    fn new() -> Bench {
        let poll = Poll::new().expect("the kernel has epoll");
        let bell = Bell::new(Waker::new(poll.registry(), BELL).expect("the kernel has eventfd"));
        let reports = Queue::new(100, bell);
        let waiting = Waiting::new().expect("the kernel has epoll");
        // Nobody reads or writes sound here.
        let idle = Waiting::new().expect("the kernel has epoll");
        let workers = Workers {
            sound: idle.queue(8),
            decoded: waiting.queue(8),
            recording: idle.queue(8),
            emptied: waiting.queue(8),
            music: None,
        };
        let (address, clock) = (Ipv4Addr::LOCALHOST.into(), Clock::start());
        let (lane, partials) = (Lane::default(), Partials::default());
        let around = Surroundings { lane, address, clock, reports: reports.clone(), workers, partials, strays: None };
        let thread = MediaThread::start(waiting, media::Config::default(), around);
        Bench { thread: thread.expect("a thread can be started"), reports, poll, heard: Vec::new() }
    }

    fn order(&self, command: Command) {
        self.thread.orders.push_always(Order::Command(command));
        self.thread.orders.ring();
    }

    /// Waits for an event that `wanted` likes.
    fn wait(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let report = self.wait_report(|report| matches!(report, Report::Event(event) if wanted(event)));
        let Report::Event(event) = report else { unreachable!("only an event was waited for") };
        event
    }

    /// Waits for a report that `wanted` likes.
    fn wait_report(&mut self, wanted: impl Fn(&Report) -> bool) -> Report {
        let mut taken = VecDeque::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            self.reports.take(&mut taken);
            self.heard.extend(taken.drain(..));
            if let Some(found) = self.heard.iter().position(&wanted) {
                return self.heard.remove(found);
            }
            self.poll.poll(&mut Events::with_capacity(4), Some(Duration::from_millis(10))).expect("nothing interrupts");
        }
        panic!("it never came; heard {:?}", self.heard);
    }

    /// Gives an order about a port and waits for what comes of it.
    fn bind(&mut self, port: u16) -> PortReport {
        self.thread.orders.push_always(Order::Port(PortOrder::Bind(port)));
        self.thread.orders.ring();
        let Report::Port(report) = self.wait_report(|report| matches!(report, Report::Port(_))) else {
            unreachable!("only such a report was waited for");
        };
        report
    }

    /// Opens `stream` on `port` for `phone` and says so when it is done.
    fn open(&mut self, stream: StreamId, port: u16, phone: &UdpSocket) {
        self.order(Command::Open { stream, port });
        self.wait(|event| *event == Event::Opened { stream });
        let rtp = phone.local_addr().expect("it is bound");
        let remote = Remote { rtp, rtcp: rtp };
        let format = Format::new(Codec::Pcmu, 0);
        self.order(Command::Configure {
            stream,
            remote,
            format,
            direction: Direction::SendRecv,
            latch: Latch::Symmetric,
            keys: None,
        });
    }
}

fn phone() -> UdpSocket {
    let phone = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    phone.set_read_timeout(Some(Duration::from_secs(5))).expect("sockets have timeouts");
    phone
}

fn packet(sequence: u16, payload: u8) -> Vec<u8> {
    let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet.extend([payload; 160]);
    packet
}

#[test]
fn what_one_phone_says_the_other_hears() {
    let mut bench = Bench::new();
    let (a, b) = (StreamId(1), StreamId(2));
    let (alice, bob) = (phone(), phone());
    let (port_a, port_b) = (ports::free(2), ports::free(2));
    bench.open(a, port_a, &alice);
    bench.open(b, port_b, &bob);
    bench.order(Command::Connect { a, b });
    // The first packet in each direction makes the thread know the phones.
    let (to_a, to_b): (SocketAddr, SocketAddr) = (([127, 0, 0, 1], port_a).into(), ([127, 0, 0, 1], port_b).into());
    bob.send_to(&packet(1, 0x11), to_b).expect("the loopback takes it");
    bench.wait(|event| matches!(event, Event::Started { stream, .. } if *stream == b));
    for sequence in 1..=30 {
        alice.send_to(&packet(sequence, sequence as u8), to_a).expect("the loopback takes it");
    }
    let mut buffer = [0; 500];
    for sequence in 1..=30 {
        let (length, from) = bob.recv_from(&mut buffer).expect("each packet arrives");
        assert_eq!((length, from, buffer[20]), (172, to_b, sequence));
    }
    bench.order(Command::Close { stream: a });
    let Event::Closed { statistics, .. } =
        bench.wait(|event| matches!(event, Event::Closed { stream, .. } if *stream == a))
    else {
        unreachable!("only such an event was waited for");
    };
    assert_eq!(statistics.packets_received, 30);
    bench.thread.stop();
}

#[test]
fn a_used_port_starts_clean_for_the_next_call() {
    let mut bench = Bench::new();
    let port = ports::free(2);
    let (old, new) = (phone(), phone());
    bench.open(StreamId(1), port, &old);
    bench.order(Command::Close { stream: StreamId(1) });
    bench.wait(|event| matches!(event, Event::Closed { .. }));
    for sequence in 0..50 {
        old.send_to(&packet(sequence, 9), ("127.0.0.1", port)).expect("the loopback takes it");
    }
    bench.open(StreamId(2), port, &new);
    new.send_to(&packet(7, 7), ("127.0.0.1", port)).expect("the loopback takes it");
    let started = bench.wait(|event| matches!(event, Event::Started { .. }));
    let from = new.local_addr().expect("it is bound");
    assert_eq!(started, Event::Started { stream: StreamId(2), from });
    bench.thread.stop();
}

#[test]
fn a_taken_port_is_reported() {
    let mut bench = Bench::new();
    let port = ports::free(2);
    let _other = UdpSocket::bind(("127.0.0.1", port + 1)).expect("it was free");
    bench.order(Command::Open { stream: StreamId(5), port });
    let failed = bench.wait(|event| matches!(event, Event::OpenFailed { .. }));
    assert_eq!(failed.stream(), Some(StreamId(5)));
    bench.thread.stop();
}

#[test]
fn a_pair_is_held_from_its_order_to_its_release() {
    let mut bench = Bench::new();
    let port = ports::free(2);
    let other = UdpSocket::bind(("127.0.0.1", port + 1)).expect("it was free");
    assert_eq!(bench.bind(port), PortReport::Held(port), "half a pair is none");
    assert!(UdpSocket::bind(("127.0.0.1", port)).is_ok(), "the half that was free is not kept");
    drop(other);
    assert_eq!(bench.bind(port), PortReport::Bound(port));
    assert_eq!(bench.bind(port), PortReport::Bound(port), "what is held already is held");
    assert!([port, port + 1].iter().all(|port| UdpSocket::bind(("127.0.0.1", *port)).is_err()));

    bench.order(Command::Open { stream: StreamId(1), port });
    bench.wait(|event| matches!(event, Event::Opened { .. }));
    bench.order(Command::Close { stream: StreamId(1) });
    bench.wait(|event| matches!(event, Event::Closed { .. }));
    assert!(UdpSocket::bind(("127.0.0.1", port)).is_err(), "it is held until the exchange says otherwise");
    bench.thread.orders.push_always(Order::Port(PortOrder::Release(port)));
    bench.thread.stop();
    assert!([port, port + 1].iter().all(|port| UdpSocket::bind(("127.0.0.1", *port)).is_ok()));
}
