//! AES in counter mode with a tag by HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1; RFC 6188).

use aes::cipher::{Array, BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipherCore, consts::U16};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::srtp::derivation::SessionKeys;
use crate::srtp::transform::Number;

/// The keys, ready for use. `A` is AES with one or the other length of key.
pub(super) struct CounterMode<A> {
    aes: A,
    salt: Zeroizing<[u8; 14]>,
    mac: Hmac<Sha1>,
}

impl<A: BlockCipherEncrypt<BlockSize = U16> + KeyInit> CounterMode<A> {
    pub(super) fn new(keys: &SessionKeys) -> CounterMode<A> {
        let aes = A::new_from_slice(&keys.cipher[..A::key_size()]).expect("a slice as long as the key");
        let mac =
            <Hmac<Sha1> as KeyInit>::new_from_slice(&*keys.authentication).expect("HMAC takes keys of any length");
        CounterMode { aes, salt: keys.salt.clone(), mac }
    }

    /// Encrypts, or decrypts.
    pub(super) fn apply(&self, number: Number, octets: &mut [u8]) {
        let mut start = [0; 16];
        start[4..8].copy_from_slice(&number.ssrc.to_be_bytes());
        start[8..14].copy_from_slice(&number.index.to_be_bytes()[2..]);
        for (octet, salt) in start.iter_mut().zip(&*self.salt) {
            *octet ^= salt;
        }
        // The last 16 bits count the blocks and begin at 0; no packet has as many blocks.
        CtrCore::<&A, Ctr32BE>::inner_iv_init(&self.aes, &Array(start)).apply_keystream_partial(octets.into());
    }

    /// The whole tag over both pieces.
    pub(super) fn tag(&self, pieces: [&[u8]; 2]) -> [u8; 20] {
        let mut mac = self.mac.clone();
        mac.update(pieces[0]);
        mac.update(pieces[1]);
        mac.finalize().into_bytes().0
    }

    /// Whether `tag` is the beginning of the tag over both pieces.
    pub(super) fn is_authentic(&self, pieces: [&[u8]; 2], tag: &[u8]) -> bool {
        self.tag(pieces)[..tag.len()].ct_eq(tag).into()
    }
}
