//! How late packets come, and the delay that lets nearly all of them be in time.
//!
//! The transit of a packet is its arrival minus its timestamp, on the clock of the stream. The least transit among the last
//! [`WINDOW`] packets is that of a packet which nothing held up; what another has more than that is its lateness. The
//! wanted delay is the lateness that one in [`TOLERATED`] packets exceeds: more delay costs every packet, less costs that
//! one. It grows at once and shrinks by [`SHRINK`]. A clock of the far end that runs fast or slow shows as a least
//! transit that wanders, and needs no measure of its own.

use std::time::Duration;

use super::{ReceivedPacket, Settings};
use crate::Time;
use crate::rtp::media_clock;

/// Packets over which lateness is measured: five seconds of 20 ms.
const WINDOW: usize = 256;

/// One packet in so many may be later than the wanted delay.
const TOLERATED: usize = 100;

/// Microseconds that are wanted beyond that: a clock that is slow makes packets later between one look and the next.
const MARGIN: u64 = 4_000;

/// Lateness is looked at again after so many packets, or when one comes later or earlier than any before.
const LOOK: u32 = 8;

/// Microseconds by which the wanted delay shrinks in a second.
const SHRINK: u64 = 10_000;

/// Microseconds. A timestamp that is this far both from the time that passed and from the packets that passed has jumped.
const JUMP: i64 = 500_000;

/// Microseconds. The same, when the marker says that a talk spurt begins.
const JUMP_OF_SPURT: i64 = 200_000;

/// Microseconds. No network becomes faster by so much from one packet to the next: what changed are the timestamps.
const FASTER: i64 = 100_000;

/// When nothing came in time for so long, the way has become longer for good.
const LONGER: Duration = Duration::from_millis(300);

/// Where a packet is in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// When it would have come if nothing had held it up, in microseconds.
    pub(super) unhindered: u64,
    /// Its timestamp has nothing to do with those before it.
    pub(super) jumped: bool,
}

/// The measure of lateness of one stream.
#[derive(Debug)]
pub(super) struct Timing {
    settings: Settings,
    clock_rate: u32,
    /// The transit of the window's first packet, in timestamp units; the others are counted from it, in microseconds.
    reference: u32,
    window: [i32; WINDOW],
    packets: u64,
    looked_at: u64,
    /// The least transit of the window.
    least: i64,
    /// The lateness that few enough exceed.
    needed: u64,
    wanted: u64,
    shrunk_at: u64,
    last: Option<Last>,
    /// Since when nothing was in time.
    late_since: Option<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    at: u64,
    sequence: u64,
    timestamp: u32,
}

impl Timing {
    pub(super) fn new(settings: Settings) -> Timing {
        Timing {
            settings,
            clock_rate: 0,
            reference: 0,
            window: [0; WINDOW],
            packets: 0,
            looked_at: 0,
            least: 0,
            needed: 0,
            wanted: micros(settings.initial),
            shrunk_at: 0,
            last: None,
            late_since: None,
        }
    }

    /// The delay that packets should have when they are played, counted from when they would have come unhindered.
    pub(super) fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Milliseconds in timestamp units.
    pub(super) fn units(&self, milliseconds: u32) -> u32 {
        milliseconds.saturating_mul(self.clock_rate / 1_000)
    }

    /// Forgets what was measured; the wanted delay stays.
    pub(super) fn reset(&mut self) {
        (self.packets, self.last, self.late_since) = (0, None, None);
    }

