//! The page over real connections.
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;

use hal::slot::Slot;

use super::*;
use crate::update::tests::{BUILD, Disks, bundle};

fn ask(at: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

fn post(at: SocketAddr, form: &str) -> String {
    let head =
        "POST / HTTP/1.1\r\nHost: box\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    ask(at, &format!("{head}Content-Length: {}\r\n\r\n{form}", form.len()))
}

fn free_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], ports::free(1)))
}

#[test]
fn the_page_asks_for_the_code_and_passes_wishes_on() {
    let (at, (sender, events)) = (free_port(), smol::channel::unbounded());
    let code = Code("01234567".to_owned());
    let mut rescue = Rescue::new(at, code, Updater::of_no_box());
    rescue.note_end(ExitStatus::from_raw(3 << 8));
    rescue.open(sender);
    let page = ask(at, "GET / HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Connection: close"), "{page}");
    assert!(page.contains("default-src 'none'") && !page.contains("exit status"));
    assert!(post(at, "code=99999999&wish=restart").starts_with("HTTP/1.1 403"));
    assert!(events.is_empty());
    assert!(post(at, "code=01234567").contains("exit status: 3"));
    assert!(post(at, "code=01234567&wish=try-again").starts_with("HTTP/1.1 200"));
    assert!(matches!(events.try_recv(), Ok(Event::Wish(Wish::TryAgain))));
    assert!(post(at, &"x".repeat(1_000)).starts_with("HTTP/1.1 413"));
    assert!(
        ask(at, "PUT / HTTP/1.1\r\nHost: box\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .starts_with("HTTP/1.1 405")
    );
    rescue.close();
    assert!(TcpListener::bind(at).is_ok(), "the port is free again at once");
}

#[test]
fn what_is_no_http_harms_nobody() {
    let (at, (sender, _events)) = (free_port(), smol::channel::unbounded());
    let mut rescue = Rescue::new(at, Code("1".to_owned()), Updater::of_no_box());
    rescue.open(sender);
    for noise in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "\u{0}\u{1}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(at).expect("it listens");
        let _ = stream.write_all(noise.as_bytes());
    }
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(at).expect("it listens")).collect();
    assert!(
        ask(at, "GET / HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"),
        "others are served meanwhile"
    );
    drop(silent);
}

