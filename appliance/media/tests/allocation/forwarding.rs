//! The way of a packet that is forwarded, and the passing of time, allocate nothing.

use std::net::SocketAddr;
use std::time::Duration;

use media::srtp::{Keys, MasterKey, Profile, RTP_OVERHEAD, Session};
use media::{Codec, Command, Component, Config, Datagram, Direction, Engine, Format, Latch, Remote, Socket, StreamId};

use crate::counting::allocations;

const STREAMS: u32 = 200;

pub fn phone(stream: u32) -> SocketAddr {
    ([198, 51, 100, stream as u8], 40_000).into()
}

/// What the exchange is told of an encrypted phone, and what the phone has; every twentieth stream is one.
fn keys(id: u32) -> Option<[Keys; 2]> {
    let profile = Profile::ALL[id as usize / 20 % Profile::ALL.len()];
    let key = |octet| MasterKey::new(profile, &vec![octet; profile.key_len() + profile.salt_len()]).unwrap();
    let of = |send, receive| Keys { send: key(send), receive: key(receive), receive_key_id_len: 0 };
    id.is_multiple_of(20).then(|| [of(1, 2), of(2, 1)])
}

/// Sends as the phone does. A phone whose source changed too often for its encryption sends plain, and is not heard.
fn protect(phone: &mut Option<Session>, at: Socket, buffer: &mut [u8]) -> usize {
    let len = buffer.len() - RTP_OVERHEAD - 4;
    let protected = match (phone, at.component) {
        (None, _) => Ok(len),
        (Some(phone), Component::Rtp) => phone.protect(buffer, len),
        (Some(phone), Component::Rtcp) => phone.protect_rtcp(buffer, len),
    };
    protected.unwrap_or(len)
}

fn calls() -> Engine {
    let mut engine = Engine::new(Config::default(), [1; 32]);
    for id in 0..STREAMS {
        let stream = StreamId(id);
        engine.handle_command(Duration::ZERO, Command::Open { stream, port: 10_000 + 2 * id as u16 });
        let remote = Remote { rtp: phone(id), rtcp: SocketAddr::new(phone(id).ip(), 40_001) };
        // Half of the calls are between unlike legs.
        let codec = if id % 4 == 3 { Codec::Pcma } else { Codec::Pcmu };
        let format = Format::new(codec, codec.static_payload_type().unwrap_or(0)).with_telephone_event(101);
        let (direction, latch) = (Direction::SendRecv, Latch::Symmetric);
        engine.handle_command(
            Duration::ZERO,
            Command::Configure {
                stream,
                remote,
                format,
                direction,
                latch,
                keys: keys(id).map(|[ours, _]| Box::new(ours)),
            },
        );
        if id % 2 == 1 {
            engine.handle_command(Duration::ZERO, Command::Connect { a: StreamId(id - 1), b: stream });
        }
    }
    engine
}

/// The packet of stream `id` in a tick; every so often a digit, a change of source, a stranger, a report.
fn packet(tick: u32, id: u32) -> (Socket, SocketAddr, [u8; 172]) {
    let mut packet = [0x55; 172];
    let codec = if id % 4 == 3 { 8 } else { 0 };
    let ssrc = if (tick + id).is_multiple_of(1_501) { tick } else { id };
    packet[0] = 0x80;
    packet[1] = if (tick + id) % 100 > 95 { 101 } else { codec };
    packet[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&(tick * 160).to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
    packet[12..16].copy_from_slice(&[5, 0x80, 1, 0]);
    let stranger = (tick + id).is_multiple_of(333);
    let from = if stranger { ([203, 0, 113, 1], 1).into() } else { phone(id) };
    if (tick + id).is_multiple_of(250) {
        let report = [0x80, 201, 0, 42, 0, 0, 0, id as u8];
        packet[..8].copy_from_slice(&report);
        return (Socket::rtcp(StreamId(id)), SocketAddr::new(from.ip(), 40_001), packet);
    }
    (Socket::rtp(StreamId(id)), from, packet)
}

pub fn ten_thousand_ticks() {
    let mut engine = calls();
    let mut phones: Vec<_> = (0..STREAMS).map(|id| keys(id).map(|[_, theirs]| Session::new(theirs))).collect();
    let (mut forwarded, mut events, mut transmits, mut warm) = (0u64, 0u64, 0u64, 0);
    for tick in 0..11_000 {
        let now = Duration::from_millis(20) * tick;
        // The heap of timers finds its size in the first reports.
        if tick == 1_000 {
            warm = allocations();
        }
        for id in 0..STREAMS {
            let (at, from, packet) = packet(tick, id);
            let mut buffer = [0; 172 + RTP_OVERHEAD + 4];
            buffer[..172].copy_from_slice(&packet);
            let len = protect(&mut phones[id as usize], at, &mut buffer);
            let packet = Datagram::new(&mut buffer, len);
            forwarded += u64::from(engine.handle_packet(now, at, from, packet).is_some());
        }
        while engine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            engine.handle_timeout(now);
        }
        events += std::iter::from_fn(|| engine.poll_event()).count() as u64;
        transmits += std::iter::from_fn(|| engine.poll_transmit()).count() as u64;
    }
    let allocations = allocations() - warm;
    assert_eq!(allocations, 0);
    assert!(forwarded > 2_000_000, "{forwarded}");
    assert!(events > 10_000 && transmits > 5_000, "{events} {transmits}");
    assert_eq!(engine.counters().lost_events + engine.counters().lost_transmits, 0);
}
