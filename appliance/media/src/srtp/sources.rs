//! The sources of one direction, and which of their packets were there.

use crate::limits::SOURCES;
use crate::srtp::replay::Window;

/// One source.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Source {
    ssrc: u32,
    /// Of its RTP packets.
    pub(super) rtp: Window,
    /// Of its RTCP packets.
    pub(super) rtcp: Window,
}

/// All sources, the one heard last first: nearly always the only one.
#[derive(Debug, Default)]
pub(super) struct Sources {
    known: [Source; SOURCES],
    count: usize,
}

impl Sources {
    /// The source, if it is known.
    pub(super) fn find(&self, ssrc: u32) -> Option<&Source> {
        self.known[..self.count].iter().find(|source| source.ssrc == ssrc)
    }

    /// Whether a new one takes the place of another.
    pub(super) fn is_full(&self) -> bool {
        self.count == SOURCES
    }

    /// The source, which is the one heard last now. A new one takes the place of the longest silent where there is none.
    pub(super) fn hear(&mut self, ssrc: u32) -> &mut Source {
        let place = self.known[..self.count].iter().position(|source| source.ssrc == ssrc);
        let taken = place.unwrap_or(self.count.min(SOURCES - 1));
        self.known[..=taken].rotate_right(1);
        if place.is_none() {
            self.known[0] = Source { ssrc, ..Source::default() };
            self.count = SOURCES.min(self.count + 1);
        }
        &mut self.known[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_silent_makes_room() {
        let mut sources = Sources::default();
        for ssrc in 0..SOURCES as u32 {
            assert!(!sources.is_full());
            sources.hear(ssrc).rtp.take(u64::from(ssrc) + 100);
        }
        assert!(sources.is_full());
        sources.hear(0);
        sources.hear(1_000);
        assert!(sources.find(1).is_none());
        for ssrc in [0, 2, 3, 4, 5, 6, 7] {
            assert_eq!(sources.find(ssrc).and_then(|source| source.rtp.highest()), Some(u64::from(ssrc) + 100));
        }
        assert_eq!(sources.find(1_000).map(|source| source.rtp), Some(Window::default()));
    }
}
