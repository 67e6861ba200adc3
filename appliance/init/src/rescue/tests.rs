//! The page over real connections.
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;

use super::*;

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
    let mut rescue = Rescue::new(at, code);
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
    let mut rescue = Rescue::new(at, Code("1".to_owned()));
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
    let mut rescue = Rescue::new(at, Code("1".to_owned()));
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
