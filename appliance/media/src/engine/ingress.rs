//! What happens to an RTP packet that arrives.

use std::net::SocketAddr;

use crate::datagram::Datagram;
use crate::dtmf::{Digit, EventPacket};
use crate::engine::outbox::Outbox;
use crate::engine::stream::{Pressed, Stream};
use crate::engine::streams::Slot;
use crate::engine::{Engine, bridge};
use crate::forwarding_rule::{Content, PayloadRule};
use crate::jitter::ReceivedPacket;
use crate::limits;
use crate::rtp::header::Header;
use crate::rtp::latching::Verdict;
use crate::rtp::reception::Arrival;
use crate::socket::Component;
use crate::{Event, Forward, Time};

/// A packet of the phone that was accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incoming {
    pub(super) source: SocketAddr,
    pub(super) header: Header,
    /// Its extended sequence number.
    pub(super) extended: u64,
    /// Whether none of higher number came before.
    pub(super) newest: bool,
    /// Which of the payload rules it falls under.
    pub(super) payload: usize,
}

impl Incoming {
    fn received<'a>(&self, packet: &'a [u8]) -> ReceivedPacket<'a> {
        ReceivedPacket {
            sequence: self.extended,
            timestamp: self.header.timestamp,
            payload_type: self.header.payload_type,
            marker: self.header.marker,
            payload: self.header.payload(packet),
        }
    }
}

impl Engine {
    pub(super) fn receive_rtp(
        &mut self,
        now: Time,
        slot: Slot,
        from: SocketAddr,
        mut packet: Datagram<'_>,
    ) -> Option<Forward> {
        let stream = self.streams.at_mut(slot)?;
        stream.unprotect(Component::Rtp, &mut packet)?;
        let incoming = stream.accept(now, from, packet.octets(), &mut self.outbox);
        if let (Some(seat), Some(incoming)) = (&mut stream.seat, &incoming) {
            seat.receiver.push(now, &incoming.received(packet.octets()));
        }
        let peer = stream.peer?;
        let moved = std::mem::take(&mut stream.moved);
        if incoming.is_none() && !moved {
            return None;
        }
        let (stream, peer) = self.streams.pair_mut(slot, peer)?;
        if moved {
            peer.route.renew();
        }
        let incoming = incoming?;
        match bridge::forward(now, (&mut *stream, &mut *peer), &mut packet, &incoming) {
            Ok(forward) => Some(forward),
            Err(reason) => {
                reason.count(&mut stream.dropped);
                if stream.pressed.by == stream.reception.packets() {
                    stream.pass_digits_on(peer);
                }
                None
            }
        }
    }
}

impl Stream {
    /// Checks a packet from end to end and takes it into account. `None`: it is dropped, and counted as such.
    fn accept(&mut self, now: Time, from: SocketAddr, packet: &[u8], outbox: &mut Outbox) -> Option<Incoming> {
        let Some(agreed) = &self.agreed else {
            self.dropped.early += 1;
            return None;
        };
        let Ok(header) = Header::parse(packet) else {
            self.dropped.malformed += 1;
            return None;
        };
        let payload = agreed
            .payloads
            .iter()
            .position(|rule| rule.as_ref().is_some_and(|rule| rule.from == header.payload_type))
            .and_then(|index| Some((index, agreed.payloads[index]?)));
        if !agreed.latching.is_known(from, header.ssrc) && !self.admit(now, from, &header, payload.is_some(), outbox) {
            return None;
        }
        let (extended, newest) = self.place(now, &header, payload.map(|(_, rule)| rule))?;
        let receives = self.agreed.as_ref().is_some_and(|agreed| agreed.direction.receives());
        if !receives {
            // What comes while on hold must not show as a gap afterwards.
            self.route.cut();
            self.dropped.direction += 1;
            return None;
        }
        let Some((index, rule)) = payload else {
            if let (true, Some(rule)) = (newest, &mut self.route.rule) {
                rule.sequence.skip(extended);
            }
            self.dropped.payload_type += 1;
            return None;
        };
        self.listen(now, packet, &header, rule.content, outbox);
        Some(Incoming { source: from, header, extended, newest, payload: index })
    }

