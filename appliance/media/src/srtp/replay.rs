//! Which indices were there already (RFC 3711 §3.3.2): a window that moves with the highest.

/// The last 128 indices of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Window {
    highest: u64,
    /// Bit n: the index n below the highest was there. 0: none was.
    seen: u128,
}

impl Window {
    /// How many indices it remembers.
    pub(super) const SIZE: u64 = u128::BITS as u64;

    /// The highest index so far.
    pub(super) fn highest(&self) -> Option<u64> {
        (self.seen != 0).then_some(self.highest)
    }

    /// Whether the index is one that was not there yet, for certain.
    pub(super) fn is_fresh(&self, index: u64) -> bool {
        if self.seen == 0 || index > self.highest {
            return true;
        }
        let age = self.highest - index;
        age < Self::SIZE && self.seen >> age & 1 == 0
    }

    /// Remembers a fresh index.
    pub(super) fn take(&mut self, index: u64) {
        if self.seen == 0 || index > self.highest {
            let step = index.saturating_sub(self.highest);
            self.seen = if step < Self::SIZE && self.seen != 0 { self.seen << step | 1 } else { 1 };
            self.highest = index;
        } else if let Some(bit) = u32::try_from(self.highest - index).ok().and_then(|age| 1u128.checked_shl(age)) {
            self.seen |= bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_each_index_once() {
        let mut window = Window::default();
        assert_eq!(window.highest(), None);
        for index in [7, 5, 9, 8, 136, 10] {
            assert!(window.is_fresh(index), "{index}");
            window.take(index);
            assert!(!window.is_fresh(index), "{index}");
        }
        assert_eq!(window.highest(), Some(136));
        assert!(!window.is_fresh(8), "128 behind the highest");
        assert!(!window.is_fresh(9), "127 behind, and seen");
        assert!(window.is_fresh(11));
    }

    #[test]
    fn begins_at_zero_too_and_forgets_after_a_great_step() {
        let mut window = Window::default();
        assert!(window.is_fresh(0));
        window.take(0);
        assert_eq!((window.is_fresh(0), window.highest()), (false, Some(0)));
        window.take(u64::MAX);
        assert_eq!((window.is_fresh(0), window.is_fresh(u64::MAX - 127)), (false, true));
        assert!(!window.is_fresh(u64::MAX - 128));
    }

    /// The same as a list of everything that was taken would say.
    #[test]
    fn agrees_with_a_list() {
        let mut window = Window::default();
        let mut taken: Vec<u64> = Vec::new();
        let mut dice = 1u64;
        for _ in 0..20_000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let highest = taken.iter().copied().max().unwrap_or(1_000);
            let index = highest + (dice >> 60) - (dice >> 40 & 0xFF).min(highest);
            let known = taken.contains(&index) || (!taken.is_empty() && index + Window::SIZE <= highest);
            assert_eq!(window.is_fresh(index), !known, "{index} at {highest}");
            if !known {
                window.take(index);
                taken.push(index);
            }
            taken.retain(|old| *old + 400 > highest);
        }
    }
}
