//! The index of a packet: its sequence number, counted on over every wrap (RFC 3711 §3.3.1).

/// The greatest index of an RTP packet, and so the most packets a key may protect (RFC 3711 §9.2).
pub(super) const RTP_MAX: u64 = (1 << 48) - 1;

/// The greatest index of an RTCP packet.
pub(super) const RTCP_MAX: u64 = (1 << 31) - 1;

/// The index of the packet with this sequence number that is nearest to the highest known one (RFC 3711 appendix A). `None`:
/// it would lie before the first packet, or behind the last one a key may protect.
pub(super) fn nearest(highest: u64, sequence: u16) -> Option<u64> {
    const HALF: u16 = 1 << 15;
    let (rollovers, last) = (highest >> 16, highest as u16);
    let rollovers = if last < HALF {
        if sequence > last && sequence - last > HALF { rollovers.checked_sub(1)? } else { rollovers }
    } else if last - HALF > sequence {
        rollovers + 1
    } else {
        rollovers
    };
    Some(rollovers << 16 | u64::from(sequence)).filter(|index| *index <= RTP_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_wrap_both_ways() {
        assert_eq!(nearest(5, 6), Some(6));
        assert_eq!(nearest(65_535, 0), Some(65_536));
        assert_eq!(nearest(65_536, 65_535), Some(65_535));
        assert_eq!(nearest(3 << 16 | 10, 65_530), Some(2 << 16 | 65_530));
        assert_eq!(nearest(3 << 16 | 65_000, 10), Some(4 << 16 | 10));
        assert_eq!(nearest(3 << 16 | 100, 32_868), Some(3 << 16 | 32_868), "half the way is ahead");
        assert_eq!(nearest(3 << 16 | 40_000, 7_232), Some(3 << 16 | 7_232), "half the way is behind");
    }

    #[test]
    fn there_is_nothing_before_the_first_and_behind_the_last() {
        assert_eq!(nearest(10, 65_530), None);
        assert_eq!(nearest(RTP_MAX, 0), None);
        assert_eq!(nearest(RTP_MAX, 65_534), Some(RTP_MAX - 1));
    }
}
