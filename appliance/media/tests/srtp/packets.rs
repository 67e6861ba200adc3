//! Keys and packets to test with.

use media::srtp::{Inbound, MasterKey, Outbound, Profile, SrtpError};

pub const SSRC: u32 = 0xCAFE_BABE;

/// A key of the profile; another for each seed.
pub fn key(profile: Profile, seed: u8) -> MasterKey {
    MasterKey::new(profile, &key_octets(profile, seed)).unwrap()
}

pub fn key_octets(profile: Profile, seed: u8) -> Vec<u8> {
    (0..profile.key_len() + profile.salt_len())
        .map(|at| seed.wrapping_mul(31).wrapping_add((at as u8).wrapping_mul(7)))
        .collect()
}

/// A plain RTP packet of 20 ms of G.711.
pub fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0x00];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..160).map(|at| (at as u8) ^ (sequence as u8)));
    packet
}

/// A receiver report about nobody, with a CNAME.
pub fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x81, 202, 0, 3]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend([1, 4, b'a', b'b', b'c', b'd', 0, 0]);
    packet
}

pub fn protect(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + media::srtp::RTP_OVERHEAD, 0xEE);
    let len = outbound.protect(&mut buffer, plain.len()).unwrap();
    buffer.truncate(len);
    buffer
}

pub fn protect_rtcp(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + media::srtp::RTCP_OVERHEAD, 0xEE);
    let len = outbound.protect_rtcp(&mut buffer, plain.len()).unwrap();
    buffer.truncate(len);
    buffer
}

pub fn unprotect(inbound: &mut Inbound, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = packet.to_vec();
    let before = packet.clone();
    match inbound.unprotect(&mut packet) {
        Ok(len) => Ok(packet[..len].to_vec()),
        Err(error) => {
            assert_eq!(packet, before, "{error}");
            Err(error)
        }
    }
}

pub fn unprotect_rtcp(inbound: &mut Inbound, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = packet.to_vec();
    let before = packet.clone();
    match inbound.unprotect_rtcp(&mut packet) {
        Ok(len) => Ok(packet[..len].to_vec()),
        Err(error) => {
            assert_eq!(packet, before, "{error}");
            Err(error)
        }
    }
}
