//! The encryption of a backup: AES-256-GCM in pieces, by the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015), under a key of argon2id (RFC 9106).
//!
//! A piece is known to be what was written, and in its place, before anything of it is used; the last one is marked, so that an
//! end that is missing is noticed.

use std::fs::File;
use std::io::{self, Read, Write};

use aead_stream::{NewStream, StreamBE32, StreamPrimitive};
use aes_gcm::Aes256Gcm;
use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Refusal;
use crate::limits;

/// Octets of a piece before it is encrypted; only the last one may be shorter.
pub(super) const PIECE: usize = 64 * 1_024;
/// Octets that say that nobody changed a piece.
const TAG: usize = 16;
/// What every backup begins with, whatever its format.
const MARK: &[u8] = b"TANDEM-BACKUP ";
/// The format that is written here.
const FORMAT: &[u8] = b"1\n";
/// Where what follows stands in the header.
const BEGINNING: usize = MARK.len() + FORMAT.len();
/// Two numbers, the salt, and what each nonce begins with.
const CHECKED: usize = BEGINNING + 4 + 4 + SALT + PREFIX;
/// All of the header.
const HEADER: usize = CHECKED + CHECK + SUM;
const SALT: usize = 16;
const PREFIX: usize = 7;
const CHECK: usize = 16;
const SUM: usize = 8;

/// The key that a passphrase makes, and the header that says how.
pub(super) struct Key {
    stream: StreamBE32<Aes256Gcm>,
    header: [u8; HEADER],
}

impl Key {
    /// A key for a new backup.
    pub fn fresh(passphrase: &str) -> Result<Key, Refusal> {
        let mut random = [0; SALT + PREFIX];
        File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random))?;
        let mut header = [0; HEADER];
        header[..MARK.len()].copy_from_slice(MARK);
        header[MARK.len()..BEGINNING].copy_from_slice(FORMAT);
        header[BEGINNING..BEGINNING + 4].copy_from_slice(&limits::PASSPHRASE_MEMORY.to_be_bytes());
        header[BEGINNING + 4..BEGINNING + 8].copy_from_slice(&limits::PASSPHRASE_PASSES.to_be_bytes());
        header[BEGINNING + 8..CHECKED].copy_from_slice(&random);
        let derived = derive(passphrase, &header)?;
        let own = check(&derived, &header).finalize().into_bytes();
        header[CHECKED..CHECKED + CHECK].copy_from_slice(&own[..CHECK]);
        let sum = Sha256::digest(&header[..CHECKED + CHECK]);
        header[CHECKED + CHECK..].copy_from_slice(&sum[..SUM]);
        Ok(Key::new(&derived, header))
    }

    /// The key of a backup that was written.
    fn read(source: &mut impl Read, passphrase: &str) -> Result<Key, Refusal> {
        let mut header = [0; HEADER];
        let count = fill(source, &mut header)?;
        let begun = count.min(MARK.len());
        if begun == 0 || header[..begun] != MARK[..begun] {
            return Err(Refusal::Foreign);
        }
        if count >= BEGINNING && header[MARK.len()..BEGINNING] != *FORMAT {
            let digits = header[MARK.len()..count].split(|octet| *octet == b'\n').next().unwrap_or_default();
            let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<u32>().ok());
            return Err(number.filter(|number| *number > 1).map_or(Refusal::Damaged(0), |_| Refusal::Newer));
        }
        if count < HEADER {
            return Err(Refusal::CutShort(count as u64));
        }
        if Sha256::digest(&header[..CHECKED + CHECK])[..SUM] != header[CHECKED + CHECK..] {
            return Err(Refusal::Damaged(0));
        }
        let derived = derive(passphrase, &header)?;
        let own = check(&derived, &header).verify_truncated_left(&header[CHECKED..CHECKED + CHECK]);
        own.map_err(|_| Refusal::Passphrase)?;
        Ok(Key::new(&derived, header))
    }

    fn new(derived: &[u8; 64], header: [u8; HEADER]) -> Key {
        let key: &[u8; 32] = derived.first_chunk().expect("64 octets hold 32");
        let prefix: [u8; PREFIX] = header[CHECKED - PREFIX..CHECKED].try_into().expect("it is as long");
        Key { stream: StreamBE32::new(&(*key).into(), &prefix.into()), header }
    }
}