    /// Decides about a packet that is not from the source we know.
    #[cold]
    fn admit(&mut self, now: Time, from: SocketAddr, header: &Header, negotiated: bool, outbox: &mut Outbox) -> bool {
        let heard_at = self.reception.last_at();
        let Some(agreed) = &mut self.agreed else { return false };
        if !negotiated && !agreed.latching.is_latched() {
            self.dropped.payload_type += 1;
            return false;
        }
        // Noise of an unknown kind from elsewhere is never a reason to follow it.
        let verdict = if negotiated || agreed.latching.is_at(from) {
            agreed.latching.judge(now, from, header.ssrc, heard_at)
        } else {
            Verdict::ThirdParty
        };
        match verdict {
            Verdict::Known => return true,
            Verdict::ThirdParty => {
                self.dropped.third_party += 1;
                return false;
            }
            Verdict::First => outbox.event(Event::Started { stream: self.id, from }),
            Verdict::NewSource | Verdict::Moved => self.change_source(now, from, outbox),
        }
        self.moved = verdict != Verdict::NewSource;
        self.reception.start(header.ssrc, header.sequence);
        self.route.cut();
        true
    }

    fn change_source(&mut self, now: Time, from: SocketAddr, outbox: &mut Outbox) {
        self.source_changes = self.source_changes.saturating_add(1);
        self.reporting.forget_source();
        if let Some(seat) = &mut self.seat {
            seat.receiver.reset();
        }
        let cut_off = self.digits.reset(self.event_clock_rate());
        self.tell_digit(cut_off, outbox);
        let told_just_now = self.relatched_at.is_some_and(|at| now.saturating_sub(at) < limits::RELATCHED_INTERVAL);
        if !told_just_now {
            self.relatched_at = Some(now);
            outbox.event(Event::Relatched { stream: self.id, from });
        }
    }

    /// Finds the packet's place in its source's sequence and time.
    fn place(&mut self, now: Time, header: &Header, rule: Option<PayloadRule>) -> Option<(u64, bool)> {
        let (extended, newest) = match self.reception.arrive(now, header.sequence, header.payload_len()) {
            Arrival::Newest(extended) => (extended, true),
            Arrival::Late(extended) => (extended, false),
            Arrival::Restarted(extended) => {
                self.route.cut();
                if let Some(seat) = &mut self.seat {
                    seat.receiver.reset();
                }
                (extended, true)
            }
            Arrival::Jump => {
                self.dropped.sequence += 1;
                return None;
            }
        };
        if let (true, Some(Content::Audio(codec))) = (newest, rule.map(|rule| rule.content))
            && !self.reception.time(now, header.timestamp, codec.clock_rate())
        {
            self.route.cut();
        }
        Some((extended, newest))
    }

    /// Hears digits.
    fn listen(&mut self, now: Time, packet: &[u8], header: &Header, content: Content, outbox: &mut Outbox) {
        if content == Content::TelephoneEvent {
            let clock_rate = self.event_clock_rate();
            if let Some(event) = EventPacket::parse(header.timestamp, header.marker, header.payload(packet)) {
                for digit in self.digits.handle(now, event, clock_rate) {
                    self.tell_digit(digit, outbox);
                }
            }
        } else if self.digits.is_pending() {
            self.expire_digit(now, outbox);
        }
    }

    /// Tells a digit whose end was lost, once it has been silent for long enough.
    pub(super) fn expire_digit(&mut self, now: Time, outbox: &mut Outbox) {
        let digit = self.digits.expire(now, self.event_clock_rate());
        self.tell_digit(digit, outbox);
    }

    /// What was told of keys reaches a phone whose packets we make in the way that it takes them.
    #[cold]
    fn pass_digits_on(&mut self, peer: &mut Stream) {
        let Pressed { digits, .. } = std::mem::take(&mut self.pressed);
        let Some(seat) = peer.seat.as_mut().filter(|seat| seat.speaks && seat.player.is_none()) else { return };
        if !self.mute.said && !peer.mute.heard {
            // A phone that presses faster than keys can be told loses those that are too many.
            for digit in digits.into_iter().flatten() {
                seat.keypad.press(digit);
            }
        }
    }

    fn tell_digit(&mut self, digit: Option<Digit>, outbox: &mut Outbox) {
        if let Some(Digit { digit, duration_ms }) = digit {
            self.pressed.note(self.reception.packets(), Digit { digit, duration_ms });
            outbox.event(Event::Digit { stream: self.id, digit, duration_ms, in_band: false });
        }
    }
}
