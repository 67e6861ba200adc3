//! The phones, the clock and the wires.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use media::codec::encoder::Encoder;
use media::srtp::RTP_OVERHEAD;
use media::{
    Codec, Command, Component, Config, Datagram, Direction, Engine, Event, Format, Forward, Lane, Latch, Parcel,
    Partial, RecordedBuffer, Remote, Socket, Statistics, StreamId, Time, Transmit,
};
use rtp::header::Header;
use rtp::packet::Packet;
use webrtc_util::marshal::{Marshal, Unmarshal};

use crate::encrypted::Line;
use crate::sound::{Pcm, Tone};

pub const PTIME: Duration = Duration::from_millis(20);
pub const SAMPLES: u32 = 160;

/// A telephone: where it is, and what its next packet looks like.
pub struct Phone {
    pub stream: StreamId,
    /// Where its packets come from.
    pub at: SocketAddr,
    /// Where its SDP says it is.
    pub sdp: SocketAddr,
    pub format: Format,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    /// What encrypts, where it is encrypted.
    pub line: Option<Line>,
    pub heard: Vec<Heard>,
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub at: Time,
    pub packet: Packet,
}

impl Phone {
    fn new(stream: u32, at: &str, format: Format) -> Phone {
        let at: SocketAddr = at.parse().unwrap();
        let sequence = 65_500;
        Phone {
            stream: StreamId(stream),
            at,
            sdp: at,
            format,
            ssrc: 0xA000_0000 + stream,
            sequence,
            timestamp: u32::MAX - 500,
            line: None,
            heard: Vec::new(),
        }
    }

    /// The next audio packet of the phone. Its payload differs from packet to packet.
    pub fn audio(&mut self) -> Packet {
        let packet = self.next_audio();
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
        packet
    }

    /// The same packet, still to be sent.
    pub fn next_audio(&self) -> Packet {
        let header = Header {
            version: 2,
            payload_type: self.format.send.payload_type,
            sequence_number: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        let payload: Vec<u8> = (0..SAMPLES).map(|sample| (self.timestamp.wrapping_add(sample) >> 2) as u8).collect();
        Packet { header, payload: Bytes::from(payload) }
    }

    pub fn remote(&self) -> Remote {
        Remote { rtp: self.sdp, rtcp: SocketAddr::new(self.sdp.ip(), self.sdp.port() + 1) }
    }

    pub fn rtcp_at(&self) -> SocketAddr {
        SocketAddr::new(self.at.ip(), self.at.port() + 1)
    }
}

pub struct World {
    pub engine: Engine,
    pub now: Time,
    pub phones: Vec<Phone>,
    pub events: Vec<Event>,
    pub transmits: Vec<(Time, Transmit)>,
    pub parcels: Vec<Parcel>,
    /// What other engines are told of conferences.
    pub partials: Vec<(Vec<Lane>, Partial)>,
    /// Where packets went that no phone got.
    pub astray: Vec<SocketAddr>,
}

pub const A: usize = 0;
pub const B: usize = 1;
pub const C: usize = 2;

pub fn ulaw() -> Format {
    Format::new(Codec::Pcmu, 0).with_telephone_event(101)
}

pub fn alaw() -> Format {
    Format::new(Codec::Pcma, 8).with_telephone_event(96)
}

impl World {
    /// Phones with these formats; all streams open and configured, the first two connected.
    pub fn call(formats: &[Format]) -> World {
        World::with(Config::default(), formats)
    }

    /// Phones with these formats that are not connected.
    pub fn apart(formats: &[Format]) -> World {
        let mut world = World::with(Config::default(), &formats[..1]);
        for format in &formats[1..] {
            world.add(*format);
        }
        world
    }

    pub fn with(config: Config, formats: &[Format]) -> World {
        let mut world = World {
            engine: Engine::new(config, [7; 32]),
            now: Time::from_secs(100),
            phones: Vec::new(),
            events: Vec::new(),
            transmits: Vec::new(),
            parcels: Vec::new(),
            partials: Vec::new(),
            astray: Vec::new(),
        };
        for format in formats {
            world.add(*format);
        }
        if formats.len() >= 2 {
            world.connect(A, B);
        }
        world
    }

    fn add(&mut self, format: Format) {
        let place = self.phones.len() as u32 + 1;
        self.phones.push(Phone::new(place, &format!("198.51.100.{place}:40000"), format));
        self.command(Command::Open { stream: StreamId(place), port: 10_000 + 2 * place as u16 });
        self.configure(place as usize - 1, Direction::SendRecv);
    }

    pub fn command(&mut self, command: Command) {
        self.engine.handle_command(self.now, command);
        self.drain();
    }

    pub fn configure(&mut self, who: usize, direction: Direction) {
        self.configure_as(who, direction, Latch::Symmetric);
    }

    pub fn configure_as(&mut self, who: usize, direction: Direction, latch: Latch) {
        let Phone { stream, format, .. } = self.phones[who];
        let (remote, keys) = (self.phones[who].remote(), self.phones[who].line.as_ref().map(Line::keys));
        self.command(Command::Configure { stream, remote, format, direction, latch, keys });
    }

    pub fn connect(&mut self, a: usize, b: usize) {
        let (a, b) = (self.phones[a].stream, self.phones[b].stream);
        self.command(Command::Connect { a, b });
    }

    pub fn close(&mut self, who: usize) {
        self.command(Command::Close { stream: self.phones[who].stream });
    }

