//! Encrypted audio: packets that are protected and heard, broken ones, ones from nowhere, keys that change.
//!
//! The first octet of the input chooses the profile. Then follow steps, each after a head of four octets: what is done, a
//! number for it, and how many octets behind belong to it (two octets, big endian). Bit 0 of what is done: RTCP. Bits 1–2:
//! protect and deliver; the same, but first a copy in which the bit of the number was turned; deliver as it is; change the
//! keys to those of the number.

use media::srtp::{Inbound, MasterKey, Outbound, Profile, RTCP_OVERHEAD, SrtpError};

/// As many steps as one input may have.
const STEPS: usize = 512;

/// What we protect, we hear; what was not protected, or turned, changes nothing; whatever is refused stays as it was.
pub fn srtp(data: &[u8]) {
    let Some((choice, mut rest)) = data.split_first() else { return };
    let profile = Profile::ALL[usize::from(*choice) % Profile::ALL.len()];
    let mut line = Line { outbound: Outbound::new(&key(profile, 0)), inbound: Inbound::new(&key(profile, 0), 0) };
    for _ in 0..STEPS {
        let Some((&[what, number, high, low], behind)) = rest.split_first_chunk::<4>() else { break };
        let length = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
        let (packet, behind) = behind.split_at(length);
        rest = behind;
        let is_rtcp = what & 1 != 0;
        match what >> 1 & 3 {
            0 => line.say(is_rtcp, packet, None),
            1 => line.say(is_rtcp, packet, Some(number.into())),
            2 => drop(line.hear(is_rtcp, packet)),
            _ => {
                line.outbound = Outbound::new(&key(profile, number));
                line.inbound.renew(&key(profile, number), 0);
            }
        }
    }
}

fn key(profile: Profile, seed: u8) -> MasterKey {
    MasterKey::new(profile, &vec![seed; profile.key_len() + profile.salt_len()]).expect("as long as the profile says")
}

struct Line {
    outbound: Outbound,
    inbound: Inbound,
}

impl Line {
    fn say(&mut self, is_rtcp: bool, plain: &[u8], turned: Option<usize>) {
        let mut buffer = plain.to_vec();
        buffer.resize(plain.len() + RTCP_OVERHEAD, 0);
        let before = buffer.clone();
        let sealed = match is_rtcp {
            true => self.outbound.protect_rtcp(&mut buffer, plain.len()),
            false => self.outbound.protect(&mut buffer, plain.len()),
        };
        let Ok(len) = sealed else {
            assert_eq!(buffer, before);
            return;
        };
        buffer.truncate(len);
        if let Some(bit) = turned {
            let mut broken = buffer.clone();
            let at = (bit * 7) % (8 * len);
            broken[at / 8] ^= 1 << (at % 8);
            assert!(self.hear(is_rtcp, &broken).is_err());
        }
        assert_eq!(self.hear(is_rtcp, &buffer).as_deref(), Ok(plain));
        assert_eq!(self.hear(is_rtcp, &buffer), Err(SrtpError::Replayed));
    }

    fn hear(&mut self, is_rtcp: bool, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut octets = packet.to_vec();
        let opened = match is_rtcp {
            true => self.inbound.unprotect_rtcp(&mut octets),
            false => self.inbound.unprotect(&mut octets),
        };
        match opened {
            Ok(len) => Ok(octets[..len].to_vec()),
            Err(error) => {
                assert_eq!(octets, packet);
                Err(error)
            }
        }
    }
}
