//! The adaptive jitter buffer: packets come in as the network lets them, and go out in order when they are due.
//!
//! Three measures of time meet here. A packet's *age* is how long ago it would have come if nothing had held it up
//! ([`timing`]); the *wanted delay* is the age it should have when it is played. The *position* is the timestamp of the
//! next sample to be played; what is played instead of a packet moves it too.
//!
//! At any time the buffer is in one of two states. In a *pause* (before the first packet, between talk spurts, after it ran
//! dry for long) nothing is expected: the next packet is played as soon as it has the wanted age, whatever its
//! timestamp says. *Playing*, packets follow each other by number, whatever their age: to bring it back to the wanted delay
//! without a click is up to the receiver, which sees it in [`Due::age`].
//!
//! No packet is no loss: only a number that is missing before a packet that has come is lost. Timestamps are not believed
//! where they contradict both the clock and the numbers.

mod sequence;
mod store;
#[cfg(test)]
mod tests;
mod timing;

use std::time::Duration;

use crate::Time;
use crate::limits;
use sequence::{Place, Seen};
use store::{PLACES, Store, Stored};
use timing::{Timing, micros};

/// A packet as it came, its number extended by [`Reception`](crate::rtp::reception::Reception).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedPacket<'a> {
    /// Extended: never wraps.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// 0–127.
    pub payload_type: u8,
    /// Begin of a talk spurt.
    pub marker: bool,
    /// Without padding.
    pub payload: &'a [u8],
}

/// What the owner of a jitter buffer may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The least delay; it covers that packets are fetched in ticks of 20 ms.
    pub minimum: Duration,
    /// The delay before anything was measured.
    pub initial: Duration,
    /// The greatest delay, at most [`Settings::LONGEST`].
    pub maximum: Duration,
    /// Octets of payload that can wait, at most [`Settings::OCTETS`].
    pub octets: usize,
}

impl Settings {
    /// The greatest delay that can be set: what fits for every codec at 10 ms a packet, and more is no conversation.
    pub const LONGEST: Duration = Duration::from_millis(500);

    /// The most octets that can be made room for.
    pub const OCTETS: usize = store::OCTETS;

    /// The same, with values that make sense.
    pub fn bounded(self) -> Settings {
        let maximum = self.maximum.min(Settings::LONGEST);
        let minimum = self.minimum.min(maximum);
        let octets = self.octets.min(Settings::OCTETS);
        Settings { minimum, initial: self.initial.clamp(minimum, maximum), maximum, octets }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            minimum: Duration::from_millis(10),
            initial: Duration::from_millis(40),
            maximum: Duration::from_millis(200),
            octets: Settings::OCTETS,
        }
    }
}

/// What a jitter buffer did, in packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All that came.
    pub received: u64,
    /// Came when something else had been played in their place.
    pub late: u64,
    /// Never came.
    pub lost: u64,
    /// Came after one of greater number.
    pub reordered: u64,
    /// Second copies.
    pub duplicate: u64,
    /// Given up because more had come than the longest delay allows, or than there is room for.
    pub overflowed: u64,
    /// Runs of one or more packets in a row that were not played, for whichever of these reasons.
    pub gaps: u64,
}

impl Counts {
    /// Packets that were not played though the phone sent them.
    pub fn missing(&self) -> u64 {
        self.lost + self.late + self.overflowed
    }

    /// Adds what another buffer counted.
    pub fn add(&mut self, other: &Counts) {
        self.received += other.received;
        self.late += other.late;
        self.lost += other.lost;
        self.reordered += other.reordered;
        self.duplicate += other.duplicate;
        self.overflowed += other.overflowed;
        self.gaps += other.gaps;
    }
}

/// A packet whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due<'a> {
    /// Its payload type.
    pub payload_type: u8,
    /// Its payload.
    pub payload: &'a [u8],
    /// How long ago it would have come if nothing had held it up.
    pub age: Duration,
    /// What comes before it was not played: the sound does not continue.
    pub is_cut: bool,
}

