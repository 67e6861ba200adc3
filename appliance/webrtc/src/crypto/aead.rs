//! The ciphers of records, and the cipher suites they make.

use std::fmt;

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit, consts::U16};
use aes::{Aes128, Aes256};
use dimpl::crypto::{
    Aad, Buf, Cipher, Dtls12CipherSuite, Dtls13CipherSuite, HashAlgorithm, Nonce, SupportedDtls12CipherSuite,
    SupportedDtls13CipherSuite, TmpBuf,
};
use dimpl::{CryptoError, CryptoOperation};
use ring::aead::quic::{self, HeaderProtectionKey};
use ring::aead::{self, AES_128_GCM, AES_256_GCM, Algorithm, CHACHA20_POLY1305, LessSafeKey, UnboundKey};

use super::failed;

/// Octets of the tag of each of them.
const TAG: usize = 16;

/// For DTLS 1.2, best first.
pub static SUITES_12: &[&dyn SupportedDtls12CipherSuite] = &[
    &Suite { cipher: Of::Aes128, hash: HashAlgorithm::SHA256 },
    &Suite { cipher: Of::Aes256, hash: HashAlgorithm::SHA384 },
    &Suite { cipher: Of::ChaCha20, hash: HashAlgorithm::SHA256 },
];
/// For DTLS 1.3, best first.
pub static SUITES_13: &[&dyn SupportedDtls13CipherSuite] = &[
    &Suite { cipher: Of::Aes128, hash: HashAlgorithm::SHA256 },
    &Suite { cipher: Of::Aes256, hash: HashAlgorithm::SHA384 },
    &Suite { cipher: Of::ChaCha20, hash: HashAlgorithm::SHA256 },
];

#[derive(Debug, Clone, Copy)]
enum Of {
    Aes128,
    Aes256,
    ChaCha20,
}

impl Of {
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Of::Aes128 => &AES_128_GCM,
            Of::Aes256 => &AES_256_GCM,
            Of::ChaCha20 => &CHACHA20_POLY1305,
        }
    }

    fn cipher(self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        let key = UnboundKey::new(self.algorithm(), key).map_err(|_| failed(CryptoOperation::CreateCipher))?;
        Ok(Box::new(Records(LessSafeKey::new(key))))
    }
}

#[derive(Debug)]
struct Suite {
    cipher: Of,
    hash: HashAlgorithm,
}

impl SupportedDtls12CipherSuite for Suite {
    fn suite(&self) -> Dtls12CipherSuite {
        match self.cipher {
            Of::Aes128 => Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
            Of::Aes256 => Dtls12CipherSuite::ECDHE_ECDSA_AES256_GCM_SHA384,
            Of::ChaCha20 => Dtls12CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256,
        }
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        self.hash
    }

    /// Of the MAC, of the cipher, of the part of the nonce that is not sent (RFC 5288 §3, RFC 7905 §2).
    fn key_lengths(&self) -> (usize, usize, usize) {
        match self.cipher {
            Of::Aes128 => (0, 16, 4),
            Of::Aes256 => (0, 32, 4),
            Of::ChaCha20 => (0, 32, 12),
        }
    }

    fn explicit_nonce_len(&self) -> usize {
        if matches!(self.cipher, Of::ChaCha20) { 0 } else { 8 }
    }

    fn tag_len(&self) -> usize {
        TAG
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        self.cipher.cipher(key)
    }
}

impl SupportedDtls13CipherSuite for Suite {
    fn suite(&self) -> Dtls13CipherSuite {
        match self.cipher {
            Of::Aes128 => Dtls13CipherSuite::AES_128_GCM_SHA256,
            Of::Aes256 => Dtls13CipherSuite::AES_256_GCM_SHA384,
            Of::ChaCha20 => Dtls13CipherSuite::CHACHA20_POLY1305_SHA256,
        }
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        self.hash
    }

    fn key_len(&self) -> usize {
        self.cipher.algorithm().key_len()
    }

    fn iv_len(&self) -> usize {
        aead::NONCE_LEN
    }

    fn tag_len(&self) -> usize {
        TAG
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        self.cipher.cipher(key)
    }

    /// The mask of record numbers (RFC 9147 §4.2.3): a block of AES, or what QUIC makes of ChaCha20 for its headers, which is shorter.
    fn encrypt_sn(&self, key: &[u8], sample: &[u8; 16]) -> [u8; 16] {
        let mut mask = *sample;
        match self.cipher {
            Of::Aes128 => encrypt_block::<Aes128>(key, &mut mask),
            Of::Aes256 => encrypt_block::<Aes256>(key, &mut mask),
            Of::ChaCha20 => {
                let made = HeaderProtectionKey::new(&quic::CHACHA20, key).and_then(|key| key.new_mask(sample));
                mask = [0; 16];
                mask[..5].copy_from_slice(&made.expect("key and sample are as long as the suite says"));
            }
        }
        mask
    }
}

fn encrypt_block<C: BlockCipherEncrypt<BlockSize = U16> + KeyInit>(key: &[u8], block: &mut [u8; 16]) {
    let cipher = C::new_from_slice(key).expect("the key is as long as the suite says");
    let mut octets = Array::from(*block);
    cipher.encrypt_block(&mut octets);
    *block = octets.into();
}

struct Records(LessSafeKey);

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records(…)")
    }
}

impl Cipher for Records {
    fn encrypt(&mut self, plain: &mut Buf, aad: Aad, nonce: Nonce) -> Result<(), CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce.0);
        let tag = self.0.seal_in_place_separate_tag(nonce, aead::Aad::from(&aad[..]), plain.as_mut());
        plain.extend_from_slice(tag.map_err(|_| failed(CryptoOperation::Encrypt))?.as_ref());
        Ok(())
    }

    fn decrypt(&mut self, sealed: &mut TmpBuf<'_>, aad: Aad, nonce: Nonce) -> Result<(), CryptoError> {
        if sealed.len() < TAG {
            return Err(failed(CryptoOperation::Decrypt));
        }
        let nonce = aead::Nonce::assume_unique_for_key(nonce.0);
        let opened = self.0.open_in_place(nonce, aead::Aad::from(&aad[..]), sealed.as_mut());
        let len = opened.map_err(|_| failed(CryptoOperation::Decrypt))?.len();
        sealed.truncate(len);
        Ok(())
    }
}
