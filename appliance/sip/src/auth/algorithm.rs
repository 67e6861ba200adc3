//! The hash functions of digest and the hashes that are made with them.

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use subtle::ConstantTimeEq;

/// A hash function of digest authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// What every phone knows, and what is meant where no algorithm is named.
    Md5,
    /// RFC 8760.
    Sha256,
    /// RFC 8760, rare.
    Sha512_256,
}

impl Algorithm {
    /// The word in the header.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512_256 => "SHA-512-256",
        }
    }

    /// Reads the word, whatever its case.
    pub fn parse(name: &[u8]) -> Option<Algorithm> {
        [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256]
            .into_iter()
            .find(|algorithm| algorithm.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The hash of the parts with colons between them.
    pub(super) fn hash(self, parts: &[&[u8]]) -> Hashed {
        match self {
            Algorithm::Md5 => joined::<Md5>(parts),
            Algorithm::Sha256 => joined::<Sha256>(parts),
            Algorithm::Sha512_256 => joined::<Sha512_256>(parts),
        }
    }
}

fn joined<D: Digest>(parts: &[&[u8]]) -> Hashed {
    let mut digest = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    Hashed::new(&digest.finalize())
}

/// A hash value, 16 or 32 bytes. Compared in constant time.
#[derive(Clone, Copy)]
pub struct Hashed {
    bytes: [u8; 32],
    length: u8,
}

impl Hashed {
    fn new(bytes: &[u8]) -> Hashed {
        let mut hashed = Hashed { bytes: [0; 32], length: bytes.len() as u8 };
        hashed.bytes[..bytes.len()].copy_from_slice(bytes);
        hashed
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Takes a hash value back from its bytes; `None` when there are neither 16 nor 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Hashed> {
        matches!(bytes.len(), 16 | 32).then(|| Hashed::new(bytes))
    }

    /// Takes a hash value from its hexadecimal digits, of either case.
    pub fn from_hex(digits: &[u8]) -> Option<Hashed> {
        let mut bytes = [0u8; 32];
        let length = digits.len() / 2;
        hex::decode_to_slice(digits, bytes.get_mut(..length)?).ok()?;
        Hashed::from_bytes(&bytes[..length])
    }

    /// Writes the lower-case hexadecimal digits into `buffer` and gives the part that was used.
    pub(super) fn to_hex(self, buffer: &mut [u8; 64]) -> &[u8] {
        let used = &mut buffer[..usize::from(self.length) * 2];
        hex::encode_to_slice(self.as_bytes(), used).expect("the buffer has two digits for each byte");
        used
    }
}

impl PartialEq for Hashed {
    fn eq(&self, other: &Hashed) -> bool {
        self.length == other.length && bool::from(self.bytes.ct_eq(&other.bytes))
    }
}

impl Eq for Hashed {}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed(…)")
    }
}

/// What is stored of a password: its hash with user name and realm, for each algorithm that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ha1 {
    md5: Option<Hashed>,
    sha256: Option<Hashed>,
    sha512_256: Option<Hashed>,
}

impl Ha1 {
    /// Hashes a password for the given algorithms.
    pub fn new(username: &str, realm: &str, password: &str, algorithms: &[Algorithm]) -> Ha1 {
        let mut ha1 = Ha1 { md5: None, sha256: None, sha512_256: None };
        for &algorithm in algorithms {
            let hash = algorithm.hash(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()]);
            ha1 = ha1.with(algorithm, hash);
        }
        ha1
    }

    /// The same with this hash for this algorithm.
    #[must_use]
    pub fn with(mut self, algorithm: Algorithm, hash: Hashed) -> Ha1 {
        match algorithm {
            Algorithm::Md5 => self.md5 = Some(hash),
            Algorithm::Sha256 => self.sha256 = Some(hash),
            Algorithm::Sha512_256 => self.sha512_256 = Some(hash),
        }
        self
    }

    /// The hash for an algorithm, if it is stored.
    pub fn get(&self, algorithm: Algorithm) -> Option<Hashed> {
        match algorithm {
            Algorithm::Md5 => self.md5,
            Algorithm::Sha256 => self.sha256,
            Algorithm::Sha512_256 => self.sha512_256,
        }
    }
}

/// The response of RFC 7616 §3.4.1, or without `counted` that of RFC 2069.
pub(super) fn response(
    algorithm: Algorithm,
    ha1: Hashed,
    nonce: &[u8],
    counted: Option<[&[u8]; 3]>,
    ha2: Hashed,
) -> Hashed {
    let (mut first, mut second) = ([0; 64], [0; 64]);
    let (ha1, ha2) = (ha1.to_hex(&mut first), ha2.to_hex(&mut second));
    match counted {
        Some([nc, cnonce, qop]) => algorithm.hash(&[ha1, nonce, nc, cnonce, qop, ha2]),
        None => algorithm.hash(&[ha1, nonce, ha2]),
    }
}
