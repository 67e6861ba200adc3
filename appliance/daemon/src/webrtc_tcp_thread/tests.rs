//! The thread with real sockets: what is a check, what is audio, and what is neither.

use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::time::Instant;

use ::webrtc::framing::{self, Frames};

use super::*;
use crate::webrtc_thread::socket;

/// The thread, and the queues that it fills.
struct Bench {
    thread: WebrtcTcpThread,
    address: SocketAddr,
    strays: Queue<Stray>,
    gone: Queue<webrtc_thread::Order>,
    poll: Poll,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Bench {
    fn new() -> Bench {
        let poll = Poll::new().expect("the kernel has epoll");
        let bell = Bell::new(Waker::new(poll.registry(), BELL).expect("the kernel has eventfd"));
        let (strays, gone) = (Queue::new(100, bell.clone()), Queue::new(100, bell));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(1)));
        let waiting = Waiting::prepare(None, address).expect("the kernel has epoll").expect("the port is free");
        assert_eq!(waiting.address(), address);
        let around = Surroundings { clock: Clock::start(), strays: strays.clone(), gone: gone.clone() };
        Bench { thread: waiting.start(around).expect("a thread can be started"), address, strays, gone, poll }
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("sockets have timeouts");
        Client { stream, frames: Frames::default() }
    }

    /// Waits for something that comes by one of the queues.
    fn wait<T>(&mut self, found: impl Fn(&Bench) -> Option<T>) -> T {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(found) = found(self) {
                return found;
            }
            self.poll.poll(&mut Events::with_capacity(4), Some(Duration::from_millis(10))).expect("nothing interrupts");
        }
        panic!("it never came");
    }

    /// The next thing that is no audio.
    fn stray(&mut self) -> Stray {
        self.wait(|bench| {
            let mut taken = VecDeque::new();
            bench.strays.take(&mut taken);
            taken.pop_front()
        })
    }

    /// Waits for the next end of a connection.
    fn gone(&mut self) -> Name {
        let order = self.wait(|bench| {
            let mut taken = VecDeque::new();
            bench.gone.take(&mut taken);
            taken.pop_front()
        });
        let webrtc_thread::Order::Gone(name) = order else { panic!("{order:?}") };
        name
    }

    fn order(&self, order: Order) {
        self.thread.orders.push_always(order);
        self.thread.orders.ring();
    }

    fn count(&self, metric: &str) -> u64 {
        let found = self.thread.counters.list().into_iter().find(|(name, ..)| *name == metric);
        found.expect("there is such a number").2
    }
}

/// A browser's end of a connection.
struct Client {
    stream: TcpStream,
    frames: Frames,
}

impl Client {
    fn send(&mut self, datagram: &[u8]) {
        let header = framing::header(datagram.len()).expect("it is short");
        self.stream.write_all(&[&header[..], datagram].concat()).expect("it is open");
    }

    /// Everything that comes until one is this.
    fn receive_until(&mut self, wanted: &[u8]) -> Vec<Vec<u8>> {
        let (mut found, mut octets) = (Vec::new(), [0; 4_096]);
        while !found.iter().any(|datagram| datagram == wanted) {
            let count = self.stream.read(&mut octets).expect("something comes");
            assert!(count > 0, "it is closed");
            self.frames.take(&octets[..count], |datagram| found.push(datagram.to_vec())).expect("frames stay whole");
        }
        found
    }

    fn assert_closed(&mut self) {
        let mut octets = [0; 64];
        // Closed with something unread, which resets it, or without.
        assert!(matches!(self.stream.read(&mut octets), Ok(0) | Err(_)));
    }
}

const CHECK: [u8; 20] = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

#[test]
fn checks_go_to_who_finds_browsers_and_audio_to_the_media_thread() {
    let mut bench = Bench::new();
    let mut client = bench.connect();
    client.send(&CHECK);
    let Stray { path, len, octets } = bench.stray();
    assert_eq!(&octets[..usize::from(len)], CHECK);
    assert_eq!((path.local, Some(path.remote)), (bench.address, client.stream.local_addr().ok()));
    let name = path.connection.expect("it came by one");
    bench.order(Order::Send(name, b"answer".to_vec()));
    assert_eq!(client.receive_until(b"answer"), [b"answer"]);
    // Audio before the handshake is over is nobody's.
    client.send(&[0x80; 172]);
    let (media, theirs) = socket::pair().expect("the kernel has them");
    media.set_nonblocking(false).expect("sockets can wait");
    media.set_read_timeout(Some(PATIENCE)).expect("sockets have timeouts");
    bench.order(Order::Carry(name, theirs));
    // An answer comes after the order before it was obeyed.
    bench.order(Order::Send(name, b"next".to_vec()));
    client.receive_until(b"next");
    assert_eq!(bench.count("webrtc_tcp_lost_total"), 1);
    let handshake = [22; 60];
    for datagram in [&handshake[..], &[0x80; 100], &[], &[99; 8], &[0x81; 50]] {
        client.send(datagram);
    }
    let mut octets = [0; 2_048];
    for wanted in [&[0x80; 100][..], &[0x81; 50]] {
        let len = media.recv(&mut octets).expect("audio comes");
        assert_eq!(&octets[..len], wanted);
    }
    let Stray { len, octets: heard, .. } = bench.stray();
    assert_eq!(&heard[..usize::from(len)], handshake);
    media.send(&[0x82; 90]).expect("the other end is open");
    client.receive_until(&[0x82; 90]);
    assert_eq!((bench.count("webrtc_tcp_malformed_total"), bench.count("webrtc_tcp_connections")), (2, 1));
    drop(client);
    assert_eq!(bench.gone(), name);
    assert_eq!((bench.count("webrtc_tcp_connections"), bench.count("webrtc_tcp_cut_total")), (0, 0));
    bench.thread.stop();
}

