//! Sounds from real web servers, well-behaved ones and others.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::AtomicUsize;

use super::*;

/// A web server that answers each path in its own way.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// `answer` writes what comes back, head and all.
    fn start(answer: impl Fn(&str, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (asked, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let count = asked.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (count, answer) = (count.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(connection.try_clone().expect("it is open")).lines();
                    let first = lines.next().and_then(Result::ok).unwrap_or_default();
                    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                    count.fetch_add(1, Ordering::Relaxed);
                    // Whoever asked may hang up.
                    let _ = answer(first.split(' ').nth(1).unwrap_or_default(), &mut { connection });
                });
            }
        });
        Server { address, asked }
    }

    fn url(&self, path: &str) -> Sound {
        Sound::Url(format!("http://{}{path}", self.address))
    }
}

fn give(connection: &mut TcpStream, length: usize, body: &[u8]) -> std::io::Result<()> {
    write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    connection.write_all(body)
}

fn refused(bench: &mut Bench, sound: Sound) -> String {
    bench.start(ID, vec![sound]);
    let (samples, reason) = bench.play();
    assert!(samples.is_empty());
    reason.expect("it is refused")
}

#[test]
fn what_is_fetched_is_played_in_its_place_and_fetched_once() {
    let mp3 = include_bytes!("../../../../media/tests/sounds/tagged_44100.mp3");
    let server = Server::start(|path, connection| match path {
        "/moved.wav" => write!(connection, "HTTP/1.1 302 Found\r\nLocation: /a.wav\r\nContent-Length: 0\r\n\r\n"),
        "/a.mp3" => give(connection, mp3.len(), mp3),
        _ => give(connection, wav(&ramp(1, 2_000)).len(), &wav(&ramp(1, 2_000))),
    });
    let mut bench = Bench::reaching(Reach::Anywhere);
    let own = Sound::Octets(wav(&ramp(-9, 500)).into());
    bench.start(ID, vec![own.clone(), server.url("/a.wav"), own, server.url("/moved.wav")]);
    let expected = [ramp(-9, 500), ramp(1, 2_000), ramp(-9, 500), ramp(1, 2_000)].concat();
    assert!(bench.play() == (expected, None));
    let asked = server.asked.load(Ordering::Relaxed);
    bench.start(ID, vec![server.url("/a.wav"), server.url("/a.wav")]);
    assert!(bench.play() == (ramp(1, 2_000).repeat(2), None));
    assert_eq!((asked, server.asked.load(Ordering::Relaxed)), (3, 3), "what is kept is not asked for");
    bench.start(ID, vec![server.url("/a.mp3")]);
    let (samples, failed) = bench.play();
    assert_eq!(failed, None);
    // 0.3 s of a tone, and what an MP3 has around it.
    assert!((2_300..4_000).contains(&samples.len()), "{}", samples.len());
    assert!(samples.iter().any(|sample| *sample > 10_000));
}

#[test]
fn what_cannot_be_had_is_named_and_the_wait_has_an_end() {
    let server = Server::start(|path, connection| match path {
        "/lies.mp3" => give(connection, 1_000_000, &[0xff; 5_000]),
        "/short.wav" => give(connection, 300, &wav(&ramp(1, 2_000))),
        "/loop" => write!(connection, "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"),
        "/endless.mp3" => {
            write!(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            while connection.write_all(&[0; 64 * 1_024]).is_ok() {}
            Ok(())
        }
        "/text" => give(connection, 5, b"hello"),
        "/nonsense" => write!(connection, "220 mail.example ESMTP\r\n"),
        _ => write!(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    });
    let mut bench = Bench::reaching(Reach::Anywhere);
    for (path, word) in [
        ("/missing.wav", "the server answers 404"),
        ("/lies.mp3", "it broke off"),
        ("/loop", "it is redirected more than 3 times"),
        ("/endless.mp3", "it is longer than 32768 KiB"),
        ("/nonsense", "http"),
        ("/text", "/text"),
    ] {
        let reason = refused(&mut bench, server.url(path));
        assert!(reason.contains(word) && reason.contains(path), "{path}: {reason}");
    }
    // A server that promises less than there is gives no more than it promised: 220 octets of sound behind the head.
    bench.start(ID, vec![server.url("/short.wav")]);
    let (samples, _) = bench.play();
    assert!(samples == ramp(1, samples.len()) && samples.len() <= 128, "{}", samples.len());
    for (url, word) in [("ftp://127.0.0.1/a.wav", "ftp"), ("http://", "http"), ("no url at all", "no url")] {
        let reason = refused(&mut bench, Sound::Url(url.to_owned()));
        assert!(reason.contains(word), "{reason}");
    }
    let long = refused(&mut bench, Sound::Url(format!("http://127.0.0.1/{}", "a".repeat(5_000))));
    assert_eq!(long, "a URL of 5017 octets is too long");
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let reason = refused(&mut bench, Sound::Url(format!("http://{closed}/a.wav")));
    assert!(reason.contains("refused"), "{reason}");
}

#[test]
fn what_was_played_before_is_played_while_the_network_is_away() {
    let server = Server::start(|path, connection| match path {
        _ if path.ends_with("once") => give(connection, wav(&ramp(1, 800)).len(), &wav(&ramp(1, 800))),
        _ => Ok(()),
    });
    let mut bench = Bench::reaching(Reach::Anywhere);
    bench.start(ID, vec![server.url("/once")]);
    assert!(bench.play() == (ramp(1, 800), None));
    let kept = fs::read_dir(bench.home.path().join("cache")).expect("a folder").flatten().next().expect("it is kept");
    // As if it had been played an hour ago, at an address that nobody answers any more.
    let gone = "http://127.0.0.1:1/once";
    let cache = Cache::open(&bench.home.path().join("cache")).expect("it is there");
    cache.keep(gone, fs::File::open(kept.path()).expect("it is there")).expect("there is room");
    for entry in fs::read_dir(bench.home.path().join("cache")).expect("a folder").flatten() {
        let file = fs::File::options().write(true).open(entry.path()).expect("it is ours");
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000)).expect("it is ours");
    }
    bench.start(ID, vec![Sound::Url(gone.into())]);
    assert!(bench.play() == (ramp(1, 800), None));
}

#[test]
fn nothing_is_fetched_from_this_box() {
    let server = Server::start(|_, connection| give(connection, wav(&ramp(1, 80)).len(), &wav(&ramp(1, 80))));
    let mut bench = Bench::new();
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1.2.3", "169.254.169.254"] {
        let reason = refused(&mut bench, Sound::Url(format!("http://{host}:{port}/a.wav")));
        assert!(reason.contains("an address of this box or beside it"), "{host}: {reason}");
    }
    assert_eq!(server.asked.load(Ordering::Relaxed), 0);
}
