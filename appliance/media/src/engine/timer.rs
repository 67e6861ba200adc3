//! When which stream wants to be looked at.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::socket::StreamId;
use crate::{Deadline, Time};

/// What a stream waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The next RTCP report (RFC 3550 §6.2).
    Report,
    /// The silence that makes a phone count as dead.
    Silence,
    /// The keepalive when we have nothing to send (RFC 6263).
    Keepalive,
}

impl Timer {
    pub(super) const ALL: [Timer; 3] = [Timer::Report, Timer::Silence, Timer::Keepalive];

    fn name(self) -> &'static str {
        match self {
            Timer::Report => "rtcp report",
            Timer::Silence => "rtp timeout",
            Timer::Keepalive => "rtp keepalive",
        }
    }
}

/// The timers of one stream.
#[derive(Debug, Default)]
pub(super) struct TimerTable {
    at: [Option<Time>; Timer::ALL.len()],
    /// The one entry of the agenda that counts.
    booked: Option<Time>,
}

impl TimerTable {
    pub(super) fn set(&mut self, timer: Timer, at: Option<Time>) {
        self.at[timer as usize] = at;
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.at[timer as usize].is_some()
    }

    /// Whether `timer` is due; it is then no longer set.
    pub(super) fn take_due(&mut self, timer: Timer, now: Time) -> bool {
        self.at[timer as usize].take_if(|at| *at <= now).is_some()
    }

    /// Whether the entry at `at` is the one that counts.
    pub(super) fn is_booked(&self, at: Time) -> bool {
        self.booked == Some(at)
    }

    /// The entry is used up.
    pub(super) fn unbook(&mut self) {
        self.booked = None;
    }

    fn next(&self) -> Option<(Time, Timer)> {
        Timer::ALL.into_iter().filter_map(|timer| Some((self.at[timer as usize]?, timer))).min()
    }
}

/// The timers of all streams: a heap in which each stream has one entry that counts. A timer that is put off leaves its
/// entry where it is; the stream is then looked at once too early, and books again. So a packet never touches the heap.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<(Time, StreamId, Timer)>>,
}

impl Agenda {
    /// Makes sure that the stream is looked at when the first of its timers is due.
    pub(super) fn book(&mut self, stream: StreamId, table: &mut TimerTable) {
        let Some((at, timer)) = table.next() else { return };
        if table.booked.is_none_or(|booked| at < booked) {
            table.booked = Some(at);
            self.heap.push(Reverse((at, stream, timer)));
        }
    }

    /// The next entry that is due: the stream, and when it was booked for.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<(StreamId, Time)> {
        let Reverse((at, stream, _)) = *self.heap.peek().filter(|entry| entry.0.0 <= now)?;
        self.heap.pop();
        Some((stream, at))
    }

    pub(super) fn next(&self) -> Option<Deadline> {
        self.heap.peek().map(|Reverse((at, _, timer))| Deadline { at: *at, reason: timer.name() })
    }

    /// Throws away entries that no longer count, when they are the most, and gives back what is empty for the most part.
    pub(super) fn tidy(&mut self, streams: usize, counts: impl Fn(StreamId, Time) -> bool) {
        let enough = 2 * streams + 64;
        if self.heap.len() > enough {
            self.heap.retain(|Reverse((at, stream, _))| counts(*stream, *at));
        }
        if self.heap.capacity() > 8 * enough {
            self.heap.shrink_to(enough);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.heap.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Option<Time> {
        Some(Time::from_secs(seconds))
    }

    #[test]
    fn a_stream_has_one_entry_that_counts() {
        let mut agenda = Agenda::default();
        let mut table = TimerTable::default();
        table.set(Timer::Silence, s(60));
        agenda.book(StreamId(1), &mut table);
        table.set(Timer::Report, s(5));
        agenda.book(StreamId(1), &mut table);
        table.set(Timer::Report, s(7));
        agenda.book(StreamId(1), &mut table);
        assert_eq!(agenda.len(), 2);
        assert_eq!(agenda.next(), Some(Deadline { at: Time::from_secs(5), reason: "rtcp report" }));
        assert_eq!(agenda.pop_due(Time::from_secs(4)), None);
        assert_eq!(agenda.pop_due(Time::from_secs(5)), Some((StreamId(1), Time::from_secs(5))));
        assert!(table.is_booked(Time::from_secs(5)));
        assert!(!table.is_booked(Time::from_secs(60)));
        assert!(!table.take_due(Timer::Report, Time::from_secs(6)));
        assert!(table.take_due(Timer::Report, Time::from_secs(7)));
        assert!(!table.is_set(Timer::Report));
    }

    #[test]
    fn entries_that_no_longer_count_do_not_pile_up() {
        let mut agenda = Agenda::default();
        for second in (0..1_000).rev() {
            let mut table = TimerTable::default();
            table.set(Timer::Report, s(second));
            agenda.book(StreamId(1), &mut table);
            agenda.tidy(1, |_, at| at == Time::from_secs(second));
            assert!(agenda.len() <= 66);
        }
        agenda.heap.reserve(10_000);
        agenda.tidy(1, |_, _| true);
        assert!(agenda.heap.capacity() <= 8 * 66 && agenda.len() > 0, "a burst keeps nothing");
    }
}
