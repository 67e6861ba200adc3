//! One stream: a phone, what was agreed with it, what it sends and what it gets.

use std::time::Duration;

use crate::dtmf::{Digit, DigitReceiver};
use crate::engine::program::Attachment;
use crate::engine::seat::Seat;
use crate::engine::timer::TimerTable;
use crate::format::Format;
use crate::forwarding_rule::{ForwardingRule, PayloadRules, payload_rules};
use crate::rtcp::reporting::Reporting;
use crate::rtp::latching::Latching;
use crate::rtp::reception::Reception;
use crate::rtp::sender::Sender;
use crate::socket::StreamId;
use crate::srtp::Session;
use crate::statistics::Playout;
use crate::{Config, Direction, Dropped, Mute, Statistics, Time};

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    /// What was agreed. `None` until the first Configure.
    pub(super) agreed: Option<Agreed>,
    /// What opens and closes its packets, where they are encrypted.
    pub(super) session: Option<Box<Session>>,
    /// The other side of the bridge.
    pub(super) peer: Option<StreamId>,
    pub(super) route: Route,
    /// Where its audio is more than forwarded.
    pub(super) seat: Option<Box<Seat>>,
    pub(super) mute: Mute,
    /// The program that listens to it and speaks into its call.
    pub(super) program: Option<StreamId>,
    /// Where it is the program: to what it listens, and who hears it.
    pub(super) attachment: Option<Attachment>,
    pub(super) reception: Reception,
    pub(super) sender: Sender,
    pub(super) digits: DigitReceiver,
    pub(super) pressed: Pressed,
    pub(super) reporting: Reporting,
    pub(super) dropped: Dropped,
    /// What the seats did that it has no more.
    pub(super) playout: Playout,
    pub(super) silence: Silence,
    pub(super) source_changes: u32,
    /// When the last `Relatched` was told.
    pub(super) relatched_at: Option<Time>,
    /// The phone's address is another one; the peer's route has to learn it.
    pub(super) moved: bool,
    pub(super) kept_alive_at: Time,
    pub(super) timers: TimerTable,
}

/// What a packet told of keys, for a peer whose packets we make.
#[derive(Debug, Default)]
pub(super) struct Pressed {
    /// How many packets had come with it.
    pub(super) by: u64,
    pub(super) digits: [Option<Digit>; 2],
}

impl Pressed {
    /// One more digit was over with that packet.
    pub(super) fn note(&mut self, by: u64, digit: Digit) {
        if self.by != by {
            *self = Pressed { by, digits: [None; 2] };
        }
        if let Some(place) = self.digits.iter_mut().find(|place| place.is_none()) {
            *place = Some(digit);
        }
    }
}

/// What offer and answer agreed on, and whom we believe.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) format: Format,
    pub(super) direction: Direction,
    pub(super) latching: Latching,
    /// What the phone may send.
    pub(super) payloads: PayloadRules,
}

impl Agreed {
    pub(super) fn new(format: Format, direction: Direction, latching: Latching) -> Agreed {
        Agreed { payloads: payload_rules(&format, None), format, direction, latching }
    }

    pub(super) fn ptime(&self) -> Duration {
        Duration::from_millis(self.format.ptime_ms.into())
    }
}

/// Where the packets of a stream go.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// The rule by which the last packet went. Its numbers are where the next rule goes on.
    pub(super) rule: Option<ForwardingRule>,
    /// Something that the rule was made of has changed.
    pub(super) stale: bool,
}

impl Route {
    /// The next packet needs a new rule, which goes on with the numbers of this one if it can.
    pub(super) fn renew(&mut self) {
        self.stale = true;
    }

    /// The next packet needs a new rule and begins a new talk spurt.
    pub(super) fn cut(&mut self) {
        self.rule = None;
    }
}

/// The watch over a phone that may have died.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// Silence counts from here on at the earliest.
    pub(super) since: Time,
    /// It was reported and lasts.
    pub(super) reported: bool,
}

