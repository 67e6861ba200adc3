//! What a stream did, in numbers.

use std::time::Duration;

use crate::format::Codec;
use crate::quality::{self, Impairments, OpinionScore};
use crate::receiver::ReceiverStatistics;

/// Numbers of one stream since it was opened. Octets are RTP payload octets without header and padding (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// RTP packets accepted from the phone.
    pub packets_received: u64,
    /// Their payload octets.
    pub octets_received: u64,
    /// RTP packets sent to the phone.
    pub packets_sent: u64,
    /// Their payload octets.
    pub octets_sent: u64,
    /// Packets of the phone that never arrived (RFC 3550 A.3), over all its SSRCs.
    pub lost: u64,
    /// Packets that arrived after a later one.
    pub reordered: u64,
    /// Smoothed interarrival jitter in timestamp units (RFC 3550 A.8).
    pub jitter: u32,
    /// The greatest value that jitter had.
    pub jitter_max: u32,
    /// Timestamp units a second, 0 before Configure.
    pub clock_rate: u32,
    /// How often the SSRC of the phone changed.
    pub source_changes: u32,
    /// RTCP packets accepted from the phone.
    pub rtcp_received: u64,
    /// RTCP packets sent to the phone.
    pub rtcp_sent: u64,
    /// Round trip from the last report of the phone that allowed to compute it (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// What the phone last reported about our packets.
    pub remote: Option<RemoteReport>,
    /// What was not accepted.
    pub dropped: Dropped,
    /// Runs of one or more packets of the phone in a row that never arrived.
    pub gaps: u32,
    /// What was made of the packets where they were decoded, and not only forwarded.
    pub playout: Playout,
    /// How good a listener would call what the phone says; `None` before its first packet.
    pub opinion: Option<OpinionScore>,
}

impl Statistics {
    /// The opinion that follows from the other numbers, for packets of `codec` that are `ptime` long.
    ///
    /// Half of the round trip is taken as the way of the phone's packets. Where they are only forwarded, the listener's jitter
    /// buffer is taken to hold twice the jitter.
    pub(crate) fn judge(&self, codec: Codec, ptime: Duration) -> Option<OpinionScore> {
        let unplayed = u64::from(self.playout.late) + u64::from(self.playout.overflowed);
        let missing = (self.lost + unplayed).max(self.playout.missing.into());
        let all = self.lost + self.packets_received;
        if all == 0 {
            return None;
        }
        let buffered = match self.playout.delay_ms {
            0 => 2.0 * self.jitter_ms(),
            delay_ms => f64::from(delay_ms),
        };
        let delay = self.round_trip.unwrap_or_default() / 2 + ptime + Duration::from_secs_f64(buffered / 1_000.0);
        let loss = missing as f64 / all as f64;
        let burst_ratio = quality::burst_ratio(missing, self.gaps.max(self.playout.gaps).into(), all);
        Some(Impairments { codec, loss, burst_ratio, delay }.opinion())
    }

    /// Jitter in milliseconds, 0 before Configure.
    pub fn jitter_ms(&self) -> f64 {
        milliseconds(self.jitter, self.clock_rate)
    }

    /// The greatest jitter in milliseconds, 0 before Configure.
    pub fn jitter_max_ms(&self) -> f64 {
        milliseconds(self.jitter_max, self.clock_rate)
    }

    /// Lost packets over expected ones, 0.0–1.0.
    pub fn loss(&self) -> f64 {
        let expected = self.packets_received + self.lost;
        if expected == 0 { 0.0 } else { self.lost as f64 / expected as f64 }
    }
}

/// What the receiving side made of a phone's packets; all zero for a call that was only forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Playout {
    /// Packets that came when something else had been played in their place.
    pub late: u32,
    /// Second copies.
    pub duplicate: u32,
    /// Packets given up because more had come than the longest delay allows.
    pub overflowed: u32,
    /// Packets that were not played, for those reasons or because they never came; unlike `lost`, second copies do not
    /// make up for them.
    pub missing: u32,
    /// Runs of them in a row.
    pub gaps: u32,
    /// Milliseconds of sound that were put in place of what did not come.
    pub concealed_ms: u32,
    /// Milliseconds that the jitter buffer added to the delay, lately.
    pub delay_ms: u32,
}

impl Playout {
    /// Adds what a receiver did.
    pub(crate) fn add(&mut self, receiver: &ReceiverStatistics) {
        let add = |sum: &mut u32, more: u64| *sum = sum.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        add(&mut self.late, receiver.packets.late);
        add(&mut self.duplicate, receiver.packets.duplicate);
        add(&mut self.overflowed, receiver.packets.overflowed);
        add(&mut self.missing, receiver.packets.missing());
        add(&mut self.gaps, receiver.packets.gaps);
        add(&mut self.concealed_ms, receiver.concealed.as_millis() as u64);
        if !receiver.delay.is_zero() {
            self.delay_ms = receiver.delay.as_millis() as u32;
        }
    }
}