/// What is to be played next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<'a> {
    /// This packet. Say with [`JitterBuffer::played`] how long it was.
    Packet(Due<'a>),
    /// Something in place of a packet that is lost. Say with [`JitterBuffer::played`] how long it was.
    Lost {
        /// As long as this, in timestamp units; 0: as long as usual.
        units: u32,
        /// The payload type and payload of the packet right after it, when it has come: it may hold a copy.
        after: Option<(u8, &'a [u8])>,
    },
    /// Something until the next packet comes, which is overdue. Say with [`JitterBuffer::played`] how long it was.
    Overdue,
    /// Nothing is expected.
    Pause,
}

/// The packets of one stream, from their arrival to their turn.
#[derive(Debug)]
pub struct JitterBuffer {
    settings: Settings,
    seen: Seen,
    store: Store,
    timing: Timing,
    counts: Counts,
    /// The number of the next packet to be played.
    expected: u64,
    /// Nothing was played of this source yet.
    is_fresh: bool,
    is_playing: bool,
    /// The timestamp of the next sample to be played, while playing.
    position: u32,
    /// How long the sound of one packet is, in timestamp units; 0 before one was played.
    usual: u32,
    /// Timestamp units that were filled in since the last packet.
    dry: u32,
    /// Packets before the next one were given up.
    is_cut: bool,
    /// Packets were not played since the last that was.
    has_gap: bool,
    /// Packets in a row whose numbers are of another age.
    strange: u8,
}

/// Microseconds. A packet in whose place something was played is too late when it is older than wanted by more: one tick
/// in which it was missed, and one by which the delay may grow.
const SLACK: u64 = 40_000;

/// Microseconds. Packets that are older than the longest delay by more are given up at once.
const BEYOND: u64 = 100_000;

/// What is not heard for so many milliseconds is no longer expected.
const DRY: u32 = 60;

/// As many packets in a row with numbers far behind mean that the source began anew.
const STRANGE: u8 = 4;

/// What [`JitterBuffer::next`] has decided.
enum Turn {
    Play(Stored),
    Lost { units: u32, after: u64 },
    Overdue,
    Pause,
}

impl JitterBuffer {
    /// An empty buffer.
    pub fn new(settings: Settings) -> JitterBuffer {
        let settings = settings.bounded();
        JitterBuffer {
            settings,
            seen: Seen::default(),
            store: Store::new(settings.octets),
            timing: Timing::new(settings),
            counts: Counts::default(),
            expected: 0,
            is_fresh: true,
            is_playing: false,
            position: 0,
            usual: 0,
            dry: 0,
            is_cut: false,
            has_gap: false,
            strange: 0,
        }
    }

    /// Another source speaks: numbers, timestamps and what waits are forgotten; counts and the wanted delay stay.
    pub fn reset(&mut self) {
        self.counts.overflowed += self.store.len() as u64;
        self.has_gap |= self.store.len() > 0;
        self.store.clear();
        self.seen = Seen::default();
        self.timing.reset();
        (self.is_fresh, self.is_playing, self.is_cut, self.strange) = (true, false, false, 0);
    }

    /// A packet arrived at `now`. Its timestamps count `clock_rate` units a second; 0 says that it holds no sound (a digit)
    /// and that only its number matters.
    pub fn push(&mut self, now: Time, packet: &ReceivedPacket<'_>, clock_rate: u32) {
        self.counts.received += 1;
        match self.seen.see(packet.sequence) {
            Place::Duplicate => return self.counts.duplicate += 1,
            Place::Ancient if self.strange + 1 < STRANGE => {
                self.strange += 1;
                return self.counts.late += 1;
            }
            Place::Ancient | Place::Ahead => self.begin(packet.sequence),
            Place::Reordered => self.counts.reordered += 1,
            Place::Newest => {}
        }
        self.strange = 0;
        let mut stored = Stored::new(packet, micros(now));
        if clock_rate == 0 {
            stored.is_audio = false;
            return self.put(now, stored, &[]);
        }
        let moment = self.timing.arrive(now, packet, clock_rate, self.usual);
        (stored.unhindered, stored.resynchronises) = (moment.unhindered, moment.jumped);
        self.put(now, stored, packet.payload);
    }

    /// What is to be played at `now`, when something is needed.
    pub fn next(&mut self, now: Time) -> Next<'_> {
        match self.decide(micros(now)) {
            Turn::Play(stored) => Next::Packet(Due {
                payload_type: stored.payload_type,
                payload: self.store.payload(&stored),
                age: now.saturating_sub(Duration::from_micros(stored.unhindered)),
                is_cut: std::mem::take(&mut self.is_cut),
            }),
            Turn::Lost { units, after } => {
                let after = self.store.get(after).filter(|stored| stored.is_audio);
                Next::Lost { units, after: after.map(|stored| (stored.payload_type, self.store.payload(stored))) }
            }
            Turn::Overdue => Next::Overdue,
            Turn::Pause => Next::Pause,
        }
    }

    /// The packet that [`JitterBuffer::next`] gave out was `units` of its clock long.
    pub fn played(&mut self, units: u32) {
        self.position = self.position.wrapping_add(units);
        (self.usual, self.dry) = (units, 0);
    }

    /// So many timestamp units were filled in for what was lost or overdue.
    pub fn filled(&mut self, units: u32) {
        self.position = self.position.wrapping_add(units);
        self.dry = self.dry.saturating_add(units);
        if self.dry >= self.timing.units(DRY) {
            self.is_playing = false;
        }
    }

    /// What was played last said that nothing follows for a while (RFC 3389 §4, silence of Opus).
    pub fn pause(&mut self) {
        self.is_playing = false;
    }

    /// The age that packets should have when they are played.
    pub fn wanted_delay(&self) -> Duration {
        Duration::from_micros(self.timing.wanted())
    }

    /// How long the sound of one packet is, in timestamp units; 0 before one was played.
    pub fn usual(&self) -> u32 {
        self.usual
    }

    /// How many packets wait.
    pub fn waiting(&self) -> usize {
        self.store.len()
    }

    /// What it did.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The numbers begin anew at `sequence`.
    fn begin(&mut self, sequence: u64) {
        let skipped = sequence.saturating_sub(self.expected);
        if !self.is_fresh && skipped <= u64::from(limits::MAX_DROPOUT) {
            self.counts.lost += skipped.saturating_sub(self.store.len() as u64);
        }
        self.reset();
        self.seen.see(sequence);
        self.expected = sequence;
    }

    fn put(&mut self, now: Time, stored: Stored, payload: &[u8]) {
        // Before anything was played, the first packet may turn out to be the second.
        let waits_before = self.is_fresh && self.store.reaches(stored.sequence);
        if stored.sequence < self.expected && !waits_before {
            self.counts.late += 1;
            self.counts.lost = self.counts.lost.saturating_sub(1);
            return self.timing.was_late(now);
        }
        self.expected = self.expected.min(stored.sequence);
        while stored.sequence - self.expected >= PLACES as u64 || !self.store.has_room(payload.len()) {
            if !self.give_up_before(stored.sequence) {
                return self.counts.overflowed += 1;
            }
        }
        self.store.insert(stored, payload);
    }

    /// Gives up the oldest packet before number `sequence`, to make room; false when there is none to be had.
    fn give_up_before(&mut self, sequence: u64) -> bool {
        let oldest = self.store.first(self.expected).map_or(sequence, |stored| stored.sequence);
        if oldest >= sequence && self.expected == sequence {
            return false;
        }
        if oldest >= sequence {
            self.counts.lost += sequence - self.expected;
            self.expected = sequence;
        } else {
            self.give_up(oldest);
            self.counts.overflowed += 1;
        }
        true
    }

    /// Leaves out a packet and those before it, which never came.
    fn give_up(&mut self, sequence: u64) {
        self.counts.lost += sequence - self.expected;
        self.store.take(sequence);
        self.expected = sequence + 1;
        (self.is_cut, self.is_fresh, self.has_gap) = (true, false, true);
    }

    fn decide(&mut self, at: u64) -> Turn {
        loop {
            let Some(head) = self.store.first(self.expected).copied() else {
                return if self.is_playing { Turn::Overdue } else { Turn::Pause };
            };
            let missing = head.sequence - self.expected;
            if !head.is_audio && (missing == 0 || !self.is_playing) {
                self.skip(&head);
                continue;
            }
            let age = at.saturating_sub(head.unhindered);
            let wanted = self.timing.wanted();
            if !self.is_playing {
                if age < wanted {
                    return Turn::Pause;
                }
                // Nothing is interrupted by a pause that lasts longer: the beginning of a word is worth more than the delay.
                if age > micros(self.settings.maximum) + SLACK {
                    self.drop_late(&head, at);
                    continue;
                }
                return self.begin_with(head);
            }
            let ahead = head.timestamp.wrapping_sub(self.position) as i32;
            let is_comparable = head.is_audio && !head.resynchronises;
            if missing > 0 && !(is_comparable && ahead <= 0) {
                let units = if is_comparable { self.usual.min(ahead as u32) } else { self.usual };
                (self.counts.lost, self.expected) = (self.counts.lost + 1, self.expected + 1);
                self.has_gap = true;
                return Turn::Lost { units, after: self.expected };
            }
            if head.resynchronises || ahead > self.tolerance() {
                // A pause within the stream: what follows begins anew.
                self.is_playing = false;
                continue;
            }
            if -ahead > self.tolerance() && age > wanted + SLACK {
                self.drop_late(&head, at);
            } else if age > micros(self.settings.maximum) + BEYOND {
                self.counts.overflowed += 1;
                self.give_up(head.sequence);
                self.position = head.timestamp.wrapping_add(self.usual);
            } else {
                return self.begin_with(head);
            }
        }
    }

    /// A packet without sound had its turn.
    fn skip(&mut self, head: &Stored) {
        let (was_cut, had_gap) = (self.is_cut, self.has_gap || head.sequence > self.expected);
        self.give_up(head.sequence);
        (self.is_cut, self.has_gap) = (was_cut, had_gap);
    }

    fn drop_late(&mut self, head: &Stored, at: u64) {
        self.counts.late += 1;
        self.give_up(head.sequence);
        self.timing.was_late(Duration::from_micros(at));
    }

    /// The turn of a packet, whatever was played before it.
    fn begin_with(&mut self, head: Stored) -> Turn {
        let missing = head.sequence - self.expected;
        self.counts.lost += missing;
        self.counts.gaps += u64::from(self.has_gap || missing > 0);
        self.expected = head.sequence + 1;
        self.has_gap = false;
        self.store.take(head.sequence);
        self.position = head.timestamp;
        (self.is_playing, self.is_fresh, self.dry) = (true, false, 0);
        self.timing.was_in_time();
        Turn::Play(head)
    }

    /// Timestamps may be off by so much without meaning anything.
    fn tolerance(&self) -> i32 {
        (self.usual / 4) as i32
    }
}
