//! What arrived from a source and what did not: sequence, loss and jitter (RFC 3550 §6.4.1, A.1, A.3, A.8).
//!
//! Deviation from A.1: a source is valid from its first packet on. A telephone is known from signalling, and two packets of
//! probation would cut the first 40 ms of every answer.
//!
//! Deviation from §8.2: a source that uses our own SSRC is no collision. Devices that echo what they hear do so on purpose,
//! and since every leg is an RTP session of its own with its own numbers, no loop can form by it.

use crate::Time;
use crate::limits;
use crate::rtp::media_clock;

/// Where a packet stands in the sequence of its source. The numbers are extended: they never wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The latest so far.
    Newest(u64),
    /// Behind the latest, or a second copy of it.
    Late(u64),
    /// The source began anew: sequence or timestamp has nothing to do with what was before.
    Restarted(u64),
    /// Far from what was expected, and alone with it so far. Not to be used.
    Jump,
}

/// One block of a report (RFC 3550 §6.4.1), without the times of sender reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceptionReport {
    /// The source.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost in all, within 24 bits with sign.
    pub lost: i32,
    /// The extended highest sequence number.
    pub highest: u32,
    /// In timestamp units.
    pub jitter: u32,
}

/// The incoming side of a stream: its present source, and sums over all it had.
#[derive(Debug, Default)]
pub struct Reception {
    ssrc: u32,
    /// Extended; begins one cycle up so that what was sent before the first packet has a number too.
    highest: u64,
    first: u64,
    received: u64,
    /// The number that would confirm a jump.
    suspect: Option<u16>,
    expected_prior: u64,
    received_prior: u64,
    /// Arrival minus timestamp of the last packet, both in timestamp units.
    transit: u32,
    timestamp: u32,
    /// Whether `transit` and `timestamp` hold.
    timed: bool,
    /// In sixteenths (A.8).
    jitter: u32,
    jitter_max: u32,
    packets: u64,
    octets: u64,
    reordered: u64,
    gaps: u32,
    lost_before: u64,
    last_at: Time,
}

const CYCLE: u64 = 1 << 16;

impl Reception {
    /// A new source speaks; its first packet has the number `sequence`. Sums go on.
    pub fn start(&mut self, ssrc: u32, sequence: u16) {
        self.lost_before += self.lost_now();
        self.ssrc = ssrc;
        self.first = CYCLE + u64::from(sequence);
        // The first packet is still to be counted in, as the newest.
        self.highest = self.first - 1;
        self.received = 0;
        self.suspect = None;
        self.expected_prior = 0;
        self.received_prior = 0;
        self.timed = false;
        self.jitter = 0;
    }

    /// Takes in the number of a packet that arrived at `now` with `octets` of payload.
    pub fn arrive(&mut self, now: Time, sequence: u16, octets: usize) -> Arrival {
        let step = sequence.wrapping_sub(self.highest as u16);
        let arrival = if step != 0 && step < limits::MAX_DROPOUT {
            self.highest += u64::from(step);
            self.gaps = self.gaps.saturating_add(u32::from(step > 1));
            Arrival::Newest(self.highest)
        } else if step == 0 || step > u16::MAX - limits::MAX_MISORDER {
            self.reordered += 1;
            Arrival::Late(self.highest - u64::from(step.wrapping_neg()))
        } else if self.suspect == Some(sequence) {
            self.start(self.ssrc, sequence);
            self.highest = self.first;
            Arrival::Restarted(self.highest)
        } else {
            self.suspect = Some(sequence.wrapping_add(1));
            return Arrival::Jump;
        };
        self.suspect = None;
        self.received += 1;
        self.packets += 1;
        self.octets += octets as u64;
        self.last_at = now;
        arrival
    }

    /// Takes in the timestamp of an audio packet that was the newest at `now`; its clock runs at `clock_rate` hertz.
    /// False: the timestamp has jumped, and the time that passed says where it should be instead.
    pub fn time(&mut self, now: Time, timestamp: u32, clock_rate: u32) -> bool {
        let transit = media_clock::units(now, clock_rate).wrapping_sub(timestamp);
        let difference = (transit.wrapping_sub(self.transit) as i32).unsigned_abs();
        let same_moment = self.timestamp == timestamp;
        let known = std::mem::replace(&mut self.timed, true);
        self.transit = transit;
        self.timestamp = timestamp;
        if !known {
            return true;
        }
        if difference > media_clock::units(limits::TIMESTAMP_JUMP, clock_rate) {
            return false;
        }
        if !same_moment {
            self.jitter = self.jitter.wrapping_add(difference).wrapping_sub((self.jitter + 8) >> 4);
            self.jitter_max = self.jitter_max.max(self.jitter);
        }
        true
    }

    /// The block about this source for a report of ours; what it says about the last interval begins anew.
    pub fn report(&mut self) -> Option<ReceptionReport> {
        if self.received == 0 {
            return None;
        }
        let expected = self.expected();
        let expected_interval = expected - self.expected_prior;
        let received_interval = self.received - self.received_prior;
        self.expected_prior = expected;
        self.received_prior = self.received;
        let lost_interval = expected_interval.saturating_sub(received_interval);
        let fraction = (lost_interval << 8).checked_div(expected_interval).unwrap_or(0);
        let lost = (expected as i64 - self.received as i64).clamp(-0x80_0000, 0x7F_FFFF);
        Some(ReceptionReport {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: lost as i32,
            highest: (self.highest - CYCLE) as u32,
            jitter: self.jitter(),
        })
    }

