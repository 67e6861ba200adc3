//! Where in a packet what stands, for each cipher: what is encrypted, what the tag is over, and where it lies.
//!
//! ```text
//! RTP   counter mode  header | ENCRYPTED | key id | tag        tag over all before the key id, and the rollover counter
//!       Galois        header | ENCRYPTED | tag | key id        tag over header and encrypted
//! RTCP  counter mode  8 octets | ENCRYPTED | word | key id | tag    tag over all before the key id
//!       Galois        8 octets | ENCRYPTED | tag | word | key id    tag over 8 octets, word and encrypted
//! ```
//!
//! The word is the index of the packet under a bit that says whether it is encrypted. The key id (MKI) tells several keys
//! apart; we use one, so that it is stepped over.

use aes::{Aes128Enc, Aes256Enc};

use crate::srtp::counter_mode::CounterMode;
use crate::srtp::derivation::{Purpose, SessionKeys};
use crate::srtp::galois::{Galois, TAG};
use crate::srtp::{MasterKey, Profile, SrtpError};

/// Octets of an RTCP packet that are never encrypted: the first header and the SSRC of who sends.
pub(super) const RTCP_HEADER: usize = 8;

/// Octets of the word with the index of an RTCP packet.
const WORD: usize = 4;

const ENCRYPTED: u32 = 1 << 31;

/// What makes a packet unique under its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) ssrc: u32,
    pub(super) index: u64,
}

/// The word of an RTCP packet, and where what it protects ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trailer {
    encrypted: bool,
    pub(super) index: u64,
    end: usize,
}

/// The session keys of one kind of packet of one direction, ready for use.
pub(super) struct Transform {
    cipher: Cipher,
    tag_len: usize,
}

enum Cipher {
    CounterMode128(CounterMode<Aes128Enc>),
    CounterMode256(CounterMode<Aes256Enc>),
    Galois128(Galois<Aes128Enc>),
    Galois256(Galois<Aes256Enc>),
}

/// Does the same with whichever counter mode, or with whichever Galois mode, it is.
macro_rules! with {
    ($cipher:expr, $counter:ident => $in_counter_mode:expr, $galois:ident => $in_galois_mode:expr) => {
        match $cipher {
            Cipher::CounterMode128($counter) => $in_counter_mode,
            Cipher::CounterMode256($counter) => $in_counter_mode,
            Cipher::Galois128($galois) => $in_galois_mode,
            Cipher::Galois256($galois) => $in_galois_mode,
        }
    };
}

impl Transform {
    pub(super) fn new(master: &MasterKey, purpose: Purpose) -> Transform {
        let (profile, keys) = (master.profile(), SessionKeys::derive(master, purpose));
        let tag_len = match purpose {
            Purpose::Rtp => profile.rtp_tag_len(),
            Purpose::Rtcp => profile.rtcp_tag_len(),
        };
        Transform::of_session_keys(profile, &keys, tag_len)
    }

    pub(super) fn of_session_keys(profile: Profile, keys: &SessionKeys, tag_len: usize) -> Transform {
        Transform { cipher: Cipher::new(profile, keys), tag_len }
    }

    /// What an RTP packet grows by.
    pub(super) fn rtp_growth(&self) -> usize {
        self.tag_len
    }

    /// What an RTCP packet grows by.
    pub(super) fn rtcp_growth(&self) -> usize {
        self.tag_len + WORD
    }

    /// Encrypts the `len` octets at the beginning of `buffer` behind their header, and appends the tag, for which there is
    /// room. Returns the new length.
    pub(super) fn protect_rtp(&self, buffer: &mut [u8], header: usize, len: usize, number: Number) -> usize {
        let end = len + self.tag_len;
        with!(&self.cipher,
            counter => {
                counter.apply(number, &mut buffer[header..len]);
                let tag = counter.tag([&buffer[..len], &rollovers(number)]);
                buffer[len..end].copy_from_slice(&tag[..self.tag_len]);
            },
            galois => {
                let (known, rest) = buffer.split_at_mut(header);
                let tag = galois.seal(number, known, &mut rest[..len - header]);
                buffer[len..end].copy_from_slice(&tag);
            }
        );
        end
    }

    /// Checks and decrypts a packet, which is at least its header, its key id and the tag long. Returns the new length.
    pub(super) fn unprotect_rtp(
        &self,
        packet: &mut [u8],
        header: usize,
        key_id: usize,
        number: Number,
    ) -> Result<usize, SrtpError> {
        let end = packet.len() - self.tag_len - key_id;
        with!(&self.cipher,
            counter => {
                let (known, tag) = packet.split_at(end);
                if !counter.is_authentic([known, &rollovers(number)], &tag[key_id..]) {
                    return Err(SrtpError::NotAuthentic);
                }
                counter.apply(number, &mut packet[header..end]);
            },
            galois => {
                let (known, rest) = packet.split_at_mut(header);
                let (encrypted, behind) = rest.split_at_mut(end - header);
                let Some(tag) = behind.first_chunk::<TAG>() else { return Err(SrtpError::Malformed) };
                galois.open(number, known, encrypted, tag)?;
            }
        );
        Ok(end)
    }

