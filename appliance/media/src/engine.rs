//! The engine: what packets, commands and time do to the streams.

mod audience;
mod bridge;
mod control;
mod ear;
mod ingress;
mod keypad;
mod outbox;
mod pause;
mod playing;
mod program;
mod protection;
mod report;
mod room;
mod rooms;
mod seat;
mod spread;
mod stream;
mod streams;
mod timeout;
mod timer;
mod voice;

pub use playing::Parcel;

use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::config::Config;
use crate::datagram::Datagram;
use crate::engine::outbox::Outbox;
use crate::engine::playing::Works;
use crate::engine::rooms::Rooms;
use crate::engine::streams::Streams;
use crate::engine::timer::Agenda;
use crate::rtcp::wall_clock::WallClock;
use crate::rtp::header;
use crate::socket::Component;
use crate::{Counters, Deadline, Event, Forward, Socket, Statistics, StreamId, Time, Transmit};

/// All streams of one media thread.
///
/// A stream goes through three states: open (its packets are dropped), configured (they are counted, digits are heard,
/// reports are sent) and connected (they go on to the other stream). The way of a packet is
/// look up → [decryption](crate::srtp) → header → [source](crate::rtp::latching) → [sequence](crate::rtp::reception) → direction → [digits](crate::dtmf)
/// → [rule](crate::ForwardingRule) → [encryption](crate::srtp).
#[derive(Debug)]
pub struct Engine {
    config: Config,
    cname: String,
    random: ChaCha8Rng,
    clock: WallClock,
    streams: Streams,
    rooms: Rooms,
    works: Works,
    agenda: Agenda,
    outbox: Outbox,
}

impl Engine {
    /// An engine without streams. `seed` decides every random number it will ever use.
    pub fn new(config: Config, seed: [u8; 32]) -> Engine {
        let mut random = ChaCha8Rng::from_seed(seed);
        let config = config.bounded();
        let cname = match config.cname.as_str() {
            // RFC 7022 §4.2: 96 random bits, here as hexadecimal digits.
            "" => format!("{:016x}{:08x}", random.next_u64(), random.next_u32()),
            cname => cname.to_owned(),
        };
        Engine {
            config,
            cname,
            random,
            clock: WallClock::default(),
            streams: Streams::new(),
            rooms: Rooms::default(),
            works: Works::default(),
            agenda: Agenda::default(),
            outbox: Outbox::new(),
        }
    }

    /// Tells the wall clock: at `now` it was `unix` after 1970-01-01T00:00:00Z. RTCP needs it (RFC 3550 §4).
    pub fn handle_clock(&mut self, now: Time, unix: Duration) {
        self.clock.set(now, unix);
    }

    /// A packet arrived. When it has to go on, it was rewritten in place, and the answer says where the first octets of its
    /// buffer go.
    pub fn handle_packet<'a>(
        &mut self,
        now: Time,
        at: Socket,
        from: SocketAddr,
        packet: impl Into<Datagram<'a>>,
    ) -> Option<Forward> {
        let packet = packet.into();
        let Some(slot) = self.streams.find(at.stream) else {
            self.outbox.counters.unknown_stream += 1;
            return None;
        };
        if at.component == Component::Rtcp || header::looks_like_rtcp(packet.octets()) {
            self.receive_rtcp(now, (slot, at.component), from, packet);
            return None;
        }
        self.receive_rtp(now, slot, from, packet)
    }

    /// Makes the next packet of audio that has to go out now in `packet`, which has room for
    /// [`limits::AUDIO_PACKET`](crate::limits::AUDIO_PACKET) octets, and says where its first octets go.
    pub fn poll_audio(&mut self, packet: &mut [u8]) -> Option<Forward> {
        while let Some((id, mut room)) = self.rooms.take_speaking() {
            let forward = room.speak(&mut self.streams, &mut self.outbox, packet);
            let ended = std::mem::take(&mut room.ended);
            let (done, at, first) = (forward.is_none(), room.next(), room.seats.first().copied());
            self.rooms.spoke(id, room, done);
            if let (true, Some(first)) = (ended, first) {
                self.settle(id);
                self.arrange(at, first);
            }
            if forward.is_some() {
                return forward;
            }
        }
        None
    }

    /// The next buffer of sound, played or recorded.
    pub fn poll_parcel(&mut self) -> Option<Parcel> {
        self.outbox.next_parcel()
    }

    /// The next packet of our own that is no audio.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.outbox.next_transmit()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.outbox.next_event()?;
        self.works.forget(&event);
        Some(event)
    }

    /// When [`Engine::handle_timeout`] wants to be called, at the latest.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.agenda.next().into_iter().chain(self.rooms.next()).min()
    }

    /// The numbers of a stream; `None` when there is no such stream.
    pub fn statistics(&self, stream: StreamId) -> Option<Statistics> {
        Some(self.streams.get(stream)?.statistics())
    }

    /// The rule by which packets of a stream's phone go on, once the first has; for a faster path than ours. Encrypted ones
    /// go by no rule alone.
    pub fn forwarding_rule(&self, stream: StreamId) -> Option<&crate::ForwardingRule> {
        let stream = self.streams.get(stream)?;
        let peer = stream.peer.and_then(|peer| self.streams.get(peer));
        if stream.session.is_some() || peer.is_some_and(|peer| peer.session.is_some()) {
            return None;
        }
        let route = &stream.route;
        route.rule.as_ref().filter(|_| !route.stale)
    }

    /// The numbers of the engine itself.
    pub fn counters(&self) -> Counters {
        Counters { streams: self.streams.len() as u64, ..self.outbox.counters }
    }
}
