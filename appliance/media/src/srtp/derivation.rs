//! Session keys out of a master key (RFC 3711 §4.3, RFC 6188 §3): once, for a key derivation rate of 0.

use aes::cipher::{Array, BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipherCore, consts::U16};
use aes::{Aes128Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use zeroize::Zeroizing;

use crate::srtp::MasterKey;

/// Which packets the session keys are for; the value is the first of its three labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Rtp = 0,
    Rtcp = 3,
}

/// What protects the RTP, or the RTCP, of one direction.
pub(super) struct SessionKeys {
    /// As long as the master key; zeros behind.
    pub(super) cipher: Zeroizing<[u8; 32]>,
    pub(super) authentication: Zeroizing<[u8; 20]>,
    /// A cipher with a salt of 12 octets takes the first 12.
    pub(super) salt: Zeroizing<[u8; 14]>,
}

impl SessionKeys {
    pub(super) fn derive(master: &MasterKey, purpose: Purpose) -> SessionKeys {
        let mut keys = SessionKeys {
            cipher: Zeroizing::new([0; 32]),
            authentication: Zeroizing::new([0; 20]),
            salt: Zeroizing::new([0; 14]),
        };
        let first = purpose as u8;
        let profile = master.profile();
        expand(master, first, &mut keys.cipher[..profile.key_len()]);
        expand(master, first + 1, &mut *keys.authentication);
        expand(master, first + 2, &mut keys.salt[..profile.salt_len()]);
        keys
    }
}

/// The key stream of the master key under the label (RFC 3711 §4.3.3).
fn expand(master: &MasterKey, label: u8, out: &mut [u8]) {
    let mut start = [0; 16];
    start[..14].copy_from_slice(master.padded_salt());
    // The label stands above the 48 bits of the index, which is 0 at a rate of 0.
    start[7] ^= label;
    match master.key().len() {
        16 => key_stream::<Aes128Enc>(master.key(), start, out),
        _ => key_stream::<Aes256Enc>(master.key(), start, out),
    }
}

fn key_stream<A: BlockCipherEncrypt<BlockSize = U16> + KeyInit>(key: &[u8], start: [u8; 16], out: &mut [u8]) {
    let aes = A::new_from_slice(key).expect("a master key is as long as its profile says");
    out.fill(0);
    CtrCore::<A, Ctr32BE>::inner_iv_init(aes, &Array(start)).apply_keystream_partial(out.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::Profile;

    fn keys(profile: Profile, key: &str, salt: &str) -> [String; 3] {
        let octets = hex::decode([key, salt].concat()).unwrap();
        let keys = SessionKeys::derive(&MasterKey::new(profile, &octets).unwrap(), Purpose::Rtp);
        let cipher = hex::encode(&keys.cipher[..profile.key_len()]);
        [cipher, hex::encode(*keys.authentication), hex::encode(&keys.salt[..profile.salt_len()])]
    }

    #[test]
    fn rfc_3711_b_3() {
        assert_eq!(
            keys(Profile::AesCm128HmacSha1_80, "e1f97a0d3e018be0d64fa32c06de4139", "0ec675ad498afeebb6960b3aabe6"),
            [
                "c61e7a93744f39ee10734afe3ff7a087",
                "cebe321f6ff7716b6fd4ab49af256a156d38baa4",
                "30cbbc08863d8c85d49db34a9ae1"
            ]
        );
    }

    #[test]
    fn rfc_6188_7_2() {
        assert_eq!(
            keys(
                Profile::AesCm256HmacSha1_80,
                "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
                "3b04803de51ee7c96423ab5b78d2"
            ),
            [
                "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
                "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
                "fa31791685ca444a9e07c6c64e93"
            ]
        );
    }

    /// The label of every key differs, and so does every key.
    #[test]
    fn six_labels_make_six_keys() {
        let master = MasterKey::new(Profile::AesCm128HmacSha1_80, &[7; 30]).unwrap();
        let mut seen = Vec::new();
        for purpose in [Purpose::Rtp, Purpose::Rtcp] {
            let keys = SessionKeys::derive(&master, purpose);
            seen.extend([keys.cipher[..12].to_vec(), keys.authentication[..12].to_vec(), keys.salt[..12].to_vec()]);
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }
}
