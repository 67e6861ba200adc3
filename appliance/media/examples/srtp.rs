//! Protects and unprotects audio packets, to be counted: `srtp <profile 0-5> <packets> <protect|both|copy>`.
//!
//! The difference of two runs under `valgrind --tool=callgrind` is what one step needs. Valgrind has no instructions for
//! SHA-1, so that the tags of counter mode are dearer there than on a processor.

#![expect(clippy::disallowed_methods, reason = "a program takes its settings from its arguments")]

use media::srtp::{Inbound, MasterKey, Outbound, Profile, RTP_OVERHEAD};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let profile = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let packets: u32 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let mode = arguments.next().unwrap_or_else(|| "both".to_owned());
    let profile = Profile::ALL[profile];
    let octets = vec![7; profile.key_len() + profile.salt_len()];
    let key = MasterKey::new(profile, &octets).expect("as long as the profile says");
    let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key, 0));
    let mut buffer = [0x80; 172 + RTP_OVERHEAD];
    let mut heard = 0u64;
    for number in 0..packets {
        buffer[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        let mut copy = std::hint::black_box(buffer);
        if mode == "copy" {
            heard += u64::from(std::hint::black_box(&copy)[3]);
            continue;
        }
        let len = outbound.protect(&mut copy, 172).expect("every number once");
        heard += len as u64;
        if mode == "both" {
            heard += inbound.unprotect(&mut copy[..len]).expect("under the same key") as u64;
        }
    }
    println!("{profile:?}: {heard} octets");
}
