//! The thread itself, with real sockets: what it knows outlives the thread that it learned it on.

use std::net::UdpSocket;
use std::time::Duration;

use pbx::directory::NewExtension;
use pbx::{Reply, Settings};
use store::journal::{Hooks, Journal};
use store::{Store, Timestamp};
use tokio::sync::oneshot;

use super::*;
use crate::errand_threads;
use crate::errand_threads::mail::{Mailer, Recordings};
use crate::errand_threads::speech::Speakers;
use crate::errand_threads::spoken::Spoken;
use crate::media_threads::deliveries::Owners;
use crate::web::Reach;

const OPTIONS: &str = "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n\
    From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

fn journal(folder: &tempfile::TempDir) -> (Store, Journal) {
    let (store, writer) = Store::open(&folder.path().join("tandem.db"), "tandem", &[1; 64]).expect("it opens");
    let hooks = Hooks {
        clock: Box::new(|| Timestamp(0)),
        committed: Box::new(|_| ()),
        failed: Box::new(|error| panic!("{error}")),
    };
    (store, Journal::start(writer, hooks).expect("the thread starts"))
}

fn speakers(folder: &tempfile::TempDir) -> Speakers {
    Speakers::new(Spoken::open(&folder.path().join("speech")).expect("it is writable"), None, None)
}

/// Nobody's.
fn mailer(folder: &tempfile::TempDir, store: Store) -> Mailer {
    let recordings = Recordings { store, folder: folder.path().to_owned() };
    Mailer::new(None, recordings).expect("nothing is wrong with nothing")
}

fn ask(requests: &Queue<Request>, command: Command) -> Result<Reply, Rejection> {
    let (answer, answered) = oneshot::channel();
    requests.push(Request::Command(command, answer)).expect("there is room");
    requests.ring();
    answered.blocking_recv().expect("it is answered")
}

#[test]
fn a_fresh_thread_knows_what_the_one_before_it_knew() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let (store, journal) = journal(&folder);
    let sockets = Sockets::bind("127.0.0.1:0".parse().expect("an address"), None).expect("a free port");
    let (address, counters) = (sockets.address(), Arc::new(Counters::default()));
    let (requests, media_reports) = (sockets.queue(16), sockets.queue(16));
    let poll = Poll::new().expect("the kernel has epoll");
    let bell = Bell::new(Waker::new(poll.registry(), BELL).expect("the kernel has eventfd"));
    let around = Surroundings {
        clock: Clock::start(),
        counters: counters.clone(),
        requests: requests.clone(),
        media_reports,
        media_orders: Dispatcher::new(vec![Queue::new(16, bell.clone())], None, Owners::default()),
        questions: tokio::sync::mpsc::channel(16).0,
        names: Queue::new(16, bell.clone()),
        websockets: Queue::new(16, bell.clone()),
        websocket_counters: Arc::default(),
        recording_reports: Queue::new(16, bell.clone()),
        recording_orders: Queue::new(16, bell.clone()),
        errand_reports: Queue::new(16, bell.clone()),
        errands: ErrandThreads::new(errand_threads::Surroundings {
            reach: Reach::Anywhere,
            speakers: speakers(&folder),
            mailer: mailer(&folder, store),
            reports: Queue::new(16, bell),
        }),
        drained: Box::new(|| ()),
    };
    let mut pbx = Pbx::new(Settings::default(), [7; 32]);
    pbx.handle(Duration::ZERO, Input::Clock(clock::unix()));
    let ledger = Ledger::new(journal.clone(), counters);
    let thread = SignallingThread::start(sockets, pbx, ledger, around).expect("it starts");

    let text = |text: &str| text.to_owned();
    let new = NewExtension {
        extension: text("1001"),
        password: text("correct horse"),
        name: text(""),
        detail: text(""),
        encryption: None,
    };
    ask(&requests, Command::CreateExtension(new.clone())).expect("it is the first");
    for _ in 0..3 {
        requests.push_always(Request::Rest);
        requests.ring();
        assert_eq!(ask(&requests, Command::CreateExtension(new.clone())), Err(Rejection::AlreadyExists("extension")));
        let phone = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        phone.set_read_timeout(Some(Duration::from_secs(5))).expect("sockets have timeouts");
        phone.send_to(OPTIONS.as_bytes(), address).expect("the loopback takes it");
        let mut answer = [0; 1_500];
        let length = phone.recv(&mut answer).expect("it answers");
        assert!(answer[..length].starts_with(b"SIP/2.0 200 "), "{}", String::from_utf8_lossy(&answer[..length]));
    }
    thread.quit();
    journal.close();
}
