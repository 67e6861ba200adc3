//! Timers in the order in which they run out, for any number of owners.

use std::collections::VecDeque;

use super::Timer;
use crate::{Deadline, Time};

/// Armed timers. There are few distinct lengths (table 4 of RFC 3261 and their doublings), and timers of one length run out in the order
/// in which they were armed: one FIFO per length needs no heap. Nothing is disarmed: a timer nobody awaits is dropped when it comes up, or
/// by [`retain`](TimerQueue::retain) when such timers have become many.
#[derive(Debug)]
pub struct TimerQueue<O> {
    lanes: Vec<Lane<O>>,
    len: usize,
    sweep_at: usize,
}

#[derive(Debug)]
struct Lane<O> {
    length: Time,
    entries: VecDeque<Entry<O>>,
}

#[derive(Debug)]
struct Entry<O> {
    /// Nanoseconds on the caller's clock: half the size of a `Duration`.
    at: u64,
    timer: Timer,
    owner: O,
}

/// Below this number of timers nothing is swept.
const FEW: usize = 1024;
/// Timers for which a lane that has nearly emptied keeps room.
const KEPT: usize = 64;

impl<O> Default for TimerQueue<O> {
    fn default() -> Self {
        TimerQueue { lanes: Vec::new(), len: 0, sweep_at: FEW }
    }
}

impl<O> TimerQueue<O> {
    /// Arms a timer of `owner` to run out `length` after `now`.
    pub fn arm(&mut self, now: Time, (timer, length): (Timer, Time), owner: O) {
        let lane = match self.lanes.iter().position(|lane| lane.length == length) {
            Some(found) => &mut self.lanes[found],
            None => {
                self.lanes.push(Lane { length, entries: VecDeque::new() });
                self.lanes.last_mut().expect("a lane was pushed in the line above")
            }
        };
        // A clock that steps back must not break the order of the lane.
        let earliest = lane.entries.back().map_or(0, |last| last.at);
        let at = nanoseconds(now.saturating_add(length)).max(earliest);
        lane.entries.push_back(Entry { at, timer, owner });
        self.len += 1;
    }

    /// The timer that runs out first, if it has run out by `now`.
    pub fn pop_due(&mut self, now: Time) -> Option<(Timer, O)> {
        let now = nanoseconds(now);
        let lane = self.lanes.iter_mut().filter(|lane| !lane.entries.is_empty());
        let lane = lane.min_by_key(|lane| lane.entries.front().map_or(u64::MAX, |first| first.at))?;
        if lane.entries.front()?.at > now {
            return None;
        }
        let entry = lane.entries.pop_front()?;
        self.len -= 1;
        if lane.entries.is_empty() && lane.entries.capacity() > KEPT {
            lane.entries = VecDeque::new();
        }
        Some((entry.timer, entry.owner))
    }

    /// When the next timer runs out, and its name.
    pub fn deadline(&self) -> Option<Deadline> {
        let first = self.lanes.iter().filter_map(|lane| lane.entries.front()).min_by_key(|entry| entry.at)?;
        Some(Deadline { at: Time::from_nanos(first.at), reason: first.timer.name() })
    }

    /// How many timers are armed, those nobody awaits included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether so many timers have gathered since the last [`retain`](TimerQueue::retain) that another one is worth its while.
    pub fn wants_sweep(&self) -> bool {
        self.len >= self.sweep_at
    }

    /// Drops the timers nobody awaits, and gives memory back.
    pub fn retain(&mut self, mut is_awaited: impl FnMut(Timer, &O) -> bool) {
        for lane in &mut self.lanes {
            lane.entries.retain(|entry| is_awaited(entry.timer, &entry.owner));
            if lane.entries.capacity() > 4 * lane.entries.len() + KEPT {
                lane.entries.shrink_to_fit();
            }
        }
        self.len = self.lanes.iter().map(|lane| lane.entries.len()).sum();
        self.sweep_at = (2 * self.len).max(FEW);
    }
}

/// The clock counts from the start of the process: 584 years fit.
fn nanoseconds(time: Time) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Time = Time::from_secs(1);

    #[test]
    fn timers_come_up_in_order_of_time_whatever_their_length() {
        let mut timers = TimerQueue::default();
        timers.arm(Time::ZERO, (Timer::B, 32 * SECOND), 'b');
        timers.arm(Time::ZERO, (Timer::A, SECOND), 'a');
        timers.arm(SECOND, (Timer::A, 2 * SECOND), 'c');
        assert_eq!(timers.deadline(), Some(Deadline { at: SECOND, reason: "A" }));
        assert_eq!(timers.pop_due(SECOND / 2), None);
        let order: Vec<char> = std::iter::from_fn(|| timers.pop_due(40 * SECOND)).map(|(_, owner)| owner).collect();
        assert_eq!(order, ['a', 'c', 'b']);
        assert!(timers.is_empty() && timers.deadline().is_none());
    }

    #[test]
    fn a_clock_that_steps_back_does_not_break_the_order() {
        let mut timers = TimerQueue::default();
        timers.arm(10 * SECOND, (Timer::K, SECOND), 1);
        timers.arm(Time::ZERO, (Timer::K, SECOND), 2);
        assert_eq!(timers.pop_due(10 * SECOND), None);
        assert_eq!(timers.pop_due(11 * SECOND), Some((Timer::K, 1)));
        assert_eq!(timers.pop_due(11 * SECOND), Some((Timer::K, 2)));
    }

    #[test]
    fn a_sweep_drops_what_nobody_awaits_and_gives_memory_back() {
        let mut timers = TimerQueue::default();
        for owner in 0..50_000 {
            timers.arm(Time::ZERO, (Timer::B, 32 * SECOND), owner);
        }
        assert!(timers.wants_sweep());
        timers.retain(|_, owner| owner % 1000 == 0);
        assert_eq!(timers.len(), 50);
        assert!(!timers.wants_sweep());
        assert!(timers.lanes[0].entries.capacity() < 2 * FEW);
    }
}