/// 64 octets: what encrypts, and what tells whether the passphrase is right.
fn derive(passphrase: &str, header: &[u8; HEADER]) -> Result<Zeroizing<[u8; 64]>, Refusal> {
    let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four octets are four"));
    let (memory, passes) = (number(BEGINNING), number(BEGINNING + 4));
    if memory > limits::PASSPHRASE_MEMORY_MOST || passes > limits::PASSPHRASE_PASSES_MOST {
        return Err(Refusal::Contents("opening it would take more memory or time than this box has".into()));
    }
    let wrong = |error: argon2::Error| Refusal::Contents(error.to_string());
    let params = Params::new(memory, passes, 1, Some(64)).map_err(wrong)?;
    let mut derived = Zeroizing::new([0; 64]);
    let salt = &header[BEGINNING + 8..BEGINNING + 8 + SALT];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase.as_bytes(), salt, &mut *derived).map_err(wrong)?;
    Ok(derived)
}

fn check(derived: &[u8; 64], header: &[u8; HEADER]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&derived[32..]).expect("a key may have any length");
    mac.update(&header[..CHECKED]);
    mac
}

/// Reads until the buffer is full or there is no more.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match source.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Encrypts what is written to it.
pub(super) struct Sealer<'a, W> {
    key: &'a Key,
    out: W,
    piece: Vec<u8>,
    position: u32,
}

