//! Forwards packets between the legs of calls, to be counted: `forward <calls> <packets> <ulaw|unlike|none>`.
//!
//! `none` does everything but hand the packets to the engine, so that the difference of two runs under
//! `valgrind --tool=callgrind` is what the engine needs.

#![expect(clippy::disallowed_methods, reason = "a program takes its settings from its arguments")]

use std::net::SocketAddr;
use std::time::Duration;

use media::{Codec, Command, Config, Direction, Engine, Format, Latch, Remote, Socket, StreamId};

fn phone(stream: u32) -> SocketAddr {
    ([198, 51, (stream >> 8) as u8, stream as u8], 40_000).into()
}

fn engine(calls: u32, unlike: bool) -> Engine {
    let mut engine = Engine::new(Config { keepalive: None, ..Config::default() }, [1; 32]);
    for id in 0..calls * 2 {
        let stream = StreamId(id);
        engine.handle_command(Duration::ZERO, Command::Open { stream, port: 10_000 });
        let remote = Remote { rtp: phone(id), rtcp: SocketAddr::new(phone(id).ip(), 40_001) };
        let format = match unlike && id % 2 == 1 {
            true => Format::new(Codec::Pcma, 8),
            false => Format::new(Codec::Pcmu, 0),
        };
        let (direction, latch) = (Direction::SendRecv, Latch::Symmetric);
        engine.handle_command(Duration::ZERO, Command::Configure { stream, remote, format, direction, latch });
        if id % 2 == 1 {
            engine.handle_command(Duration::ZERO, Command::Connect { a: StreamId(id - 1), b: stream });
        }
    }
    engine
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let calls: u32 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100);
    let packets: u32 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let mode = arguments.next().unwrap_or_else(|| "ulaw".to_owned());
    let mut engine = engine(calls, mode == "unlike");
    let mut forwarded = 0u64;
    for count in 0..packets {
        let (tick, id) = (count / (calls * 2), count % (calls * 2));
        let mut packet = [0x55u8; 172];
        packet[0] = 0x80;
        packet[1] = if mode == "unlike" && id % 2 == 1 { 8 } else { 0 };
        packet[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(tick * 160).to_be_bytes());
        packet[8..12].copy_from_slice(&id.to_be_bytes());
        let now = Duration::from_millis(20) * tick;
        let packet = std::hint::black_box(&mut packet);
        if mode != "none" {
            let forward = engine.handle_packet(now, Socket::rtp(StreamId(id)), phone(id), packet);
            forwarded += forward.map_or(0, |forward| forward.len as u64);
        }
    }
    println!("{forwarded} octets forwarded");
}
