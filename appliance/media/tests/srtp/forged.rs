//! Packets that are not what they should be.

use media::srtp::{Inbound, Outbound, Profile, SrtpError};

use crate::packets::{SSRC, key, protect, protect_rtcp, rtcp, rtp, unprotect, unprotect_rtcp};

#[test]
fn every_octet_counts() {
    for profile in Profile::ALL {
        let mut outbound = Outbound::new(&key(profile, 1));
        let mut inbound = Inbound::new(&key(profile, 1), 0);
        let (audio, report) = (protect(&mut outbound, &rtp(SSRC, 9)), protect_rtcp(&mut outbound, &rtcp(SSRC)));
        for bit in 0..8 * audio.len() {
            let mut forged = audio.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let error = unprotect(&mut inbound, &forged).unwrap_err();
            assert!(matches!(error, SrtpError::NotAuthentic | SrtpError::Malformed), "{profile:?} {bit}: {error}");
        }
        for bit in 0..8 * report.len() {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let error = unprotect_rtcp(&mut inbound, &forged).unwrap_err();
            assert!(matches!(error, SrtpError::NotAuthentic | SrtpError::Malformed), "{profile:?} {bit}: {error}");
        }
        // What was forged left no trace: the true ones are heard.
        assert!(unprotect(&mut inbound, &audio).is_ok());
        assert!(unprotect_rtcp(&mut inbound, &report).is_ok());
    }
}

#[test]
fn every_length_but_the_true_one_is_refused() {
    for profile in Profile::ALL {
        for key_id in [0, 4] {
            let mut outbound = Outbound::new(&key(profile, 1));
            let mut inbound = Inbound::new(&key(profile, 1), key_id);
            let mut audio = protect(&mut outbound, &rtp(SSRC, 9));
            let mut report = protect_rtcp(&mut outbound, &rtcp(SSRC));
            if key_id > 0 {
                (audio, report) = (with_key_id(&audio, profile, 0), with_key_id(&report, profile, 4));
            }
            for len in 0..audio.len() {
                assert!(unprotect(&mut inbound, &audio[..len]).is_err(), "{profile:?} {len}");
            }
            for len in 0..report.len() {
                assert!(unprotect_rtcp(&mut inbound, &report[..len]).is_err(), "{profile:?} {len}");
            }
            for more in [1, 4, 16] {
                let longer = |packet: &[u8]| [packet, &[0; 16][..more]].concat();
                assert!(unprotect(&mut inbound, &longer(&audio)).is_err());
                assert!(unprotect_rtcp(&mut inbound, &longer(&report)).is_err());
            }
            assert_eq!(unprotect(&mut inbound, &audio).unwrap(), rtp(SSRC, 9));
            assert_eq!(unprotect_rtcp(&mut inbound, &report).unwrap(), rtcp(SSRC));
        }
    }
}

/// A key id of four octets where each cipher has it: before the tag of counter mode, at the end of Galois mode.
fn with_key_id(packet: &[u8], profile: Profile, rtcp: usize) -> Vec<u8> {
    let tag = if rtcp == 0 { profile.rtp_tag_len() } else { profile.rtcp_tag_len() };
    let behind = if profile.salt_len() == 12 { 0 } else { tag };
    let (before, behind) = packet.split_at(packet.len() - behind);
    [before, &[0, 0, 0, 1], behind].concat()
}

#[test]
fn another_key_another_profile_another_source() {
    for profile in Profile::ALL {
        let packet = protect(&mut Outbound::new(&key(profile, 1)), &rtp(SSRC, 9));
        let mut stranger = Inbound::new(&key(profile, 2), 0);
        assert_eq!(unprotect(&mut stranger, &packet), Err(SrtpError::NotAuthentic));
        for other in Profile::ALL.into_iter().filter(|other| *other != profile) {
            let mut inbound = Inbound::new(&key(other, 1), 0);
            let same_keys = other.key_len() == profile.key_len() && other.salt_len() == profile.salt_len();
            assert!(unprotect(&mut inbound, &packet).is_err(), "{profile:?} {other:?} {same_keys}");
        }
        let mut of_another = packet.clone();
        of_another[8..12].copy_from_slice(&(SSRC + 1).to_be_bytes());
        let mut inbound = Inbound::new(&key(profile, 1), 0);
        assert_eq!(unprotect(&mut inbound, &of_another), Err(SrtpError::NotAuthentic));
    }
}

#[test]
fn headers_stay_readable_whatever_they_hold() {
    let mut long = rtp(SSRC, 9)[..12].to_vec();
    long[0] = 0x80 | 0x20 | 0x10 | 2;
    long.extend([1; 8]);
    long.extend([0xBE, 0xDE, 0, 2, 0x10, 9, 0, 0, 0x20, 8, 0, 0]);
    long.extend(b"audio");
    long.extend([0, 0, 3]);
    let mut empty = rtp(SSRC, 10);
    empty.truncate(12);
    for profile in Profile::ALL {
        let mut outbound = Outbound::new(&key(profile, 1));
        let mut inbound = Inbound::new(&key(profile, 1), 0);
        for (plain, header) in [(&long, 32), (&empty, 12)] {
            let packet = protect(&mut outbound, plain);
            assert_eq!(packet.len(), plain.len() + profile.rtp_tag_len());
            assert_eq!(packet[..header], plain[..header]);
            assert!(plain.len() == header || packet[header..plain.len()] != plain[header..]);
            assert_eq!(unprotect(&mut inbound, &packet).as_ref(), Ok(plain));
        }
    }
}

#[test]
fn what_is_no_packet_is_not_protected() {
    let mut outbound = Outbound::new(&key(Profile::AeadAes128Gcm, 1));
    let mut buffer = rtp(SSRC, 9);
    assert_eq!(outbound.protect(&mut buffer, 172), Err(SrtpError::NoRoom));
    assert_eq!(outbound.protect(&mut buffer, 157), Err(SrtpError::NoRoom));
    assert_eq!(outbound.protect(&mut buffer, 173), Err(SrtpError::NoRoom));
    assert_eq!(outbound.protect(&mut buffer, 11), Err(SrtpError::Malformed));
    assert_eq!(outbound.protect(&mut [], 0), Err(SrtpError::Malformed));
    assert_eq!(outbound.protect(&mut buffer, 156), Ok(172), "a packet that was not sent used up no number");
    buffer[0] = 0x40;
    assert_eq!(outbound.protect(&mut buffer, 100), Err(SrtpError::Malformed));
    let mut report = rtcp(SSRC);
    assert_eq!(outbound.protect_rtcp(&mut report, 7), Err(SrtpError::Malformed));
    assert_eq!(outbound.protect_rtcp(&mut report, 8), Err(SrtpError::NoRoom));
    assert_eq!(outbound.protect_rtcp(&mut report, 29), Err(SrtpError::NoRoom));
}