impl<'a, W: Write> Sealer<'a, W> {
    /// Writes the header.
    pub fn begin(key: &'a Key, mut out: W) -> io::Result<Sealer<'a, W>> {
        out.write_all(&key.header)?;
        Ok(Sealer { key, out, piece: Vec::with_capacity(PIECE + TAG), position: 0 })
    }

    /// Writes the last piece, which may be empty.
    pub fn finish(mut self) -> io::Result<()> {
        self.put(true)?;
        self.out.flush()
    }

    fn put(&mut self, last: bool) -> io::Result<()> {
        let sealed = self.key.stream.encrypt_in_place(self.position, last, b"", &mut self.piece);
        sealed.map_err(|_| io::Error::other("a piece could not be encrypted"))?;
        self.out.write_all(&self.piece)?;
        self.piece.clear();
        // Some 280 TB.
        self.position = self.position.checked_add(1).ok_or_else(|| io::Error::other("the backup is too long"))?;
        Ok(())
    }
}

impl<W: Write> Write for Sealer<'_, W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // A full piece waits for what comes: it may be the last one.
        if self.piece.len() == PIECE && !octets.is_empty() {
            self.put(false)?;
        }
        let count = octets.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&octets[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decrypts what is read from it; an error is a [`Refusal`].
pub(super) struct Opener<R> {
    key: Key,
    source: R,
    /// What was read and not opened yet: one piece, and the first octet of the next.
    sealed: Vec<u8>,
    piece: Vec<u8>,
    taken: usize,
    position: u32,
    read: u64,
    ended: bool,
}

impl<R: Read> Opener<R> {
    /// Reads the header.
    pub fn begin(mut source: R, passphrase: &str) -> Result<Opener<R>, Refusal> {
        let key = Key::read(&mut source, passphrase)?;
        let read = HEADER as u64;
        Ok(Opener { key, source, sealed: Vec::new(), piece: Vec::new(), taken: 0, position: 0, read, ended: false })
    }

    fn next(&mut self) -> Result<(), Refusal> {
        let left = self.sealed.len();
        self.sealed.resize(PIECE + TAG + 1, 0);
        let count = left + fill(&mut self.source, &mut self.sealed[left..])?;
        let last = count <= PIECE + TAG;
        let length = count.min(PIECE + TAG);
        self.piece.clear();
        self.piece.extend_from_slice(&self.sealed[..length]);
        let opened = self.key.stream.decrypt_in_place(self.position, last, b"", &mut self.piece);
        opened.map_err(|_| {
            if last { Refusal::CutShort(self.read + length as u64) } else { Refusal::Damaged(self.read) }
        })?;
        self.sealed.copy_within(length..count, 0);
        self.sealed.truncate(count - length);
        (self.taken, self.ended) = (0, last);
        self.read += length as u64;
        self.position = self.position.checked_add(1).ok_or(Refusal::Damaged(self.read))?;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.piece.len() && !self.ended {
            self.next()?;
        }
        let count = buffer.len().min(self.piece.len() - self.taken);
        buffer[..count].copy_from_slice(&self.piece[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSPHRASE: &str = "correct horse battery";

    fn sealed(key: &Key, octets: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut sealer = Sealer::begin(key, &mut out).expect("memory takes it");
        sealer.write_all(octets).expect("memory takes it");
        sealer.finish().expect("memory takes it");
        out
    }

    fn open(octets: &[u8], passphrase: &str) -> Result<Vec<u8>, Refusal> {
        let mut text = Vec::new();
        Opener::begin(octets, passphrase)?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_was_sealed_is_opened_whatever_its_length() {
        let key = Key::fresh(PASSPHRASE).expect("there is randomness");
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 7] {
            let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let file = sealed(&key, &text);
            assert_eq!(file.len(), HEADER + length + TAG * length.div_ceil(PIECE).max(1), "{length}");
            assert!(open(&file, PASSPHRASE).expect("it is ours") == text, "{length}");
        }
    }

    #[test]
    fn each_thing_that_is_wrong_has_its_own_words() {
        let key = Key::fresh(PASSPHRASE).expect("there is randomness");
        let file = sealed(&key, &vec![7; 2 * PIECE + 100]);
        assert!(matches!(open(&file, "another passphrase"), Err(Refusal::Passphrase)));
        assert!(matches!(open(b"", PASSPHRASE), Err(Refusal::Foreign)));
        assert!(matches!(open(b"PK\x03\x04 something else entirely", PASSPHRASE), Err(Refusal::Foreign)));
        let mut newer = file.clone();
        newer[MARK.len()] = b'2';
        assert!(matches!(open(&newer, PASSPHRASE), Err(Refusal::Newer)));
        for at in [HEADER, HEADER + PIECE, HEADER + PIECE + TAG + 5] {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            assert!(matches!(open(&flipped, PASSPHRASE), Err(Refusal::Damaged(_))), "{at}");
        }
        for at in [BEGINNING, BEGINNING + 9, CHECKED - 1, CHECKED, HEADER - 1] {
            let mut flipped = file.clone();
            flipped[at] ^= 0x80;
            assert!(matches!(open(&flipped, PASSPHRASE), Err(Refusal::Damaged(0))), "{at}");
        }
        let piece = PIECE + TAG;
        for end in [HEADER - 1, HEADER, HEADER + 5, HEADER + piece, HEADER + 2 * piece, file.len() - 1] {
            assert!(matches!(open(&file[..end], PASSPHRASE), Err(Refusal::CutShort(_))), "{end}");
        }
        let swapped =
            [&file[..HEADER], &file[HEADER + piece..HEADER + 2 * piece], &file[HEADER..HEADER + piece]].concat();
        assert!(matches!(open(&swapped, PASSPHRASE), Err(Refusal::Damaged(_))), "pieces have their places");
        let longer = [&file[..], b"and more"].concat();
        assert!(open(&longer, PASSPHRASE).is_err());
    }

    #[test]
    fn a_header_cannot_ask_for_more_than_the_box_has() {
        let mut header = Key::fresh(PASSPHRASE).expect("there is randomness").header;
        header[BEGINNING..BEGINNING + 4].fill(0xFF);
        let sum = Sha256::digest(&header[..CHECKED + CHECK]);
        header[CHECKED + CHECK..].copy_from_slice(&sum[..SUM]);
        assert!(matches!(open(&header, PASSPHRASE), Err(Refusal::Contents(_))));
    }
}
