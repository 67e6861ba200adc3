//! Garbage on the wire: a status or a drop, counted; no panic, no growth, and the phones do not notice.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::Result;
use box_tests::{Exchange, wait};

const INVITE: &str = "INVITE sip:1002@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKabuse;rport\r\nMax-Forwards: 70\r\n\
    From: \"A\" <sip:1001@127.0.0.1>;tag=1\r\nTo: <sip:1002@127.0.0.1>\r\nCall-ID: abuse@127.0.0.1\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:1001@127.0.0.1:5099>\r\nContent-Type: application/sdp\r\nContent-Length: 129\r\n\r\n\
    v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// A small generator, so that a failure can be repeated (Steele and Vigna's SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 27)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn mutated(seeded: &mut Seeded) -> Vec<u8> {
    let mut bytes = INVITE.as_bytes().to_vec();
    for _ in 0..1 + seeded.below(8) {
        let at = seeded.below(bytes.len());
        match seeded.below(4) {
            0 => bytes[at] = seeded.next() as u8,
            1 => drop(bytes.drain(at..(at + 1 + seeded.below(20)).min(bytes.len()))),
            2 => bytes.insert(at, seeded.next() as u8),
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            return b"x".to_vec();
        }
    }
    bytes
}

fn answers(exchange: &Exchange) -> Result<bool> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(wait::PATIENCE))?;
    let port = socket.local_addr()?.port();
    let options = format!(
        "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKok{port};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: ok{port}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(options.as_bytes(), ("127.0.0.1", exchange.sip))?;
    let mut answer = [0; 2048];
    let length = socket.recv(&mut answer)?;
    Ok(answer[..length].starts_with(b"SIP/2.0 200 "))
}

#[test]
fn ten_thousand_mutated_messages_a_second_do_no_harm() -> Result<()> {
    let exchange = Exchange::start()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let mut seeded = Seeded(2026);
    let storm = |seconds: u64, seeded: &mut Seeded| -> Result<u64> {
        let (start, mut sent) = (Instant::now(), 0u64);
        while start.elapsed() < Duration::from_secs(seconds) {
            // As many as belong to the time that has passed.
            while sent < start.elapsed().as_millis() as u64 * 10 {
                socket.send_to(&mutated(seeded), ("127.0.0.1", exchange.sip))?;
                sent += 1;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(sent)
    };
    storm(3, &mut seeded)?;
    let first = exchange.process.resident();
    storm(3, &mut seeded)?;
    let second = exchange.process.resident();
    assert!(answers(&exchange)?, "it does not answer any more");
    assert!(second < first + 32 * 1024 * 1024, "memory grew from {first} to {second} bytes");
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_stream_that_never_ends_a_message_is_cut_off() -> Result<()> {
    let exchange = Exchange::start()?;
    let mut stream = TcpStream::connect(("127.0.0.1", exchange.sip))?;
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    let line = format!("X-Filler: {}\r\n", "x".repeat(1000));
    let mut oversized = b"INVITE sip:1002@127.0.0.1 SIP/2.0\r\n".to_vec();
    while oversized.len() < 200 * 1024 {
        oversized.extend_from_slice(line.as_bytes());
    }
    // It may be cut off while we still write.
    let _ = stream.write_all(&oversized);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty() || rest.starts_with(b"SIP/2.0 4"), "{}", String::from_utf8_lossy(&rest));

    let mut binary = TcpStream::connect(("127.0.0.1", exchange.sip))?;
    let _ = binary.write_all(&[0xff; 70_000]);
    let mut pieces = TcpStream::connect(("127.0.0.1", exchange.sip))?;
    pieces.set_read_timeout(Some(wait::PATIENCE))?;
    let options = "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKpieces\r\nMax-Forwards: 70\r\n\
                   From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: pieces\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    for byte in options.bytes() {
        pieces.write_all(&[byte])?;
    }
    let mut answer = [0; 2048];
    let length = pieces.read(&mut answer)?;
    assert!(answer[..length].starts_with(b"SIP/2.0 200 "), "{}", String::from_utf8_lossy(&answer[..length]));
    assert!(answers(&exchange)?);
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn whoever_guesses_passwords_is_not_listened_to_and_the_phone_beside_it_is() -> Result<()> {
    let exchange = Exchange::start()?;
    exchange.add_extension("1001")?;
    let phone = box_tests::baresip::Setup::new(&exchange, "1001").start()?;
    exchange.await_registrations("1001", 1)?;
    // The phone has proved its password from this address, so that the guesser beside it cannot have it blocked.
    let guess = box_tests::baresip::Setup {
        password: "wrong password".into(),
        ..box_tests::baresip::Setup::new(&exchange, "1001")
    };
    let guesser = guess.start()?;
    wait::let_pass(Duration::from_secs(2));
    assert_eq!(exchange.registrations("1001")?.len(), 1);
    assert!(answers(&exchange)?);
    drop((phone, guesser));
    exchange.assert_no_errors();
    Ok(())
}
