//! Master keys with their salts: where they come from, and that nobody sees them.

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroize;

use crate::srtp::Profile;

/// The key and salt of one direction, before the session keys are made of them.
///
/// Two are compared in constant time, none is ever shown, and all are wiped when they go.
#[derive(Clone)]
pub struct MasterKey {
    profile: Profile,
    key: [u8; 32],
    /// A salt of 12 octets has two zeros behind it (RFC 7714 §11).
    salt: [u8; 14],
}

/// The octets are not as many as the profile wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{got} octets of key and salt instead of {wanted}")]
pub struct KeyLength {
    /// How many there are.
    pub got: usize,
    /// How many there should be.
    pub wanted: usize,
}

impl MasterKey {
    /// The key with its salt right behind it, as `a=crypto` has them (RFC 4568 §6.1).
    pub fn new(profile: Profile, key_and_salt: &[u8]) -> Result<MasterKey, KeyLength> {
        let wanted = profile.key_len() + profile.salt_len();
        if key_and_salt.len() != wanted {
            return Err(KeyLength { got: key_and_salt.len(), wanted });
        }
        let (key, salt) = key_and_salt.split_at(profile.key_len());
        Ok(MasterKey::of_parts(profile, key, salt))
    }

    /// Client's and server's write keys out of what a DTLS handshake exported under `EXTRACTOR-dtls_srtp`: both keys, then
    /// both salts, the client's first (RFC 5764 §4.2). Who is client is a matter of the handshake, not of the call.
    pub fn from_exported(profile: Profile, exported: &[u8]) -> Result<(MasterKey, MasterKey), KeyLength> {
        let wanted = profile.exported_len();
        if exported.len() != wanted {
            return Err(KeyLength { got: exported.len(), wanted });
        }
        let (keys, salts) = exported.split_at(2 * profile.key_len());
        let (client_key, server_key) = keys.split_at(profile.key_len());
        let (client_salt, server_salt) = salts.split_at(profile.salt_len());
        let client = MasterKey::of_parts(profile, client_key, client_salt);
        Ok((client, MasterKey::of_parts(profile, server_key, server_salt)))
    }

    /// What it is for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The lengths are those of the profile.
    fn of_parts(profile: Profile, key: &[u8], salt: &[u8]) -> MasterKey {
        let mut master = MasterKey { profile, key: [0; 32], salt: [0; 14] };
        master.key[..key.len()].copy_from_slice(key);
        master.salt[..salt.len()].copy_from_slice(salt);
        master
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.profile.key_len()]
    }

    pub(super) fn padded_salt(&self) -> &[u8; 14] {
        &self.salt
    }
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &MasterKey) -> bool {
        let same = self.key.ct_eq(&other.key) & self.salt.ct_eq(&other.salt);
        self.profile == other.profile && bool::from(same)
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({:?}, …)", self.profile)
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.salt.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_profile() {
        for profile in Profile::ALL {
            let wanted = profile.key_len() + profile.salt_len();
            assert!(MasterKey::new(profile, &vec![1; wanted]).is_ok());
            for got in [0, wanted - 1, wanted + 1] {
                assert_eq!(MasterKey::new(profile, &vec![1; got]), Err(KeyLength { got, wanted }));
            }
            assert!(MasterKey::from_exported(profile, &vec![1; 2 * wanted]).is_ok());
            let short = MasterKey::from_exported(profile, &vec![1; 2 * wanted - 1]);
            assert_eq!(short, Err(KeyLength { got: 2 * wanted - 1, wanted: 2 * wanted }));
        }
    }

    #[test]
    fn exported_octets_are_dealt_out_in_the_order_of_rfc_5764() {
        for profile in Profile::ALL {
            let (key, salt) = (profile.key_len(), profile.salt_len());
            let exported: Vec<u8> = (0..profile.exported_len() as u8).collect();
            let (client, server) = MasterKey::from_exported(profile, &exported).unwrap();
            let of = |key_at: usize, salt_at: usize| {
                let mut octets = exported[key_at..key_at + key].to_vec();
                octets.extend(&exported[salt_at..salt_at + salt]);
                MasterKey::new(profile, &octets).unwrap()
            };
            assert_eq!(client, of(0, 2 * key));
            assert_eq!(server, of(key, 2 * key + salt));
            assert_ne!(client, server);
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let key = MasterKey::new(Profile::AeadAes128Gcm, &[0xA5; 28]).unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey(AeadAes128Gcm, …)");
        assert_ne!(key, MasterKey::new(Profile::AeadAes128Gcm, &[0xA6; 28]).unwrap());
    }
}
