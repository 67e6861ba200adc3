//! Keys (Ed25519) in the files that `openssl` writes, and who is trusted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

/// What stands before the key itself in a file with an Ed25519 key (RFC 8410 §4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Names a key: the first octets of its SHA-256.
pub type KeyId = [u8; 8];

/// Why a file is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not PEM.
    #[error("it is no PEM file with a key")]
    NoPem,
    /// It is the key of something else.
    #[error("it is no Ed25519 key; `openssl genpkey -algorithm ed25519` makes one")]
    NoEd25519,
}

/// A key by which signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// A key of these octets (RFC 8032 §5.1.5).
    pub fn new(octets: [u8; 32]) -> PublicKey {
        PublicKey(octets)
    }

    /// Reads what `openssl pkey -pubout` writes.
    ///
    /// # Errors
    /// A file that is something else.
    pub fn from_pem(pem: &str) -> Result<PublicKey, KeyError> {
        let der = content(pem, "PUBLIC KEY")?;
        let octets = der.strip_prefix(&SPKI).and_then(|key| key.try_into().ok());
        octets.map(PublicKey).ok_or(KeyError::NoEd25519)
    }

    /// What `openssl` would write.
    pub fn to_pem(&self) -> String {
        let der = [&SPKI[..], &self.0].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its name in bundles.
    pub fn id(&self) -> KeyId {
        *Sha256::digest(self.0).first_chunk().expect("a SHA-256 has 32 octets")
    }

    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

/// A key that signs.
pub struct PrivateKey(Ed25519KeyPair);

impl PrivateKey {
    /// Reads what `openssl genpkey -algorithm ed25519` writes (PKCS #8).
    ///
    /// # Errors
    /// A file that is something else.
    pub fn from_pem(pem: &str) -> Result<PrivateKey, KeyError> {
        let der = content(pem, "PRIVATE KEY")?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(PrivateKey).map_err(|_| KeyError::NoEd25519)
    }

    /// The key made of this secret, such as one for tests.
    pub fn from_seed(seed: &[u8; 32]) -> PrivateKey {
        PrivateKey(Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 octets are a secret of Ed25519"))
    }

    /// By which its signatures are checked.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().expect("a key of Ed25519 has 32 octets"))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().expect("a signature of Ed25519 has 64 octets")
    }
}

/// Whose bundles are taken: any one of them is enough, so that a second key can take the place of the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted(Vec<PublicKey>);

impl Trusted {
    /// Trusts these.
    pub fn new(keys: Vec<PublicKey>) -> Trusted {
        Trusted(keys)
    }

    /// Reads keys as an image has them: in hexadecimal digits, with commas between. What is none is left out.
    pub fn from_hex(keys: &str) -> Trusted {
        let key = |digits: &str| hex::decode(digits.trim()).ok()?.try_into().ok().map(PublicKey);
        Trusted(keys.split(',').filter_map(key).collect())
    }

    /// What [`Trusted::from_hex`] reads.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|key| hex::encode(key.0)).collect::<Vec<_>>().join(",")
    }

    pub(crate) fn find(&self, id: &[u8]) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.id() == id)
    }
}

fn content(pem: &str, kind: &str) -> Result<Vec<u8>, KeyError> {
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let text = pem.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).ok_or(KeyError::NoPem)?.0;
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).map_err(|_| KeyError::NoPem)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn what_openssl_writes_is_read() {
        // The pair of RFC 8410 §10.
        let (private, public) = (PrivateKey::from_pem(PRIVATE), PublicKey::from_pem(PUBLIC));
        let (private, public) = (private.expect("it is a key"), public.expect("it is a key"));
        assert_eq!(private.public(), public);
        assert_eq!(public.to_pem(), PUBLIC);
        let signature = private.sign(b"a message");
        assert!(public.has_signed(b"a message", &signature) && !public.has_signed(b"a massage", &signature));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(PublicKey::from_pem("a shopping list"), Err(KeyError::NoPem));
        assert_eq!(PublicKey::from_pem(PRIVATE), Err(KeyError::NoPem));
        let short = PUBLIC.replace("MCow", "MCo=");
        assert!(PublicKey::from_pem(&short).is_err());
        let other = "-----BEGIN PUBLIC KEY-----\nMAAA\n-----END PUBLIC KEY-----";
        assert_eq!(PublicKey::from_pem(other), Err(KeyError::NoEd25519));
        assert_eq!(PrivateKey::from_pem(PUBLIC).err(), Some(KeyError::NoPem));
    }

    #[test]
    fn the_keys_of_an_image_are_read_again() {
        let keys = [1u8, 2].map(|seed| PrivateKey::from_seed(&[seed; 32]).public());
        let trusted = Trusted::new(keys.to_vec());
        assert_eq!(Trusted::from_hex(&trusted.to_hex()), trusted);
        assert_eq!(Trusted::from_hex(""), Trusted::default());
        assert_eq!(Trusted::from_hex("12,zz"), Trusted::default());
        assert_eq!(trusted.find(&keys[1].id()), Some(&keys[1]));
        assert_eq!(trusted.find(&[0; 8]), None);
    }
}
