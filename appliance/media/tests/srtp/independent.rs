//! Against an implementation that is not ours, both ways, for each profile.

use media::srtp::{Inbound, MasterKey, Outbound, Profile};
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::packets::{SSRC, key, key_octets, protect, protect_rtcp, rtcp, rtp, unprotect, unprotect_rtcp};

fn theirs(profile: Profile, seed: u8) -> Context {
    let their_profile = match profile {
        Profile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Profile::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Profile::AesCm256HmacSha1_80 => ProtectionProfile::Aes256CmHmacSha1_80,
        Profile::AesCm256HmacSha1_32 => ProtectionProfile::Aes256CmHmacSha1_32,
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    let octets = key_octets(profile, seed);
    let (key, salt) = octets.split_at(profile.key_len());
    let (rtp, rtcp) = (srtp_replay_protection(64), srtcp_replay_protection(64));
    Context::new(key, salt, their_profile, Some(rtp), Some(rtcp)).unwrap()
}

/// Audio packets of all shapes around a wrap.
fn audio() -> impl Iterator<Item = Vec<u8>> {
    (0..300u16).map(|number| {
        let mut packet = rtp(SSRC, 65_400u16.wrapping_add(number));
        match number % 4 {
            1 => packet.truncate(12 + usize::from(number % 160)),
            2 => {
                packet[0] |= 0x10;
                packet.splice(12..12, [0xBE, 0xDE, 0, 1, 0x10, 9, 0, 0]);
            }
            3 => {
                packet[0] |= 0x22;
                packet.splice(12..12, [5; 8]);
                packet.extend([0, 0, 0, 4]);
            }
            _ => {}
        }
        packet
    })
}

#[test]
fn they_hear_us() {
    for profile in Profile::ALL {
        let (mut ours, mut theirs) = (Outbound::new(&key(profile, 1)), theirs(profile, 1));
        for plain in audio() {
            let packet = protect(&mut ours, &plain);
            assert_eq!(theirs.decrypt_rtp(&packet).unwrap(), plain, "{profile:?}");
        }
        for _ in 0..20 {
            let packet = protect_rtcp(&mut ours, &rtcp(SSRC));
            assert_eq!(theirs.decrypt_rtcp(&packet).unwrap(), rtcp(SSRC), "{profile:?}");
        }
    }
}

#[test]
fn we_hear_them() {
    for profile in Profile::ALL {
        let (mut theirs, mut ours) = (theirs(profile, 2), Inbound::new(&key(profile, 2), 0));
        for plain in audio() {
            let packet = theirs.encrypt_rtp(&plain).unwrap();
            assert_eq!(unprotect(&mut ours, &packet), Ok(plain), "{profile:?}");
        }
        for _ in 0..20 {
            let packet = theirs.encrypt_rtcp(&rtcp(SSRC)).unwrap();
            assert_eq!(unprotect_rtcp(&mut ours, &packet), Ok(rtcp(SSRC)), "{profile:?}");
        }
    }
}

/// Keys of a DTLS handshake: what the client writes is read with the client's key.
#[test]
fn exported_keys_fit() {
    for profile in Profile::ALL.into_iter().filter(|profile| profile.dtls_id().is_some()) {
        let exported: Vec<u8> = [key_octets(profile, 1), key_octets(profile, 2)].concat();
        let (client, server) = MasterKey::from_exported(profile, &exported).unwrap();
        let (_, salts) = exported.split_at(2 * profile.key_len());
        for (place, master) in [client, server].into_iter().enumerate() {
            let key = &exported[place * profile.key_len()..][..profile.key_len()];
            let salt = &salts[place * profile.salt_len()..][..profile.salt_len()];
            let profile = ProtectionProfile::from_id(profile.dtls_id());
            let mut theirs = Context::new(key, salt, profile, None, None).unwrap();
            let packet = protect(&mut Outbound::new(&master), &rtp(SSRC, 1));
            assert_eq!(theirs.decrypt_rtp(&packet).unwrap(), rtp(SSRC, 1));
        }
    }
}

trait FromId {
    fn from_id(id: Option<u16>) -> Self;
}

impl FromId for ProtectionProfile {
    fn from_id(id: Option<u16>) -> ProtectionProfile {
        match id {
            Some(1) => ProtectionProfile::Aes128CmHmacSha1_80,
            Some(2) => ProtectionProfile::Aes128CmHmacSha1_32,
            Some(7) => ProtectionProfile::AeadAes128Gcm,
            Some(8) => ProtectionProfile::AeadAes256Gcm,
            id => panic!("{id:?}"),
        }
    }
}
