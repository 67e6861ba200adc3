//! What a stream has reported and has been told, and the round trip that follows from both (RFC 3550 §6.4.1).

use std::time::Duration;

use crate::Time;
use crate::limits;
use crate::rtcp::read::Heard;
use crate::rtcp::wall_clock;
use crate::statistics::RemoteReport;

/// The reports of one stream.
#[derive(Debug, Default)]
pub struct Reporting {
    /// Our last sender reports, newest first: the middle of the NTP timestamp and when they left.
    sent: [Option<(u32, Time)>; 2],
    /// The phone's last sender report: the same and when it came.
    heard: Option<(u32, Time)>,
    heard_at: Time,
    received: u64,
    transmitted: u64,
    /// Packets we had sent at our last reports, newest first.
    packets_at: [u64; 2],
    round_trip: Option<Duration>,
    remote: Option<RemoteReport>,
}

impl Reporting {
    /// A report of the phone came at `now`.
    pub fn hear(&mut self, now: Time, heard: &Heard) {
        self.received += 1;
        self.heard_at = now;
        if let Some(ntp) = heard.sender_report {
            self.heard = Some((wall_clock::middle(ntp), now));
        }
        if let Some(block) = heard.about_us {
            self.remote =
                Some(RemoteReport { fraction_lost: block.fraction_lost, lost: block.lost, jitter: block.jitter });
            // Measured on our own clock from when that report left, so that a wall clock that is set does no harm.
            let left = self.sent.iter().flatten().find(|(middle, _)| *middle == block.last_sender_report);
            let round_trip =
                left.and_then(|(_, at)| now.saturating_sub(*at).checked_sub(wall_clock::from_short(block.delay)));
            self.round_trip = round_trip.filter(|time| *time <= limits::ROUND_TRIP).or(self.round_trip);
        }
    }

    /// A report of ours leaves at `now`; `ntp` when it is a sender report.
    pub fn transmit(&mut self, now: Time, ntp: Option<u64>, packets: u64) {
        self.transmitted += 1;
        self.packets_at = [packets, self.packets_at[0]];
        if let Some(ntp) = ntp {
            self.sent = [Some((wall_clock::middle(ntp), now)), self.sent[0]];
        }
    }

    /// Whether we count as a sender: something was sent since the report before the last one (RFC 3550 §6.4).
    pub fn is_sender(&self, packets: u64) -> bool {
        packets > self.packets_at[1]
    }

    /// The middle of the phone's last sender report and how long ago it came in 1/65536 s; zeros before the first.
    pub fn last_sender_report(&self, now: Time) -> (u32, u32) {
        self.heard.map_or((0, 0), |(middle, at)| (middle, wall_clock::to_short(now.saturating_sub(at))))
    }

    /// The phone's source is another one, whose reports are still to come.
    pub fn forget_source(&mut self) {
        self.heard = None;
    }

    /// When the phone was last heard; zero before.
    pub fn heard_at(&self) -> Time {
        self.heard_at
    }

    /// Packets accepted and packets sent.
    pub fn counts(&self) -> (u64, u64) {
        (self.received, self.transmitted)
    }

    /// The last round trip that could be computed.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// What the phone last said about our packets.
    pub fn remote(&self) -> Option<RemoteReport> {
        self.remote
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::read::Block;

    fn block(last_sender_report: u32, delay: u32) -> Heard {
        let block = Block { fraction_lost: 1, lost: 2, jitter: 3, last_sender_report, delay };
        Heard { about_us: Some(block), ..Heard::default() }
    }

    fn ms(milliseconds: u64) -> Time {
        Time::from_millis(milliseconds)
    }

    #[test]
    fn the_round_trip_is_the_time_without_the_delay_of_the_phone() {
        let mut reporting = Reporting::default();
        reporting.transmit(ms(1_000), Some(0x0000_AAAA_BBBB_0000), 5);
        reporting.transmit(ms(6_000), Some(0x0000_CCCC_DDDD_0000), 9);
        reporting.hear(ms(7_080), &block(0xCCCC_DDDD, 65_536));
        assert_eq!(reporting.round_trip(), Some(ms(80)));
        reporting.hear(ms(7_100), &block(0xAAAA_BBBB, 6 * 65_536));
        assert_eq!(reporting.round_trip(), Some(ms(100)));
        assert_eq!(reporting.remote(), Some(RemoteReport { fraction_lost: 1, lost: 2, jitter: 3 }));
    }

    #[test]
    fn a_round_trip_that_cannot_be_is_not_believed() {
        let mut reporting = Reporting::default();
        reporting.transmit(ms(1_000), Some(0x0000_AAAA_BBBB_0000), 5);
        reporting.hear(ms(1_100), &block(0xAAAA_BBBB, 65_536));
        reporting.hear(ms(1_100), &block(0, 0));
        reporting.hear(ms(1_100), &block(0xAAAA_BBBC, 0));
        reporting.hear(ms(90_000), &block(0xAAAA_BBBB, 0));
        assert_eq!(reporting.round_trip(), None);
    }

    #[test]
    fn a_sender_is_who_sent_since_the_report_before_the_last() {
        let mut reporting = Reporting::default();
        assert!(!reporting.is_sender(0));
        assert!(reporting.is_sender(1));
        reporting.transmit(ms(0), None, 1);
        assert!(reporting.is_sender(1));
        reporting.transmit(ms(0), None, 1);
        assert!(!reporting.is_sender(1));
        assert!(reporting.is_sender(2));
    }
}