    /// Takes in a packet of sound; `usual` is how long the sound of one packet is, in timestamp units.
    pub(super) fn arrive(&mut self, now: Time, packet: &ReceivedPacket<'_>, clock_rate: u32, usual: u32) -> Moment {
        let at = micros(now);
        let transit = media_clock::units(now, clock_rate).wrapping_sub(packet.timestamp);
        let longer = self.late_since.is_some_and(|since| now.saturating_sub(since) >= LONGER);
        let jumped = clock_rate != self.clock_rate || self.has_jumped(at, packet, usual);
        let mut delay = self.since_reference(transit);
        if longer {
            // What grew with the way was no jitter.
            self.wanted = self.wanted.min(micros(self.settings.initial));
        }
        if self.packets == 0 || longer || jumped || delay < self.least - FASTER {
            self.begin(transit, clock_rate);
            delay = 0;
        }
        self.last = Some(Last { at, sequence: packet.sequence, timestamp: packet.timestamp });
        self.remember(delay);
        self.shrink(at);
        let lateness = (delay - self.least).max(0) as u64;
        let is_due = self.packets - self.looked_at >= u64::from(LOOK);
        if is_due || lateness > self.wanted || delay == self.least {
            self.look();
        }
        Moment { unhindered: at.saturating_sub(lateness), jumped }
    }

    /// A packet came too late to be played.
    pub(super) fn was_late(&mut self, now: Time) {
        self.late_since.get_or_insert(now);
    }

    /// A packet was played.
    pub(super) fn was_in_time(&mut self) {
        self.late_since = None;
    }

    fn begin(&mut self, transit: u32, clock_rate: u32) {
        (self.reference, self.clock_rate) = (transit, clock_rate);
        (self.packets, self.looked_at, self.least, self.needed) = (0, 0, 0, 0);
        self.late_since = None;
    }

    fn since_reference(&self, transit: u32) -> i64 {
        let units = i64::from(transit.wrapping_sub(self.reference) as i32);
        let micros = (units * 1_000_000).checked_div(i64::from(self.clock_rate)).unwrap_or(0);
        micros.clamp(i64::from(i32::MIN), i64::from(i32::MAX))
    }

    fn has_jumped(&self, at: u64, packet: &ReceivedPacket<'_>, usual: u32) -> bool {
        let Some(last) = self.last else { return false };
        let rate = i64::from(self.clock_rate).max(1);
        let said = i64::from(packet.timestamp.wrapping_sub(last.timestamp) as i32) * 1_000_000 / rate;
        let packets = packet.sequence.wrapping_sub(last.sequence) as i64;
        let counted = packets.saturating_mul(i64::from(usual)).saturating_mul(1_000_000) / rate;
        let passed = at.saturating_sub(last.at) as i64;
        let limit = if packet.marker { JUMP_OF_SPURT } else { JUMP };
        (said - passed).abs() > limit && said.saturating_sub(counted).abs() > limit
    }

    fn remember(&mut self, delay: i64) {
        self.window[(self.packets % WINDOW as u64) as usize] = delay as i32;
        self.packets += 1;
        self.least = if self.packets == 1 { delay } else { self.least.min(delay) };
    }

    /// Finds the least transit and the lateness that few enough exceed.
    fn look(&mut self) {
        self.looked_at = self.packets;
        let filled = self.packets.min(WINDOW as u64) as usize;
        let mut least = i32::MAX;
        // The greatest ones, greatest first: as many as may be later than wanted, and the one after them.
        let mut greatest = [i32::MIN; WINDOW / TOLERATED + 1];
        for delay in &self.window[..filled] {
            least = least.min(*delay);
            if *delay > greatest[WINDOW / TOLERATED] {
                let mut carried = *delay;
                for place in &mut greatest {
                    if carried > *place {
                        std::mem::swap(place, &mut carried);
                    }
                }
            }
        }
        self.least = i64::from(least);
        self.needed = (i64::from(greatest[filled / TOLERATED]) - self.least).max(0) as u64 + MARGIN;
        let (minimum, maximum) = (micros(self.settings.minimum), micros(self.settings.maximum));
        self.wanted = self.wanted.max(self.needed).clamp(minimum, maximum);
    }

    fn shrink(&mut self, at: u64) {
        let passed = if self.packets == 1 { 0 } else { at.saturating_sub(self.shrunk_at).min(1_000_000) };
        let step = passed * SHRINK / 1_000_000;
        self.shrunk_at = at;
        self.wanted = self.wanted.saturating_sub(step).max(self.needed);
        self.wanted = self.wanted.clamp(micros(self.settings.minimum), micros(self.settings.maximum));
    }
}

/// A duration in microseconds; half a million years fit.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
