//! Nonces that prove themselves, and the bounded table of those in use.
//!
//! A nonce is the second it was made in, a running number, and a keyed hash over both and the realm. The table holds only nonces that came
//! back with a right response. When it is full the oldest is dropped and everything as old as that counts as used up, so that
//! no replay gets through: the phone is challenged once more.

use std::collections::VecDeque;

use hmac::{Hmac, KeyInit, Mac};
use rustc_hash::FxHashMap;
use sha2::Sha256;

use crate::{Time, limits, message::Text};

const MAC_BYTES: usize = 12;
const NONCE_BYTES: usize = 8 + MAC_BYTES;

/// A nonce of ours that came back, taken apart.
///
/// In the order in which they were made, but for those of the one second in which the numbers begin anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nonce {
    pub(super) second: u32,
    pub(super) number: u32,
}

/// Makes nonces and recognises them.
#[derive(Clone)]
pub(super) struct Mint {
    keyed: Hmac<Sha256>,
    next: u32,
}

impl Mint {
    pub(super) fn new(realm: &[u8], secret: &[u8; 32]) -> Mint {
        let mut keyed = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        keyed.update(realm);
        Mint { keyed, next: 1 }
    }

    pub(super) fn make(&mut self, now: Time) -> Text {
        let nonce = Nonce { second: now.as_secs() as u32, number: self.next };
        self.next = self.next.wrapping_add(1).max(1);
        hex::encode(self.bytes(nonce)).into()
    }

    /// The nonce, if we made it.
    pub(super) fn recognise(&self, text: &[u8]) -> Option<Nonce> {
        use subtle::ConstantTimeEq;
        let mut bytes = [0u8; NONCE_BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let nonce = Nonce { second: word(0), number: word(4) };
        bool::from(self.bytes(nonce).ct_eq(&bytes)).then_some(nonce)
    }

    fn bytes(&self, nonce: Nonce) -> [u8; NONCE_BYTES] {
        let mut bytes = [0u8; NONCE_BYTES];
        bytes[..4].copy_from_slice(&nonce.second.to_be_bytes());
        bytes[4..8].copy_from_slice(&nonce.number.to_be_bytes());
        let mut keyed = self.keyed.clone();
        keyed.update(&bytes[..8]);
        bytes[8..].copy_from_slice(&keyed.finalize().into_bytes()[..MAC_BYTES]);
        bytes
    }
}

/// How a nonce was used so far.
struct Uses {
    highest: u32,
    /// Bit n is set when the count `highest - n` was used.
    window: u64,
    /// The request that came with the highest count.
    request: u64,
}

/// The nonces in use.
#[derive(Default)]
pub(super) struct Table {
    uses: FxHashMap<u32, Uses>,
    /// In the order of their first use, with the second of it.
    order: VecDeque<(Nonce, u32)>,
    /// Nonces up to this one count as used up when they are not in the table.
    floor: Nonce,
}

impl Table {
    /// Notes a use of a nonce; false when the count was used before by another request.
    pub(super) fn note(&mut self, nonce: Nonce, count: u32, request: u64, now: Time) -> bool {
        let Some(uses) = self.uses.get_mut(&nonce.number) else {
            if nonce <= self.floor {
                return false;
            }
            if self.order.len() == limits::NONCES {
                self.drop_oldest();
            }
            self.uses.insert(nonce.number, Uses { highest: count, window: 1, request });
            self.order.push_back((nonce, now.as_secs() as u32));
            return true;
        };
        if count > uses.highest {
            let ahead = count - uses.highest;
            uses.window = if ahead < 64 { uses.window << ahead | 1 } else { 1 };
            uses.highest = count;
            uses.request = request;
            return true;
        }
        let behind = uses.highest - count;
        if behind == 0 {
            return uses.request == request;
        }
        let bit = 1u64.checked_shl(behind).unwrap_or(0);
        let fresh = bit != 0 && uses.window & bit == 0;
        uses.window |= bit;
        fresh
    }

    /// Forgets nonces that were first used longer than `lifetime` ago: they are too old to be accepted again. Where there
    /// are many, those go that were not just used: what a burst needed must not be kept for minutes.
    pub(super) fn forget_old(&mut self, now: Time, lifetime: Time) {
        let before = |age: Time| now.saturating_sub(age).as_secs() as u32;
        let (expired, many) = (before(lifetime), before(lifetime.min(limits::NONCE_BURST)));
        while let Some((_, used)) = self.order.front() {
            let oldest_kept = if self.order.len() > limits::NONCES_KEPT { many } else { expired };
            if *used >= oldest_kept {
                break;
            }
            self.drop_oldest();
        }
        if self.order.len() < self.order.capacity() / 8 {
            let room = self.order.len() * 2;
            self.order.shrink_to(room);
            self.uses.shrink_to(room);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((nonce, _)) = self.order.pop_front() {
            self.uses.remove(&nonce.number);
            self.floor = self.floor.max(nonce);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_begin_anew_lock_nobody_out() {
        let mut mint = Mint { next: u32::MAX, ..Mint::new(b"tandem", &[7; 32]) };
        let mut table = Table::default();
        for second in 1..=2 * limits::NONCES as u64 {
            let now = Time::from_secs(second);
            let text = mint.make(now);
            let nonce = mint.recognise(&text).expect("it is ours");
            assert!(table.note(nonce, 1, second, now), "{nonce:?}");
            assert!(!table.note(nonce, 1, 0, now), "once: {nonce:?}");
        }
        assert_eq!(table.len(), limits::NONCES);
    }
}
