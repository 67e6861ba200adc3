//! Whether what is played lags too much or too little behind what was sent, and what to do about it.
//!
//! A clock of the far end that is fast lets packets wait longer and longer, a slow one lets them come ever closer to too
//! late; a wanted delay that grew or shrank shows in the same way. Packets are fetched in ticks, so the age at which one is
//! decoded only changes in steps of a packet; what lies between the steps waits, decoded, in the playout. That rest is
//! delay as well, and good for nothing.

/// Packets over which age and rest are looked at: the pattern that packets of 30 or 50 ms make in ticks of 20 ms repeats
/// within less.
const WINDOW: u8 = 6;

/// Microseconds by which packets may be older than wanted, beside one packet: so that what was left out is not put in again.
const TOLERANCE: u64 = 3_000;

/// Microseconds of rest that are not worth a cut.
const REST: u64 = 5_000;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Hold,
    /// Play something twice.
    Insert(Urgency),
    /// Leave something out, at most so many microseconds.
    Remove(u64, Urgency),
}

/// How much is lost by waiting for a better moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Nothing yet: in silence or where the sound repeats itself.
    Patient,
    /// Some delay, or soon a late packet: where it is not like noise.
    Pressing,
    /// Packets are late, or the delay is heard: anywhere.
    Now,
}

/// What was seen of the ages of packets.
#[derive(Debug, Default)]
pub(super) struct Drift {
    seen: u8,
    age: u64,
    rest: u64,
    /// The least age and rest of the last whole window.
    found: Option<(u64, u64)>,
}

impl Drift {
    /// A packet was decoded `age` microseconds after it would have come unhindered, when `rest` microseconds were still to be
    /// played.
    pub(super) fn note(&mut self, age: u64, rest: u64) {
        let first = self.seen == 0;
        self.age = if first { age } else { self.age.min(age) };
        self.rest = if first { rest } else { self.rest.min(rest) };
        self.seen += 1;
        if self.seen == WINDOW {
            (self.found, self.seen) = (Some((self.age, self.rest)), 0);
        }
    }

    /// Something was put in or left out, or what comes has nothing to do with what was: look anew.
    pub(super) fn forget(&mut self) {
        (self.found, self.seen) = (None, 0);
    }

    /// What to do so that packets have the `wanted` age, when each is `step` microseconds long.
    pub(super) fn verdict(&self, wanted: u64, step: u64) -> Verdict {
        let Some((age, rest)) = self.found else { return Verdict::Hold };
        if age < wanted {
            return Verdict::Insert(Urgency::of(wanted - age, 8_000));
        }
        // What is left out comes from the rest first; then a whole packet more is needed, and all are younger by its length.
        let spare = age.saturating_sub(wanted + TOLERANCE) / step.max(1);
        if spare > 0 {
            return Verdict::Remove(rest + spare * step, Urgency::of((spare - 1) * step, 40_000));
        }
        if rest > REST { Verdict::Remove(rest, Urgency::Patient) } else { Verdict::Hold }
    }
}

impl Urgency {
    fn of(off: u64, patience: u64) -> Urgency {
        match off / patience {
            0 => Urgency::Patient,
            1 => Urgency::Pressing,
            _ => Urgency::Now,
        }
    }

    /// How alike what is joined has to be, 1 being the same.
    pub(super) fn likeness(self) -> f32 {
        match self {
            Urgency::Patient => 0.85,
            Urgency::Pressing => 0.5,
            Urgency::Now => -1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(ages: &[u64], rest: u64) -> Verdict {
        let mut drift = Drift::default();
        ages.iter().for_each(|age| drift.note(*age, rest));
        drift.verdict(40_000, 20_000)
    }

    #[test]
    fn it_takes_a_window_to_find_out() {
        assert_eq!(verdict(&[10_000; 5], 0), Verdict::Hold);
        assert_eq!(verdict(&[45_000; 6], 0), Verdict::Hold);
        assert_eq!(verdict(&[39_000; 6], 0), Verdict::Insert(Urgency::Patient));
        assert_eq!(verdict(&[30_000; 6], 0), Verdict::Insert(Urgency::Pressing));
        assert_eq!(verdict(&[0; 6], 0), Verdict::Insert(Urgency::Now));
        assert_eq!(verdict(&[90_000, 90_000, 45_000, 90_000, 90_000, 90_000], 0), Verdict::Hold);
    }

    #[test]
    fn too_old_is_more_than_a_packet_too_old() {
        assert_eq!(verdict(&[63_000; 6], 5_000), Verdict::Remove(25_000, Urgency::Patient));
        assert_eq!(verdict(&[62_000; 6], 5_000), Verdict::Hold);
        assert_eq!(verdict(&[84_000; 6], 0), Verdict::Remove(40_000, Urgency::Patient));
        assert_eq!(verdict(&[190_000; 6], 0), Verdict::Remove(140_000, Urgency::Now));
        assert_eq!(verdict(&[50_000; 6], 7_000), Verdict::Remove(7_000, Urgency::Patient));
    }

    #[test]
    fn what_was_seen_before_a_change_does_not_count() {
        let mut drift = Drift::default();
        (0..6).for_each(|_| drift.note(0, 0));
        drift.forget();
        assert_eq!(drift.verdict(40_000, 20_000), Verdict::Hold);
        (0..6).for_each(|_| drift.note(45_000, 0));
        (0..6).for_each(|_| drift.note(100_000, 0));
        assert_eq!(drift.verdict(40_000, 20_000), Verdict::Remove(40_000, Urgency::Patient));
    }
}