    /// Encrypts the `len` octets at the beginning of `buffer`, and appends word and tag, for which there is room. Returns the
    /// new length.
    pub(super) fn protect_rtcp(&self, buffer: &mut [u8], len: usize, number: Number) -> usize {
        let word = (number.index as u32 | ENCRYPTED).to_be_bytes();
        let end = len + WORD + self.tag_len;
        with!(&self.cipher,
            counter => {
                counter.apply(number, &mut buffer[RTCP_HEADER..len]);
                buffer[len..len + WORD].copy_from_slice(&word);
                let tag = counter.tag([&buffer[..len + WORD], &[]]);
                buffer[len + WORD..end].copy_from_slice(&tag[..self.tag_len]);
            },
            galois => {
                let known = header_and_word(buffer, word);
                let tag = galois.seal(number, &known, &mut buffer[RTCP_HEADER..len]);
                buffer[len..len + TAG].copy_from_slice(&tag);
                buffer[len + TAG..end].copy_from_slice(&word);
            }
        );
        end
    }

    /// Reads the word of an RTCP packet, which is believed only once the packet is found authentic. `None`: too short.
    pub(super) fn trailer(&self, packet: &[u8], key_id: usize) -> Option<Trailer> {
        let (behind, before) = with!(&self.cipher, _counter => (self.tag_len, 0), _galois => (0, TAG));
        let word_at = packet.len().checked_sub(behind + key_id + WORD)?;
        let end = word_at.checked_sub(before).filter(|end| *end >= RTCP_HEADER)?;
        let word = u32::from_be_bytes(*packet.get(word_at..)?.first_chunk()?);
        Some(Trailer { encrypted: word & ENCRYPTED != 0, index: u64::from(word & !ENCRYPTED), end })
    }

    /// Checks a packet, and decrypts it unless its word says that it is not encrypted. Returns the new length.
    pub(super) fn unprotect_rtcp(
        &self,
        packet: &mut [u8],
        trailer: Trailer,
        number: Number,
    ) -> Result<usize, SrtpError> {
        let Trailer { encrypted, end, .. } = trailer;
        with!(&self.cipher,
            counter => {
                let (known, tag) = packet.split_at(end + WORD);
                let tag = &tag[tag.len() - self.tag_len..];
                if !counter.is_authentic([known, &[]], tag) {
                    return Err(SrtpError::NotAuthentic);
                }
                if encrypted {
                    counter.apply(number, &mut packet[RTCP_HEADER..end]);
                }
            },
            galois => {
                let Some(tag) = packet.get(end..).and_then(|behind| behind.first_chunk::<TAG>()).copied() else {
                    return Err(SrtpError::Malformed);
                };
                if encrypted {
                    let known = header_and_word(packet, (number.index as u32 | ENCRYPTED).to_be_bytes());
                    galois.open(number, &known, &mut packet[RTCP_HEADER..end], &tag)?;
                } else {
                    // The tag is over packet and word, between which it lies: it makes way, and comes back.
                    packet[end..end + WORD].copy_from_slice(&(number.index as u32).to_be_bytes());
                    let opened = galois.open(number, &packet[..end + WORD], &mut [], &tag);
                    packet[end..end + TAG].copy_from_slice(&tag);
                    opened?;
                }
            }
        );
        Ok(end)
    }
}

impl Cipher {
    fn new(profile: Profile, keys: &SessionKeys) -> Cipher {
        match profile {
            Profile::AesCm128HmacSha1_80 | Profile::AesCm128HmacSha1_32 => {
                Cipher::CounterMode128(CounterMode::new(keys))
            }
            Profile::AesCm256HmacSha1_80 | Profile::AesCm256HmacSha1_32 => {
                Cipher::CounterMode256(CounterMode::new(keys))
            }
            Profile::AeadAes128Gcm => Cipher::Galois128(Galois::new(keys)),
            Profile::AeadAes256Gcm => Cipher::Galois256(Galois::new(keys)),
        }
    }
}

/// The rollover counter, over which the tag of an RTP packet goes too.
fn rollovers(number: Number) -> [u8; 4] {
    ((number.index >> 16) as u32).to_be_bytes()
}

fn header_and_word(packet: &[u8], word: [u8; WORD]) -> [u8; RTCP_HEADER + WORD] {
    let mut known = [0; RTCP_HEADER + WORD];
    known[..RTCP_HEADER].copy_from_slice(&packet[..RTCP_HEADER]);
    known[RTCP_HEADER..].copy_from_slice(&word);
    known
}
