//! Errands to real web servers, well-behaved ones and others.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use mio::{Poll, Token, Waker};
use pbx::errand::Brought;
use pbx::flow::order::{Method, Webhook};
use uuid::Uuid;

use super::spoken::Spoken;
use super::*;
use crate::queue::Bell;

/// A web server on this box; `answer` writes what comes back, head and all.
fn server(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 4_096]);
            let _ = answer(&mut connection);
        }
    });
    format!("http://{address}/")
}

fn fetch(requests: &Requests, url: &str) -> Result<Brought, String> {
    requests.fetch((Method::Post, url), (Uuid::nil(), Uuid::nil()), Instant::now()).result
}

fn webhook(url: &str) -> Errand {
    let (url, data_type) = (url.into(), "text/plain".into());
    Errand::Webhook(Box::new(Webhook { url, method: Method::Post, data_type, data: "x".into(), waits: true }))
}

/// A mailer without a mail server.
fn nobody_writes(home: &std::path::Path) -> Mailer {
    let entropy = [7; 64];
    let opened = store::Store::open(&home.join("tandem.db"), "tandem", &entropy);
    let (store, _) = opened.expect("the folder is empty");
    let recordings = mail::Recordings { store, folder: home.to_owned() };
    Mailer::new(None, recordings).expect("nothing is wrong with nothing")
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let silent = server(|connection| connection.read_to_end(&mut Vec::new()).map(drop));
    let trickling = server(|connection| {
        write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
        while connection.write_all(b" ").and_then(|()| connection.flush()).is_ok() {
            let _ = connection.set_read_timeout(Some(Duration::from_millis(20)));
            let _ = connection.read(&mut [0; 16]);
        }
        Ok(())
    });
    let requests = Requests::within(Reach::Anywhere, Duration::from_millis(300));
    for url in [silent, trickling] {
        let begun = Instant::now();
        let reason = fetch(&requests, &url).expect_err("nothing comes");
        assert!(reason.contains("time") || reason.contains("too long"), "{reason}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[test]
fn each_errand_is_reported_by_its_number_and_a_slow_one_does_not_hold_up_the_next() {
    let slow = server(|connection| connection.read_to_end(&mut Vec::new()).map(drop));
    let quick = server(|connection| write!(connection, "HTTP/1.1 202 X\r\nContent-Length: 2\r\n\r\nok"));
    let mut poll = Poll::new().expect("the kernel has epoll");
    let bell = Bell::new(Waker::new(poll.registry(), Token(0)).expect("the kernel has eventfd"));
    let reports = Queue::new(16, bell.clone());
    let home = tempfile::tempdir().expect("the temporary folder is writable");
    let speakers = Speakers::new(Spoken::open(home.path()).expect("it is writable"), None, None);
    let mailer = nobody_writes(home.path());
    let around = Surroundings { reach: Reach::Anywhere, speakers, mailer, reports: reports.clone() };
    let threads = ErrandThreads::new(around);
    threads.run(ErrandId(1), Box::new(webhook(&slow)));
    for id in 2..20 {
        threads.run(ErrandId(id), Box::new(webhook(&quick)));
    }
    let (mut ready, mut taken, mut home) = (mio::Events::with_capacity(4), VecDeque::new(), Vec::new());
    while home.len() < 18 {
        poll.poll(&mut ready, Some(Duration::from_secs(10))).expect("nothing interrupts");
        assert!(bell.answer(), "{} came home", home.len());
        reports.take(&mut taken);
        home.extend(taken.drain(..));
    }
    home.sort_by_key(|report| report.id);
    assert!(home.iter().map(|report| report.id.0).eq(2..20), "{home:?}");
    let expected = Ok(Brought::Answer { status: 202, body: "ok".into() });
    assert!(home.iter().all(|report| report.result == expected), "{home:?}");
    assert!(home[0].words.starts_with("202, 2 bytes in "), "{}", home[0].words);
}
