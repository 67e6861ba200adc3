//! What we remember of a stream we send, so that whatever feeds it next goes on without a gap.

use std::time::Duration;

use crate::Time;
use crate::rtp::media_clock;
use crate::socket::StreamId;

/// Whose packets flow into a stream of ours: a stream and the SSRC of its phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feeder {
    /// The stream.
    pub stream: StreamId,
    /// The phone's source.
    pub ssrc: u32,
}

/// The outgoing side of a stream.
#[derive(Debug)]
pub struct Sender {
    /// Our SSRC, the same for the life of the stream, unless encryption has to count anew.
    pub ssrc: u32,
    /// Whose packets were sent last. `None`: what comes next starts anew.
    pub feeder: Option<Feeder>,
    sequence: u16,
    timestamp: u32,
    at: Time,
    packets: u64,
    octets: u64,
}

impl Sender {
    /// A stream that has sent nothing yet; its first packet gets `sequence + 1` and `timestamp` (random, RFC 3550 §5.1).
    pub fn new(now: Time, ssrc: u32, sequence: u16, timestamp: u32) -> Sender {
        Sender { ssrc, feeder: None, sequence, timestamp, at: now, packets: 0, octets: 0 }
    }

    /// Goes on as another source; its first packet gets `sequence + 1`.
    pub fn change_source(&mut self, ssrc: u32, sequence: u16) {
        self.ssrc = ssrc;
        self.sequence = sequence;
        self.feeder = None;
    }

    /// Packets sent.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Payload octets sent.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// When the last packet went out, or the stream was made.
    pub fn last_at(&self) -> Time {
        self.at
    }

    /// The sequence number and timestamp of a packet that follows the last one without a gap: its timestamp counts the
    /// time that has passed, but at least one packet of `ptime`.
    pub fn next(&self, now: Time, clock_rate: u32, ptime: Duration) -> (u16, u32) {
        if self.packets == 0 {
            return (self.sequence.wrapping_add(1), self.timestamp);
        }
        let passed = now.saturating_sub(self.at).max(ptime);
        let timestamp = self.timestamp.wrapping_add(media_clock::units(passed, clock_rate));
        (self.sequence.wrapping_add(1), timestamp)
    }

    /// The timestamp of the moment `now` (RFC 3550 §6.4.1, sender report).
    pub fn timestamp_at(&self, now: Time, clock_rate: u32) -> u32 {
        self.timestamp.wrapping_add(media_clock::units(now.saturating_sub(self.at), clock_rate))
    }

    /// A packet went out.
    pub fn record(&mut self, now: Time, sequence: u16, timestamp: u32, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
        // A packet that was overtaken is no news about where the stream stands.
        if (sequence.wrapping_sub(self.sequence) as i16) > 0 {
            self.sequence = sequence;
            self.timestamp = timestamp;
            self.at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTIME: Duration = Duration::from_millis(20);

    #[test]
    fn goes_on_by_the_time_that_passed() {
        let mut sender = Sender::new(Duration::ZERO, 1, 65_535, u32::MAX - 79);
        assert_eq!(sender.next(Duration::from_secs(9), 8_000, PTIME), (0, u32::MAX - 79));
        sender.record(Duration::from_secs(9), 0, u32::MAX - 79, 160);
        assert_eq!(sender.next(Duration::from_secs(9), 8_000, PTIME), (1, 80));
        assert_eq!(sender.next(Duration::from_secs(10), 8_000, PTIME), (1, 7_920));
        assert_eq!(sender.timestamp_at(Duration::from_secs(10), 8_000), 7_920);
    }

    #[test]
    fn a_late_packet_does_not_turn_it_back() {
        let mut sender = Sender::new(Duration::ZERO, 1, 0, 0);
        sender.record(PTIME, 2, 320, 160);
        sender.record(PTIME, 1, 160, 160);
        assert_eq!(sender.next(PTIME, 8_000, PTIME), (3, 480));
        assert_eq!((sender.packets(), sender.octets()), (2, 320));
    }
}