#[test]
fn what_does_not_begin_with_a_check_or_is_too_long_is_cut_off() {
    let mut bench = Bench::new();
    let rubbish = [&[0, 4][..], b"GET ", b"/ HTTP/1.1"].concat();
    let empty = vec![0, 0, 0, 0];
    let audio_first = [&[0, 12][..], &[0x80; 12]].concat();
    let check_and_giant = [&[0, 20][..], &CHECK, &[0xff; 40]].concat();
    for (count, octets) in [rubbish, vec![0xff; 4], empty, audio_first, check_and_giant].into_iter().enumerate() {
        let mut client = bench.connect();
        client.stream.write_all(&octets).expect("it is open");
        client.assert_closed();
        bench.gone();
        assert_eq!(bench.count("webrtc_tcp_cut_total"), count as u64 + 1, "{octets:?}");
    }
    assert_eq!(bench.count("webrtc_tcp_connections"), 0);
    bench.thread.stop();
}

/// Nothing is kept for one who does not read; what he hears afterwards is whole packets, and newer ones.
#[test]
fn who_reads_slowly_loses_packets_and_no_frame_is_broken() {
    let mut bench = Bench::new();
    let mut client = bench.connect();
    client.send(&CHECK);
    let name = bench.stray().path.connection.expect("it came by one");
    let (media, theirs) = socket::pair().expect("the kernel has them");
    media.set_nonblocking(false).expect("sockets can wait");
    bench.order(Order::Carry(name, theirs));
    let packet = |number: u32| [&[0x80, 0][..], &number.to_be_bytes(), &[7; 1_200]].concat();
    let mut sent = 0;
    while bench.count("webrtc_tcp_lost_total") < 1_000 {
        media.send(&packet(sent)).expect("the thread takes what comes");
        sent += 1;
        assert!(sent < 1_000_000, "all of it is kept somewhere");
    }
    media.send(&packet(sent)).expect("the thread takes what comes");
    // He reads again: what was underway, and then what is sent now.
    let reader = std::thread::spawn(move || client.receive_until(b"the end"));
    while !reader.is_finished() {
        media.send(&packet(u32::MAX)).expect("the thread takes what comes");
        bench.order(Order::Send(name, b"the end".to_vec()));
        std::thread::yield_now();
    }
    let heard = reader.join().expect("frames stay whole");
    let numbers: Vec<u32> = heard
        .iter()
        .filter(|datagram| datagram[0] == 0x80)
        .map(|datagram| u32::from_be_bytes(datagram[2..6].try_into().expect("four octets")))
        .collect();
    assert!(heard.iter().all(|datagram| datagram.len() == 1_206 || datagram == b"the end"));
    assert!(numbers.is_sorted() && numbers[0] == 0 && numbers.len() < sent as usize, "{} of {sent}", numbers.len());
    bench.thread.stop();
}

#[test]
fn one_address_has_no_more_than_its_share() {
    let mut bench = Bench::new();
    let mut clients: Vec<Client> = (0..limits::WEBRTC_TCP_PER_SOURCE).map(|_| bench.connect()).collect();
    let share = limits::WEBRTC_TCP_PER_SOURCE as u64;
    bench.wait(|bench| (bench.count("webrtc_tcp_connections") == share).then_some(()));
    bench.connect().assert_closed();
    assert_eq!(bench.count("webrtc_tcp_refused_total"), 1);
    // Those who are there already go on.
    clients[3].send(&CHECK);
    bench.stray();
    bench.thread.stop();
}

#[test]
fn who_proves_nothing_has_ten_seconds_and_who_is_silent_a_minute() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    let accepted = listener.accept().expect("somebody comes").0;
    let seconds = Duration::from_secs;
    let mut connection = Connection::new(seconds(100), accepted, Name(1)).expect("it is open");
    let mut read = |connection: &mut Connection, now| {
        client.write_all(&[&[0, 20][..], &CHECK].concat()).expect("it is open");
        let start = Instant::now();
        let mut heard = 0;
        while heard == 0 && start.elapsed() < PATIENCE {
            connection.read(now, &mut [0; 512], |_, _| heard += 1).expect("it is sound");
        }
    };
    // Checks that nobody answers do not help.
    read(&mut connection, seconds(105));
    assert_eq!(connection.deadline(), seconds(100) + limits::WEBRTC_TCP_FIRST);
    connection.note_known();
    assert_eq!(connection.deadline(), seconds(100) + limits::WEBRTC_TCP_IDLE);
    read(&mut connection, seconds(107));
    assert_eq!(connection.deadline(), seconds(107) + limits::WEBRTC_TCP_IDLE);
}
