//! AES in Galois/counter mode with a tag of 16 octets (RFC 7714 §8, §9).

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit, consts::U12, consts::U16};
use aes_gcm::{AeadInOut, AesGcm};
use zeroize::Zeroizing;

use crate::srtp::SrtpError;
use crate::srtp::derivation::SessionKeys;
use crate::srtp::transform::Number;

/// Octets of a tag.
pub(super) const TAG: usize = 16;

/// The keys, ready for use. `A` is AES with one or the other length of key.
pub(super) struct Galois<A> {
    gcm: AesGcm<A, U12>,
    salt: Zeroizing<[u8; 12]>,
}

impl<A: BlockCipherEncrypt<BlockSize = U16> + KeyInit> Galois<A> {
    pub(super) fn new(keys: &SessionKeys) -> Galois<A> {
        let aes = A::new_from_slice(&keys.cipher[..A::key_size()]).expect("a slice as long as the key");
        let mut salt = Zeroizing::new([0; 12]);
        salt.copy_from_slice(&keys.salt[..12]);
        Galois { gcm: AesGcm::from(aes), salt }
    }

    /// Encrypts `octets` and returns the tag over them and what is known to all.
    pub(super) fn seal(&self, number: Number, known: &[u8], octets: &mut [u8]) -> [u8; TAG] {
        let sealed = self.gcm.encrypt_inout_detached(&Array(self.nonce(number)), known, octets.into());
        sealed.expect("a packet is far below 64 GiB").0
    }

    /// Checks the tag, then decrypts `octets`. They stay as they are where the tag is wrong.
    pub(super) fn open(
        &self,
        number: Number,
        known: &[u8],
        octets: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), SrtpError> {
        let opened = self.gcm.decrypt_inout_detached(&Array(self.nonce(number)), known, octets.into(), &Array(*tag));
        opened.map_err(|_| SrtpError::NotAuthentic)
    }

    /// RFC 7714 §8.1 and §9.1: the same for both, as the index of RTP is its rollover counter and sequence number.
    fn nonce(&self, number: Number) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&number.ssrc.to_be_bytes());
        nonce[6..].copy_from_slice(&number.index.to_be_bytes()[2..]);
        for (octet, salt) in nonce.iter_mut().zip(&*self.salt) {
            *octet ^= salt;
        }
        nonce
    }
}
