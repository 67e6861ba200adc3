//! Which numbers were seen: what tells a second copy from a packet that comes late.

/// Where a number stands among those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The first, or further ahead than [`SEEN`] numbers.
    Ahead,
    /// The greatest so far.
    Newest,
    /// Behind the greatest, and never seen.
    Reordered,
    /// Seen before.
    Duplicate,
    /// So far back that nothing is known of it.
    Ancient,
}

/// How far back numbers are remembered.
const SEEN: u64 = 128;

/// The last numbers that were seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The greatest, and a bit for it and each one below it; no bit before the first packet.
    highest: u64,
    bits: u128,
}

impl Seen {
    /// Takes in a number.
    pub(super) fn see(&mut self, sequence: u64) -> Place {
        if self.bits == 0 {
            (self.highest, self.bits) = (sequence, 1);
            return Place::Ahead;
        }
        if sequence > self.highest {
            let step = sequence - self.highest;
            self.highest = sequence;
            self.bits = if step < SEEN { self.bits << step | 1 } else { 1 };
            return if step < SEEN { Place::Newest } else { Place::Ahead };
        }
        let back = self.highest - sequence;
        if back >= SEEN {
            return Place::Ancient;
        }
        let bit = 1 << back;
        if self.bits & bit != 0 {
            return Place::Duplicate;
        }
        self.bits |= bit;
        Place::Reordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_copies_from_latecomers() {
        let mut seen = Seen::default();
        assert_eq!(seen.see(1_000), Place::Ahead);
        assert_eq!(seen.see(1_002), Place::Newest);
        assert_eq!(seen.see(1_001), Place::Reordered);
        assert_eq!(seen.see(1_001), Place::Duplicate);
        assert_eq!(seen.see(1_002), Place::Duplicate);
        assert_eq!(seen.see(1_129), Place::Newest);
        assert_eq!(seen.see(1_002), Place::Duplicate);
        assert_eq!(seen.see(1_001), Place::Ancient);
        assert_eq!(seen.see(1_256), Place::Newest);
        assert_eq!(seen.see(1_129), Place::Duplicate);
        assert_eq!(seen.see(5_000), Place::Ahead);
        assert_eq!(seen.see(4_999), Place::Reordered);
    }
}