impl Stream {
    /// A stream without agreement. `random` decides its SSRC and first numbers (RFC 3550 §5.1).
    pub(super) fn new(now: Time, id: StreamId, random: [u32; 3]) -> Stream {
        let [ssrc, sequence, timestamp] = random;
        Stream {
            id,
            agreed: None,
            session: None,
            peer: None,
            route: Route::default(),
            seat: None,
            mute: Mute::default(),
            program: None,
            attachment: None,
            reception: Reception::default(),
            // Not near the wrap, where encrypted streams would lose count if the first packets are lost (RFC 3711 §3.3.1).
            sender: Sender::new(now, ssrc, sequence as u16 & 0x7FFF, timestamp),
            digits: DigitReceiver::default(),
            pressed: Pressed::default(),
            reporting: Reporting::default(),
            dropped: Dropped::default(),
            playout: Playout::default(),
            silence: Silence::default(),
            source_changes: 0,
            relatched_at: None,
            moved: false,
            kept_alive_at: now,
            timers: TimerTable::default(),
        }
    }

    /// Whether there is something to do here besides forwarding.
    pub(super) fn is_busy(&self) -> bool {
        self.program.is_some() || self.seat.as_ref().is_some_and(|seat| seat.is_busy())
    }

    pub(super) fn clock_rate(&self) -> u32 {
        self.agreed.as_ref().map_or(0, |agreed| agreed.format.clock_rate())
    }

    /// Whether it is alone with a phone that can tell its keys only by its sound: then that is for us.
    pub(super) fn is_listened_to(&self) -> bool {
        let listens = |agreed: &Agreed| {
            let decodable = agreed.format.receive.iter().flatten().any(|audio| audio.codec.is_ours());
            agreed.direction.receives() && decodable && !agreed.format.tells_digits()
        };
        self.peer.is_none() && self.agreed.as_ref().is_some_and(listens)
    }

    /// What the durations of digits count in.
    pub(super) fn event_clock_rate(&self) -> u32 {
        self.agreed.as_ref().map_or(0, |agreed| agreed.format.telephone_event.clock_rate)
    }

    /// When the phone was last heard, by whichever protocol, or was last told to speak.
    pub(super) fn heard_at(&self) -> Time {
        self.reception.last_at().max(self.reporting.heard_at()).max(self.silence.since)
    }

    /// The silence after which the phone counts as dead. `None`: it may be silent for ever.
    pub(super) fn silence_limit(&self, config: &Config) -> Option<Duration> {
        let agreed = self.agreed.as_ref()?;
        if agreed.direction.receives() { Some(config.rtp_timeout) } else { config.hold_timeout }
    }

    pub(super) fn statistics(&self) -> Statistics {
        let (rtcp_received, rtcp_sent) = self.reporting.counts();
        let mut playout = self.playout;
        if let Some(seat) = &self.seat {
            playout.add(&seat.receiver.statistics());
        }
        let statistics = Statistics {
            packets_received: self.reception.packets(),
            octets_received: self.reception.octets(),
            packets_sent: self.sender.packets(),
            octets_sent: self.sender.octets(),
            lost: self.reception.lost(),
            reordered: self.reception.reordered(),
            jitter: self.reception.jitter(),
            jitter_max: self.reception.jitter_max(),
            clock_rate: self.clock_rate(),
            source_changes: self.source_changes,
            rtcp_received,
            rtcp_sent,
            round_trip: self.reporting.round_trip(),
            remote: self.reporting.remote(),
            dropped: self.dropped,
            gaps: self.reception.gaps(),
            playout,
            opinion: None,
        };
        let heard = self.agreed.as_ref().and_then(|agreed| Some((agreed.format.receive[0]?.codec, agreed.ptime())));
        let opinion = heard.and_then(|(codec, ptime)| statistics.judge(codec, ptime));
        Statistics { opinion, ..statistics }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_small() {
        let size = std::mem::size_of::<Stream>();
        assert!(size <= 1_216, "{size}");
    }
}
