//! Which dynamic payload types a session has given a meaning.

use super::super::SessionDescription;

/// The numbers 96–127 that have stood for something in our descriptions of a session. They must never stand for anything else
/// (RFC 3264 §8.3.2), even when what they stood for is no longer offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsedNumbers(u32);

impl UsedNumbers {
    /// Takes note of what a description of ours says.
    pub fn note(&mut self, description: &SessionDescription) {
        let formats = description.media.iter().flat_map(|media| &media.formats);
        for number in formats.filter_map(|format| format.payload_type()) {
            self.0 |= Self::bit(number);
        }
    }

    /// Whether a number has stood for something. Those below 96 mean the same in every session.
    pub fn contains(self, number: u8) -> bool {
        self.0 & Self::bit(number) != 0
    }

    fn bit(number: u8) -> u32 {
        number.checked_sub(96).and_then(|place| 1_u32.checked_shl(place.into())).unwrap_or(0)
    }
}
