//! The ciphers of DTLS, all of them ring's, which TLS has brought into the image already.
//!
//! Keys of a handshake are drawn by ring from the system: of all that the box does, they are what nobody may be able to replay.

mod aead;
mod certificate;
mod digest;
mod exchange;
mod signature;

use dimpl::CryptoError;
use dimpl::crypto::{CryptoProvider, SecureRandom};
use ring::rand::SecureRandom as _;

/// What DTLS asks for ciphers.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: exchange::GROUPS,
        signature_verification: &signature::Verifier,
        key_provider: &signature::Keys,
        secure_random: &Random,
        hash_provider: &digest::Hashes,
        hmac_provider: &digest::Hmacs,
        cipher_suites: aead::SUITES_12,
        dtls13_cipher_suites: aead::SUITES_13,
    }
}

/// The system's randomness.
#[derive(Debug)]
struct Random;

impl SecureRandom for Random {
    fn fill(&self, octets: &mut [u8]) -> Result<(), CryptoError> {
        ring::rand::SystemRandom::new().fill(octets).map_err(|_| failed(dimpl::CryptoOperation::FillRandom))
    }
}

fn failed(what: dimpl::CryptoOperation) -> CryptoError {
    CryptoError::OperationFailed(what)
}
