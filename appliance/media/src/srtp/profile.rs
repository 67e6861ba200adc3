//! The protection profiles: which cipher, which tag, how long the keys are.

/// A cipher with its authentication, as it is negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// AES-128 in counter mode, HMAC-SHA1 of 80 bits (RFC 3711; RFC 4568 `AES_CM_128_HMAC_SHA1_80`).
    AesCm128HmacSha1_80,
    /// The same with 32 bits for RTP; RTCP keeps 80 (RFC 4568 §6.2.2, RFC 5764 §4.1.2).
    AesCm128HmacSha1_32,
    /// AES-256 in counter mode, HMAC-SHA1 of 80 bits (RFC 6188 `AES_256_CM_HMAC_SHA1_80`).
    AesCm256HmacSha1_80,
    /// The same with 32 bits for RTP.
    AesCm256HmacSha1_32,
    /// AES-128 in Galois/counter mode, tag of 128 bits (RFC 7714 `AEAD_AES_128_GCM`).
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode, tag of 128 bits (RFC 7714 `AEAD_AES_256_GCM`).
    AeadAes256Gcm,
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 6] = [
        Profile::AesCm128HmacSha1_80,
        Profile::AesCm128HmacSha1_32,
        Profile::AesCm256HmacSha1_80,
        Profile::AesCm256HmacSha1_32,
        Profile::AeadAes128Gcm,
        Profile::AeadAes256Gcm,
    ];

    /// The profile that DTLS-SRTP names by this number (RFC 5764 §4.1.2, RFC 7714 §14.2), if it is one of ours.
    pub fn from_dtls(id: u16) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.dtls_id() == Some(id))
    }

    /// The number by which DTLS-SRTP names it. AES-256 in counter mode has none.
    pub fn dtls_id(self) -> Option<u16> {
        match self {
            Profile::AesCm128HmacSha1_80 => Some(0x0001),
            Profile::AesCm128HmacSha1_32 => Some(0x0002),
            Profile::AesCm256HmacSha1_80 | Profile::AesCm256HmacSha1_32 => None,
            Profile::AeadAes128Gcm => Some(0x0007),
            Profile::AeadAes256Gcm => Some(0x0008),
        }
    }

    /// Octets of a master key.
    pub fn key_len(self) -> usize {
        match self {
            Profile::AesCm128HmacSha1_80 | Profile::AesCm128HmacSha1_32 | Profile::AeadAes128Gcm => 16,
            Profile::AesCm256HmacSha1_80 | Profile::AesCm256HmacSha1_32 | Profile::AeadAes256Gcm => 32,
        }
    }

    /// Octets of a master salt.
    pub fn salt_len(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    /// Octets that a DTLS handshake has to export: keys and salts of both sides (RFC 5764 §4.2).
    pub fn exported_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }

    /// Octets of the tag of an RTP packet: what it grows by.
    pub fn rtp_tag_len(self) -> usize {
        match self {
            Profile::AesCm128HmacSha1_80 | Profile::AesCm256HmacSha1_80 => 10,
            Profile::AesCm128HmacSha1_32 | Profile::AesCm256HmacSha1_32 => 4,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 16,
        }
    }

    /// Octets of the tag of an RTCP packet, which grows by four more for its index.
    pub fn rtcp_tag_len(self) -> usize {
        if self.is_aead() { 16 } else { 10 }
    }

    fn is_aead(self) -> bool {
        matches!(self, Profile::AeadAes128Gcm | Profile::AeadAes256Gcm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::{RTCP_OVERHEAD, RTP_OVERHEAD};

    #[test]
    fn dtls_numbers_lead_back() {
        for profile in Profile::ALL {
            match profile.dtls_id() {
                Some(id) => assert_eq!(Profile::from_dtls(id), Some(profile)),
                None => assert_eq!((profile.key_len(), profile.is_aead()), (32, false)),
            }
        }
        assert_eq!([0, 3, 4, 5, 6, 9].map(Profile::from_dtls), [None; 6]);
    }

    #[test]
    fn nothing_grows_by_more_than_it_is_said_to() {
        assert_eq!(Profile::ALL.map(Profile::rtp_tag_len).into_iter().max(), Some(RTP_OVERHEAD));
        assert_eq!(Profile::ALL.map(|profile| profile.rtcp_tag_len() + 4).into_iter().max(), Some(RTCP_OVERHEAD));
    }
}
