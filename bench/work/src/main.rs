//! Work of the engine, to be counted: `work KIND UNITS`, where a unit is a packet or what one seat takes in a tick.
//!
//! The instructions of a unit are the difference of two runs by the difference of their units; see `bench/instructions.txt`.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use media::{
    Codec, Command, ConferenceId, Config, Direction, Engine, Format, Latch, Remote, SampleRate, Socket, StreamId,
};

/// The streams of each kind of work.
const STREAMS: u32 = 100;

/// A kind of work: what streams there are, which of them speak, and what is done between them.
struct Work {
    codecs: [Codec; 2],
    conference: bool,
    loudest: Option<NonZeroU16>,
    talkers: u32,
    /// Whether keys are told by events; otherwise they are listened for.
    events: bool,
}

impl Work {
    fn of(kind: &str) -> Option<Work> {
        let call = |codecs| Work { codecs, conference: false, loudest: None, talkers: STREAMS, events: true };
        let room = |talkers, loudest| Work {
            codecs: [Codec::Pcmu, Codec::Pcma],
            conference: true,
            loudest: NonZeroU16::new(loudest),
            talkers,
            events: true,
        };
        Some(match kind {
            "forward" => call([Codec::Pcmu, Codec::Pcmu]),
            "translate" => call([Codec::Pcmu, Codec::Pcma]),
            "transcode" => call([Codec::Pcmu, Codec::L16(SampleRate::Khz16)]),
            "mix_3_talkers" => room(3, 3),
            "mix_all_talking" => room(STREAMS, 0),
            "transcode_and_listen_for_tones" => {
                Work { events: false, ..call([Codec::Pcmu, Codec::L16(SampleRate::Khz16)]) }
            }
            _ => return None,
        })
    }

    fn codec(&self, id: u32) -> Codec {
        self.codecs[id as usize % 2]
    }

    fn engine(&self) -> Engine {
        let mut engine = Engine::new(Config { keepalive: None, ..Config::default() }, [1; 32]);
        let mut order = |command| engine.handle_command(Duration::ZERO, command);
        let conference = ConferenceId(1);
        order(Command::OpenConference { conference, loudest: self.loudest });
        for id in 0..STREAMS {
            let stream = StreamId(id);
            order(Command::Open { stream, port: 10_000 });
            let remote = Remote { rtp: phone(id), rtcp: SocketAddr::new(phone(id).ip(), 40_001) };
            let codec = self.codec(id);
            let format = Format::new(codec, codec.static_payload_type().unwrap_or(97));
            let format = if self.events { format.with_telephone_event(101) } else { format };
            let (direction, latch) = (Direction::SendRecv, Latch::Symmetric);
            order(Command::Configure { stream, remote, format, direction, latch, keys: None });
            match self.conference {
                true => order(Command::Join { stream, conference }),
                false if id % 2 == 1 => order(Command::Connect { a: StreamId(id - 1), b: stream }),
                false => {}
            }
        }
        engine
    }

    /// Has everybody who talks say 20 ms. Returns the octets that went out.
    fn tick(&self, engine: &mut Engine, packets: &mut [Vec<u8>], tick: u32) -> u64 {
        let now = Duration::from_millis(20) * tick;
        let mut octets = 0;
        for (id, packet) in (0..self.talkers).zip(packets) {
            self.stamp(packet, tick, id);
            let packet = std::hint::black_box(packet);
            let forward = engine.handle_packet(now, Socket::rtp(StreamId(id)), phone(id), packet);
            octets += forward.map_or(0, |forward| forward.len as u64);
        }
        let mut packet = [0; media::limits::AUDIO_PACKET];
        while engine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            engine.handle_timeout(now);
            while let Some(forward) = engine.poll_audio(std::hint::black_box(&mut packet)) {
                octets += forward.len as u64;
            }
            while engine.poll_transmit().is_some() {}
            while engine.poll_event().is_some() {}
        }
        octets
    }

    /// A packet of a talker; what it says is different from octet to octet.
    fn packet(&self, id: u32) -> Vec<u8> {
        let payload = match self.codec(id) {
            Codec::L16(rate) => 2 * rate.frame(),
            _ => 160,
        };
        (0..12 + payload).map(|octet| (octet as u8).wrapping_mul(37) ^ id as u8).collect()
    }

    /// Writes the header of the packet of this tick.
    fn stamp(&self, packet: &mut [u8], tick: u32, id: u32) {
        let codec = self.codec(id);
        packet[..2].copy_from_slice(&[0x80, codec.static_payload_type().unwrap_or(97)]);
        packet[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(tick * codec.clock_rate() / 50).to_be_bytes());
        packet[8..12].copy_from_slice(&id.to_be_bytes());
    }
}

fn phone(stream: u32) -> SocketAddr {
    ([198, 51, (stream >> 8) as u8, stream as u8], 40_000).into()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let work = arguments.next().and_then(|kind| Work::of(&kind)).expect("a kind of work is named");
    let units: u32 = arguments.next().and_then(|text| text.parse().ok()).expect("units are told");
    let mut engine = work.engine();
    let mut packets: Vec<_> = (0..work.talkers).map(|id| work.packet(id)).collect();
    let octets: u64 = (0..units / STREAMS).map(|tick| work.tick(&mut engine, &mut packets, tick)).sum();
    println!("{octets} octets went out");
}
