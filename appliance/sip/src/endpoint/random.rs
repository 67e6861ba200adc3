//! Tags, branches and Call-IDs, drawn from the seed.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::message::Text;

/// The endpoint's own source of randomness.
pub(super) struct Random(ChaCha12Rng);

impl Random {
    pub(super) fn new(seed: [u8; 32]) -> Random {
        Random(ChaCha12Rng::from_seed(seed))
    }

    /// 64 bits nobody outside can guess: the name of a client transaction.
    pub(super) fn token(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A new secret.
    pub(super) fn secret(&mut self) -> [u8; 32] {
        let mut secret = [0; 32];
        self.0.fill_bytes(&mut secret);
        secret
    }

    /// A tag (RFC 3261 §19.3): 64 random bits.
    pub(super) fn tag(&mut self) -> Text {
        hex(self.token())
    }

    /// A Call-ID (RFC 3261 §8.1.1.4): 128 random bits.
    pub(super) fn call_id(&mut self) -> Text {
        let mut text = Vec::with_capacity(32);
        write_hex(self.token(), &mut text);
        write_hex(self.token(), &mut text);
        text.into()
    }

    /// A whole number below `end`.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(end)) >> 32) as u32
    }
}

/// 16 hexadecimal digits.
pub(super) fn hex(value: u64) -> Text {
    let mut text = Vec::with_capacity(16);
    write_hex(value, &mut text);
    text.into()
}

/// Appends 16 hexadecimal digits.
pub(super) fn write_hex(value: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend((0..16).rev().map(|nibble| DIGITS[(value >> (4 * nibble) & 15) as usize]));
}

/// Reads what [`write_hex`] writes; `None` for anything else.
pub(super) fn read_hex(text: &[u8]) -> Option<u64> {
    if text.len() != 16 {
        return None;
    }
    text.iter().try_fold(0, |value, &digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_read_as_they_are_written() {
        for value in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(read_hex(&hex(value)), Some(value));
        }
        assert_eq!(read_hex(b"0123456789ABCDEF"), None);
        assert_eq!(read_hex(b"1"), None);
    }

    #[test]
    fn the_same_seed_draws_the_same_names() {
        let draw = |seed| {
            let mut random = Random::new([seed; 32]);
            (random.tag(), random.call_id(), random.below(10))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
