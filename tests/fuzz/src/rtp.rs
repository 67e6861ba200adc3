//! RTP and RTCP as they arrive from the network, on a call of two unlike legs.
//!
//! The input is a list of datagrams, each after a head of four octets: who sends it and to which socket, how many
//! hundredths of a second later (0–255), and its length (two octets, big endian). Bits of the first octet: 0 the leg, 1 RTCP, 2–3 the
//! source (the phone, its host by another port, a stranger, a stranger by IPv6), 4 a re-INVITE of the leg comes first, 5–6 with that
//! direction, 7 with another SDP address.

use std::net::SocketAddr;
use std::time::Duration;

use media::{Codec, Command, Component, Config, Direction, Engine, Format, Latch, Remote, Socket, StreamId, Transmit};

/// As many datagrams as one input may hold.
const DATAGRAMS: usize = 512;

/// Hands a list of datagrams to an engine. What is forwarded must be sound, whatever came in.
pub fn rtp_ingress(data: &[u8]) {
    let mut call = Call::new();
    let mut rest = data;
    for _ in 0..DATAGRAMS {
        let Some((&[flags, wait, high, low], behind)) = rest.split_first_chunk::<4>() else { break };
        let length = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
        let (datagram, behind) = behind.split_at(length);
        rest = behind;
        call.pass(Duration::from_millis(u64::from(wait) * 10));
        if flags & 0x10 != 0 {
            call.configure(usize::from(flags & 1), flags);
        }
        call.deliver(flags, datagram);
    }
    call.end();
}

struct Call {
    engine: Engine,
    now: Duration,
}

const LEGS: [StreamId; 2] = [StreamId(7), StreamId(8)];

fn phone(leg: usize) -> SocketAddr {
    ([198, 51, 100, leg as u8 + 1], 40_000).into()
}

impl Call {
    fn new() -> Call {
        let engine = Engine::new(Config { hold_timeout: Some(Duration::from_secs(90)), ..Config::default() }, [3; 32]);
        let mut call = Call { engine, now: Duration::from_secs(1) };
        for (leg, stream) in LEGS.into_iter().enumerate() {
            call.engine.handle_command(call.now, Command::Open { stream, port: 10_000 + 2 * leg as u16 });
            call.configure(leg, 0);
        }
        call.engine.handle_command(call.now, Command::Connect { a: LEGS[0], b: LEGS[1] });
        call
    }

    fn configure(&mut self, leg: usize, flags: u8) {
        let format = match leg {
            0 => Format::new(Codec::Pcmu, 0).receiving(Codec::Pcma, 8).with_telephone_event(101).with_comfort_noise(),
            _ => Format::new(Codec::Pcma, 8).with_telephone_event(96),
        };
        let directions = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
        let direction = directions[usize::from(flags >> 5 & 3)];
        let mut rtp = phone(leg);
        if flags & 0x80 != 0 {
            rtp.set_port(50_000);
        }
        let remote = Remote { rtp, rtcp: SocketAddr::new(rtp.ip(), rtp.port() + 1) };
        let (stream, latch) = (LEGS[leg], Latch::Symmetric);
        self.engine
            .handle_command(self.now, Command::Configure { stream, remote, format, direction, latch, keys: None });
    }

    fn deliver(&mut self, flags: u8, datagram: &[u8]) {
        let leg = usize::from(flags & 1);
        let component = if flags & 2 == 0 { Component::Rtp } else { Component::Rtcp };
        let from = match flags >> 2 & 3 {
            0 if component == Component::Rtp => phone(leg),
            0 | 1 => SocketAddr::new(phone(leg).ip(), 40_001),
            2 => ([203, 0, 113, 66], 6_666).into(),
            _ => ([0x2001, 0xDB8, 0, 0, 0, 0, 0, 1], 6_666).into(),
        };
        let mut packet = datagram.to_vec();
        let socket = Socket { stream: LEGS[leg], component };
        if let Some(forward) = self.engine.handle_packet(self.now, socket, from, &mut packet) {
            assert_eq!(component, Component::Rtp);
            assert_eq!(forward.at, Socket::rtp(LEGS[1 - leg]));
            assert!((12..=datagram.len()).contains(&forward.len));
            let payload_type = packet[1] & 0x7F;
            let negotiated: &[u8] = if leg == 0 { &[8, 96] } else { &[0, 101] };
            assert!(packet[0] == 0x80 && negotiated.contains(&payload_type));
        }
        self.drain();
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        while self.engine.poll_timeout().is_some_and(|deadline| deadline.at <= self.now) {
            self.engine.handle_timeout(self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.engine.poll_transmit() {
            assert_sound(&transmit);
        }
        while self.engine.poll_event().is_some() {}
    }

    fn end(mut self) {
        for stream in LEGS {
            let statistics = self.engine.statistics(stream).expect("the stream is open");
            assert!(statistics.loss() <= 1.0 && statistics.jitter <= statistics.jitter_max);
            self.engine.handle_command(self.now, Command::Close { stream });
            self.drain();
        }
        assert_eq!(self.engine.counters().streams, 0);
        assert_eq!(self.engine.counters().lost_events, 0);
    }
}

fn assert_sound(transmit: &Transmit) {
    let packet = transmit.packet();
    match transmit.at.component {
        Component::Rtp => assert!(packet.is_empty()),
        Component::Rtcp => assert!(packet.len().is_multiple_of(4) && matches!(packet[1], 200 | 201)),
    }
}