    /// Hands octets to the engine, and what comes out of it to the phone it is for.
    pub fn deliver(&mut self, at: Socket, from: SocketAddr, octets: &[u8]) {
        let mut buffer = octets.to_vec();
        buffer.resize(octets.len() + RTP_OVERHEAD, 0xEE);
        let packet = Datagram::new(&mut buffer, octets.len());
        let forward = self.engine.handle_packet(self.now, at, from, packet);
        if let Some(forward) = forward {
            self.hear(forward, &buffer);
        }
        self.drain();
    }

    fn hear(&mut self, forward: Forward, octets: &[u8]) {
        assert_eq!(forward.at.component, Component::Rtp);
        let octets = &octets[..forward.len];
        match self.phones.iter_mut().find(|phone| phone.at == forward.to) {
            Some(phone) => {
                assert_eq!(phone.stream, forward.at.stream);
                let opened = phone.line.as_mut().map(|line| line.unprotect(octets));
                let packet = Packet::unmarshal(&mut opened.as_deref().unwrap_or(octets)).unwrap();
                phone.heard.push(Heard { at: self.now, packet });
            }
            None => self.astray.push(forward.to),
        }
    }

    /// These phones say these tones for so many packets.
    pub fn say(&mut self, tones: &[(usize, f64)], packets: usize) {
        let loud: Vec<_> = tones.iter().map(|(who, hertz)| (*who, *hertz, 1.0)).collect();
        self.say_at(&loud, packets);
    }

    /// The same, each by its own loudness.
    pub fn say_at(&mut self, tones: &[(usize, f64, f64)], packets: usize) {
        let voice = |(who, hertz, loudness): &(usize, f64, f64)| {
            (*who, Tone::new(&self.phones[*who].format.send, *hertz, *loudness))
        };
        let mut voices: Vec<_> = tones.iter().map(voice).collect();
        for _ in 0..packets {
            for (who, tone) in &mut voices {
                let mut packet = self.phones[*who].audio();
                packet.payload = Bytes::from(tone.payload());
                let units = self.phones[*who].format.clock_rate() / 50;
                self.phones[*who].timestamp = packet.header.timestamp.wrapping_add(units);
                self.send(*who, &packet);
            }
            self.pass(PTIME);
        }
    }

    /// A phone says these samples, at the rate of its codec.
    pub fn say_samples(&mut self, who: usize, pcm: &[i16]) {
        let format = self.phones[who].format;
        let mut encoder = Encoder::new(&format.send).unwrap();
        for frame in pcm.chunks_exact(encoder.sample_rate().frame()) {
            let mut payload = vec![0; 2_000];
            let encoded = encoder.encode(frame, &mut payload).unwrap();
            payload.truncate(encoded.len);
            let mut packet = self.phones[who].audio();
            packet.payload = Bytes::from(payload);
            self.phones[who].timestamp = packet.header.timestamp.wrapping_add(format.clock_rate() / 50);
            self.send(who, &packet);
            self.pass(PTIME);
        }
    }

    /// What a phone heard, as samples.
    pub fn heard(&self, who: usize) -> Pcm {
        Pcm::decoded(&self.phones[who].heard, &self.phones[who].format.send)
    }

    pub fn forget_heard(&mut self) {
        self.phones.iter_mut().for_each(|phone| phone.heard.clear());
    }

    pub fn send(&mut self, who: usize, packet: &Packet) {
        let Phone { stream, at, line, .. } = &mut self.phones[who];
        let plain = packet.marshal().unwrap();
        let protected = line.as_mut().map(|line| line.protect(&plain));
        let (stream, at) = (*stream, *at);
        self.deliver(Socket::rtp(stream), at, protected.as_deref().unwrap_or(&plain));
    }

    /// The phone speaks for so many packets, one each 20 ms.
    pub fn speak(&mut self, who: usize, packets: usize) {
        for _ in 0..packets {
            let packet = self.phones[who].audio();
            self.send(who, &packet);
            self.pass(PTIME);
        }
    }

    /// Lets time pass; every timer is served at its moment.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.engine.poll_timeout().filter(|deadline| deadline.at <= until) {
            self.now = self.now.max(deadline.at);
            self.engine.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    pub fn drain(&mut self) {
        while let Some((lanes, partial)) = self.engine.poll_partial() {
            self.partials.push((lanes.to_vec(), partial.clone()));
        }
        let mut octets = vec![0; media::limits::AUDIO_PACKET];
        while let Some(forward) = self.engine.poll_audio(&mut octets) {
            self.hear(forward, &octets);
        }
        while let Some(parcel) = self.engine.poll_parcel() {
            // Whoever writes recordings down lends the buffer again.
            if let Parcel::Recorded { recording, buffer: RecordedBuffer { pcm, len: 1.., last: false } } = &parcel {
                self.engine.handle_buffer(*recording, vec![0; pcm.len()].into());
            }
            self.parcels.push(parcel);
        }
        while let Some(transmit) = self.engine.poll_transmit() {
            self.transmits.push((self.now, transmit));
        }
        while let Some(event) = self.engine.poll_event() {
            self.events.push(event);
        }
    }

    pub fn statistics(&self, who: usize) -> Statistics {
        self.engine.statistics(self.phones[who].stream).unwrap()
    }

    pub fn headers(&self, who: usize) -> Vec<Header> {
        self.phones[who].heard.iter().map(|heard| heard.packet.header.clone()).collect()
    }

    /// What the phone heard is one stream: one SSRC, each sequence number the next, time never back.
    pub fn assert_gapless(&self, who: usize) {
        for pair in self.headers(who).windows(2) {
            assert_eq!(pair[0].ssrc, pair[1].ssrc);
            assert_eq!(pair[0].sequence_number.wrapping_add(1), pair[1].sequence_number);
            let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp) as i32;
            assert!(step > 0, "timestamp went by {step}");
        }
    }
}
