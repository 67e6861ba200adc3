//! Sequence numbers of one source turned into those of one of our streams, without a gap where we leave packets out.

/// From extended sequence numbers of a source to 16-bit numbers of ours.
///
/// When a packet is left out on purpose, all later ones move up by one, so that the receiver does not take it for loss.
/// Packets that were overtaken on the way and belong before that point still get the number that was kept for them; ones
/// from before the point before that would hit a number that is in use, and get none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceMap {
    offset: u16,
    /// `offset` counts from this extended sequence number on.
    since: u64,
    earlier_offset: u16,
    /// `earlier_offset` counts from this one on, up to `since`.
    first: u64,
}

impl SequenceMap {
    /// A map in which the packet `extended` of the source gets our number `sequence`; earlier ones get none.
    pub fn starting(extended: u64, sequence: u16) -> SequenceMap {
        let offset = sequence.wrapping_sub(extended as u16);
        SequenceMap { offset, since: extended, earlier_offset: offset, first: extended }
    }

    /// Our number for the packet `extended` of the source. `None`: it comes too late.
    pub fn map(&self, extended: u64) -> Option<u16> {
        if extended >= self.since {
            Some((extended as u16).wrapping_add(self.offset))
        } else if extended >= self.first {
            Some((extended as u16).wrapping_add(self.earlier_offset))
        } else {
            None
        }
    }

    /// The packet `extended`, the latest so far, is left out.
    pub fn skip(&mut self, extended: u64) {
        if extended != self.since {
            self.first = self.since;
            self.earlier_offset = self.offset;
        }
        self.since = extended + 1;
        self.offset = self.offset.wrapping_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_on_from_the_given_number_over_the_wrap() {
        let map = SequenceMap::starting(70_000, 65_535);
        assert_eq!(map.map(70_000), Some(65_535));
        assert_eq!(map.map(70_001), Some(0));
        assert_eq!(map.map(69_999), None);
    }

    #[test]
    fn leaves_no_gap_for_what_is_left_out() {
        let mut map = SequenceMap::starting(100, 10);
        assert_eq!(map.map(101), Some(11));
        map.skip(102);
        map.skip(103);
        assert_eq!(map.map(104), Some(12));
        assert_eq!(map.map(101), Some(11));
        map.skip(105);
        assert_eq!(map.map(106), Some(13));
        assert_eq!(map.map(104), Some(12));
        assert_eq!(map.map(101), None);
    }

    #[test]
    fn the_first_packets_may_be_left_out() {
        let mut map = SequenceMap::starting(100, 10);
        map.skip(100);
        map.skip(101);
        assert_eq!(map.map(102), Some(10));
        assert_eq!(map.map(99), None);
    }
}
