//! What a stream did, in numbers.

use std::time::Duration;

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
}

impl Statistics {
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
    /// Events that were lost because nobody fetched them.
    pub lost_events: u64,
    /// Packets of our own that were lost because nobody fetched them.
    pub lost_transmits: u64,
}