#[test]
fn the_page_is_there_after_nobody_came_for_long() {
    let (at, (sender, _events)) = (free_port(), smol::channel::unbounded());
    let mut rescue = Rescue::new(at, Code("1".to_owned()), Updater::of_no_box());
    rescue.patience = Duration::from_millis(100);
    rescue.open(sender);
    for _ in 0..3 {
        // Whoever says nothing is let go of when nobody else came for as long.
        for _ in 0..3 {
            let mut silent = TcpStream::connect(at).expect("it listens");
            assert!(!matches!(silent.read(&mut [0]), Ok(1..)), "nothing was asked");
        }
        assert!(ask(at, "GET / HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
    }
    rescue.close();
    assert!(TcpListener::bind(at).is_ok(), "the port is free again at once");
}

#[test]
fn only_the_local_network_is_served() {
    let local = |text: &str| is_local(text.parse::<IpAddr>().expect("an address").to_canonical());
    for near in
        ["10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.3.4", "127.0.0.1", "fe80::1", "fd00::1", "::ffff:10.0.0.1"]
    {
        assert!(local(near), "{near}");
    }
    for far in ["203.0.113.1", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:203.0.113.1"] {
        assert!(!local(far), "{far}");
    }
}

#[test]
fn codes_are_eight_digits_and_not_the_same() {
    let codes: Vec<String> = (0..20).map(|_| Code::draw().expect("the kernel has some").0).collect();
    assert!(codes.iter().all(|code| code.len() == 8 && code.bytes().all(|digit| digit.is_ascii_digit())), "{codes:?}");
    assert!(codes.windows(2).any(|pair| pair[0] != pair[1]));
}

/// What a browser sends for the form with a file in it.
fn upload(at: SocketAddr, code: &str, file: &[u8]) -> String {
    let mark = "----WebKitFormBoundaryq2ZhOYCmD6pWTb8N";
    let field =
        |name: &str, more: &str| format!("--{mark}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
    let kind = "; filename=\"update.bundle\"\r\nContent-Type: application/octet-stream";
    let start = format!("{}{code}\r\n{}", field("code", ""), field("bundle", kind));
    let body = [start.as_bytes(), file, format!("\r\n--{mark}--\r\n").as_bytes()].concat();
    send(at, &format!("multipart/form-data; boundary={mark}"), &body)
}

fn send(at: SocketAddr, kind: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).expect("it listens");
    let head = format!("POST /update HTTP/1.1\r\nHost: box\r\nConnection: close\r\nContent-Type: {kind}\r\n");
    let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    // Whoever is refused in the middle need not be read to the end.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn an_update_is_uploaded_and_started() {
    let (at, (sender, events), disks) = (free_port(), smol::channel::unbounded(), Disks::new());
    let mut rescue = Rescue::new(at, Code("01234567".to_owned()), disks.updater(Slot::A));
    rescue.open(sender);
    let good = bundle(BUILD, 900_000);
    assert!(upload(at, "12345678", &good).starts_with("HTTP/1.1 403"));
    let nothing = post(at, "code=01234567&wish=switch-slots");
    assert!(nothing.starts_with("HTTP/1.1 409") && nothing.contains("There is no other version"), "{nothing}");
    let mut changed = good.clone();
    changed[60] ^= 1;
    let short = upload(at, "01234567", &good[..good.len() - 5_000]);
    assert!(short.contains("The update is not complete: 5000 octets are missing"), "{short}");
    for (file, sentence) in [
        (&changed[..], "The signature of this update is wrong"),
        (&[&good[..], b"more"].concat(), "longer than it says"),
        (&b"a photograph of a cat, as it happens"[..], "This file is not an update"),
    ] {
        let answer = upload(at, "01234567", file);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400") && answer.contains(sentence), "{answer}");
    }
    let written = upload(at, "01234567", &good);
    assert!(written.starts_with("HTTP/1.1 200") && written.contains("Version 0.2.0 is written."), "{written}");
    assert!(written.contains("Start the other version: 0.2.0"), "{written}");
    assert!(events.is_empty() && disks.state().on_trial().is_none());
    assert!(post(at, "code=01234567&wish=switch-slots").contains("The box restarts with the other version"));
    assert!(matches!(events.try_recv(), Ok(Event::Wish(Wish::SwitchSlots))));
    assert_eq!(disks.state().on_trial(), Some(Slot::B));
}

#[test]
fn what_is_no_upload_is_refused_and_harms_nobody() {
    let (at, (sender, _events), disks) = (free_port(), smol::channel::unbounded(), Disks::new());
    let mut rescue = Rescue::new(at, Code("1".to_owned()), disks.updater(Slot::A));
    rescue.open(sender);
    let form = "multipart/form-data; boundary=x";
    let endless = format!("--x\r\n{}", "a: b\r\n".repeat(100));
    for (kind, body) in [
        ("text/plain", &b"code=1"[..]),
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=", b"--x"),
        (form, b""),
        (form, b"--y\r\n"),
        (form, b"--x\r\n\r\n1\r\n--x\r\n"),
        (form, endless.as_bytes()),
        (form, &[b'a'; 5_000]),
        (form, b"--x\r\nContent-Disposition: form-data; name=\"bundle\"\r\n\r\nx\r\n--x--\r\n"),
        (form, b"--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=\"bundle\"\r\n\r\n"),
    ] {
        let answer = send(at, kind, body);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{kind}: {answer}");
    }
    assert!(ask(at, "GET / HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
    assert_eq!(disks.state().on_trial(), None);
}