fn milliseconds(units: u32, clock_rate: u32) -> f64 {
    if clock_rate == 0 { 0.0 } else { f64::from(units) * 1_000.0 / f64::from(clock_rate) }
}

/// What a phone reported about the packets it got from us (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemoteReport {
    /// Lost since its previous report, in 1/256.
    pub fraction_lost: u8,
    /// Lost in all; negative when duplicates arrived.
    pub lost: i32,
    /// Jitter in timestamp units.
    pub jitter: u32,
}

/// Packets that were not accepted, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Before the first Configure.
    pub early: u64,
    /// No RTP or RTCP, or a length in it lies.
    pub malformed: u64,
    /// From an address other than the phone's.
    pub third_party: u64,
    /// A payload type that was never negotiated with the phone.
    pub payload_type: u64,
    /// Understood by us, but not negotiated with the other leg.
    pub not_negotiated: u64,
    /// Against the direction: the phone or the other leg is on hold.
    pub direction: u64,
    /// Sequence numbers that jump or come too late (RFC 3550 A.1).
    pub sequence: u64,
    /// The other leg has no address to send to.
    pub unreachable: u64,
    /// One is muted, or the other deaf.
    pub muted: u64,
    /// Of an encrypted stream: forged, under another key, or not encrypted.
    pub not_authentic: u64,
    /// Of an encrypted stream: received before, or too late to tell.
    pub replayed: u64,
    /// Could not be encrypted for the other leg: a number sent before, or a packet as long as its buffer.
    pub not_protected: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.early
            + self.malformed
            + self.third_party
            + self.payload_type
            + self.not_negotiated
            + self.direction
            + self.sequence
            + self.unreachable
            + self.muted
            + self.not_authentic
            + self.replayed
            + self.not_protected
    }
}

/// Numbers of the whole engine that belong to no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Streams that are open.
    pub streams: u64,
    /// Packets handed in for a stream that does not exist.
    pub unknown_stream: u64,
    /// Commands that could not be carried out.
    pub refused_commands: u64,
    /// Parts of conferences that another engine told of, and that are not linked here.
    pub stray_partials: u64,
    /// Events that were lost because nobody fetched them.
    pub lost_events: u64,
    /// Packets of our own that were lost because nobody fetched them.
    pub lost_transmits: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTIME: Duration = Duration::from_millis(20);

    fn opinion(statistics: &Statistics) -> f64 {
        statistics.judge(Codec::Pcmu, PTIME).unwrap().value()
    }

    #[test]
    fn the_opinion_follows_from_loss_delay_and_what_came_too_late() {
        assert_eq!(Statistics::default().judge(Codec::Pcmu, PTIME), None);
        let clean = Statistics { packets_received: 1_000, clock_rate: 8_000, ..Statistics::default() };
        assert!((4.39..=4.41).contains(&opinion(&clean)), "{}", opinion(&clean));
        let lossy = Statistics { lost: 20, gaps: 20, ..clean };
        assert!((4.1..4.3).contains(&opinion(&lossy)), "{}", opinion(&lossy));
        let late = Playout { late: 20, gaps: 20, delay_ms: 40, ..Playout::default() };
        let late = Statistics { playout: late, ..clean };
        assert!((opinion(&late) - opinion(&lossy)).abs() < 0.05, "{}", opinion(&late));
        let bursts = Statistics { lost: 100, gaps: 10, ..clean };
        assert!(opinion(&bursts) < opinion(&Statistics { lost: 100, gaps: 100, ..clean }) - 0.1);
        let far = Statistics { round_trip: Some(Duration::from_millis(600)), ..clean };
        assert!((3.4..3.8).contains(&opinion(&far)), "{}", opinion(&far));
        let jittery = Statistics { jitter: 8 * 60, ..clean };
        assert!(opinion(&jittery) < opinion(&clean));
    }

    #[test]
    fn receivers_of_one_stream_add_up() {
        let mut receiver = ReceiverStatistics { concealed: PTIME, delay: PTIME * 2, ..ReceiverStatistics::default() };
        (receiver.packets.late, receiver.packets.duplicate, receiver.packets.overflowed) = (1, 2, 3);
        receiver.packets.gaps = 4;
        let mut playout = Playout::default();
        playout.add(&receiver);
        playout.add(&receiver);
        let expected =
            Playout { late: 2, duplicate: 4, overflowed: 6, missing: 8, gaps: 8, concealed_ms: 40, delay_ms: 40 };
        assert_eq!(playout, expected);
    }

    #[test]
    fn the_numbers_of_a_stream_are_small() {
        let size = std::mem::size_of::<Statistics>();
        assert!(size <= 256, "{size}");
    }
}