    /// The present source.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// When the last packet was accepted; zero before the first.
    pub fn last_at(&self) -> Time {
        self.last_at
    }

    /// Packets of all sources.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Payload octets of all sources.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Packets behind a later one.
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// Runs of numbers of all sources that were left out, whether or not they came later.
    pub fn gaps(&self) -> u32 {
        self.gaps
    }

    /// Packets of all sources that never came (A.3).
    pub fn lost(&self) -> u64 {
        self.lost_before + self.lost_now()
    }

    /// Smoothed, in timestamp units.
    pub fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// The greatest jitter there was, in timestamp units.
    pub fn jitter_max(&self) -> u32 {
        self.jitter_max >> 4
    }

    fn expected(&self) -> u64 {
        if self.received == 0 { 0 } else { self.highest + 1 - self.first }
    }

    fn lost_now(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8_000;

    fn started(sequence: u16) -> Reception {
        let mut reception = Reception::default();
        reception.start(7, sequence);
        reception
    }

    fn ms(milliseconds: u64) -> Time {
        Time::from_millis(milliseconds)
    }

    #[test]
    fn extends_numbers_over_the_wrap() {
        let mut reception = started(65_534);
        assert_eq!(reception.arrive(ms(0), 65_534, 160), Arrival::Newest(CYCLE + 65_534));
        assert_eq!(reception.arrive(ms(20), 0, 160), Arrival::Newest(2 * CYCLE));
        assert_eq!(reception.arrive(ms(21), 65_535, 160), Arrival::Late(CYCLE + 65_535));
        assert_eq!(reception.arrive(ms(22), 65_530, 160), Arrival::Late(CYCLE + 65_530));
        assert_eq!((reception.packets(), reception.octets(), reception.reordered()), (4, 640, 2));
        let report = reception.report().unwrap();
        assert_eq!((report.ssrc, report.highest, report.lost), (7, 1 << 16, -1));
    }

    #[test]
    fn reports_loss_of_the_interval_and_in_all() {
        let mut reception = started(0);
        assert_eq!(reception.report(), None);
        for sequence in [0, 1, 2, 4] {
            reception.arrive(ms(0), sequence, 160);
        }
        let report = reception.report().unwrap();
        assert_eq!((report.fraction_lost, report.lost), (51, 1));
        for sequence in 5..9 {
            reception.arrive(ms(0), sequence, 160);
        }
        let report = reception.report().unwrap();
        assert_eq!((report.fraction_lost, report.lost), (0, 1));
        assert_eq!(reception.report().unwrap().fraction_lost, 0);
        assert_eq!(reception.lost(), 1);
    }

    #[test]
    fn everything_lost_is_no_overflow() {
        let mut reception = started(0);
        reception.arrive(ms(0), 0, 0);
        reception.report();
        reception.arrive(ms(0), 2_999, 0);
        assert_eq!(reception.report().unwrap().fraction_lost, 255);
    }

    #[test]
    fn a_jump_counts_only_when_confirmed() {
        let mut reception = started(10);
        reception.arrive(ms(0), 10, 160);
        assert_eq!(reception.arrive(ms(0), 20_000, 160), Arrival::Jump);
        assert_eq!(reception.arrive(ms(0), 11, 160), Arrival::Newest(CYCLE + 11));
        assert_eq!(reception.arrive(ms(0), 20_000, 160), Arrival::Jump);
        assert_eq!(reception.arrive(ms(0), 20_001, 160), Arrival::Restarted(CYCLE + 20_001));
        assert_eq!(reception.arrive(ms(0), 20_002, 160), Arrival::Newest(CYCLE + 20_002));
        assert_eq!((reception.packets(), reception.lost()), (4, 0));
    }

    #[test]
    fn sums_go_on_with_a_new_source() {
        let mut reception = started(0);
        for sequence in [0, 3] {
            reception.arrive(ms(0), sequence, 160);
        }
        reception.start(8, 500);
        reception.arrive(ms(0), 500, 160);
        reception.arrive(ms(0), 502, 160);
        assert_eq!((reception.lost(), reception.packets(), reception.gaps()), (3, 4, 2));
        assert_eq!(reception.report().unwrap().lost, 1);
    }

    #[test]
    fn jitter_follows_the_formula() {
        let mut reception = started(0);
        // Every second packet is 10 ms late: |D| is 80 units each time, and J nears 80.
        let mut expected = 0.0;
        for packet in 0..200u32 {
            let late = u64::from(packet % 2) * 10;
            assert!(reception.time(ms(u64::from(packet) * 20 + late), packet * 160, RATE));
            if packet > 0 {
                expected += (80.0 - expected) / 16.0;
            }
        }
        assert!((f64::from(reception.jitter()) - expected).abs() < 1.5, "{} {expected}", reception.jitter());
        assert_eq!(reception.jitter_max(), reception.jitter());
    }

    #[test]
    fn a_timestamp_that_jumps_is_no_jitter() {
        let mut reception = started(0);
        assert!(reception.time(ms(0), 0, RATE));
        assert!(reception.time(ms(20), 160, RATE));
        assert!(!reception.time(ms(40), 0x8000_0000, RATE));
        assert!(reception.time(ms(60), 0x8000_00A0, RATE));
        assert_eq!(reception.jitter(), 0);
    }
}
