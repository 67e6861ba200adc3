//! Keys by which messages are matched with what is known of them, hashed with a secret.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

use smallvec::SmallVec;

/// 128 keyed bits that stand for parts of a message. The peers choose the parts (branch, Call-ID, tags) but do not know the secret, so
/// nobody can make two of them equal, or crowd one bucket of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u128);

/// What a fingerprint is taken of: equal parts of different kinds give different fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A server transaction by branch, sent-by and method (RFC 3261 §17.2.3).
    Branch,
    /// A server transaction of a peer of RFC 2543, whose branch says nothing (RFC 3261 §17.2.3, second half).
    OldTransaction,
    /// The same request by another path: From tag, Call-ID, CSeq (RFC 3261 §8.2.2.2).
    Merged,
    /// A dialog by Call-ID, local tag and remote tag (RFC 3261 §12).
    Dialog,
    /// The peer's side of a dialog an INVITE of ours makes: his tag.
    Fork,
    /// A peer's address on a stream transport.
    Peer,
}

/// The secret of one endpoint: two SipHash states, each fed with 16 bytes of the seed that nobody outside knows.
#[derive(Debug, Clone)]
pub struct KeySecret {
    halves: [DefaultHasher; 2],
}

impl KeySecret {
    /// The secret made from these bytes.
    pub fn new(seed: [u8; 32]) -> KeySecret {
        let half = |bytes: &[u8]| {
            let mut hasher = DefaultHasher::new();
            hasher.write(bytes);
            hasher
        };
        KeySecret { halves: [half(&seed[..16]), half(&seed[16..])] }
    }

    /// The fingerprint of some parts, each delimited: `["ab", "c"]` differs from `["a", "bc"]`.
    pub fn fingerprint(&self, kind: KeyKind, parts: &[&[u8]]) -> Fingerprint {
        // Hashed in one piece: the hasher is slow with small ones.
        let mut text: SmallVec<[u8; 256]> = SmallVec::new();
        text.push(kind as u8);
        for part in parts {
            text.extend_from_slice(&(part.len() as u32).to_le_bytes());
            text.extend_from_slice(part);
        }
        let mut halves = self.halves.clone();
        halves.iter_mut().for_each(|half| half.write(&text));
        Fingerprint(u128::from(halves[0].finish()) << 64 | u128::from(halves[1].finish()))
    }
}

/// What every branch of RFC 3261 begins with (§8.1.1.7). Without it the peer speaks RFC 2543 and its branch identifies nothing.
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// Whether a branch was made by the rules of RFC 3261.
pub fn has_magic_cookie(branch: &[u8]) -> bool {
    branch.len() > MAGIC_COOKIE.len() && branch[..MAGIC_COOKIE.len()].eq_ignore_ascii_case(MAGIC_COOKIE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_delimited_and_kinds_kept_apart() {
        let secret = KeySecret::new([7; 32]);
        let of = |kind, parts: &[&[u8]]| secret.fingerprint(kind, parts);
        assert_eq!(of(KeyKind::Dialog, &[b"ab", b"c"]), of(KeyKind::Dialog, &[b"ab", b"c"]));
        assert_ne!(of(KeyKind::Dialog, &[b"ab", b"c"]), of(KeyKind::Dialog, &[b"a", b"bc"]));
        assert_ne!(of(KeyKind::Dialog, &[b"ab"]), of(KeyKind::Fork, &[b"ab"]));
    }

    #[test]
    fn another_seed_gives_other_keys() {
        let of = |first: u8| {
            let seed = std::array::from_fn(|place| first + place as u8);
            KeySecret::new(seed).fingerprint(KeyKind::Branch, &[b"z9hG4bK1"])
        };
        assert_ne!(of(1), of(2));
        let Fingerprint(key) = of(1);
        assert_ne!(key >> 64, key & u128::from(u64::MAX), "the halves are keyed apart");
    }

    #[test]
    fn the_cookie_alone_is_no_branch() {
        assert!(has_magic_cookie(b"z9hG4bKx") && has_magic_cookie(b"Z9HG4BK776"));
        assert!(!has_magic_cookie(b"z9hG4bK") && !has_magic_cookie(b"1") && !has_magic_cookie(b""));
    }
}
