//! Loss, reordering, the wrap of sequence numbers, and what was there before.

use media::srtp::{Inbound, Outbound, Profile, SrtpError};

use crate::packets::{SSRC, key, protect, protect_rtcp, rtcp, rtp, unprotect, unprotect_rtcp};

fn pair(profile: Profile) -> (Outbound, Inbound) {
    (Outbound::new(&key(profile, 1)), Inbound::new(&key(profile, 1), 0))
}

/// Four hours at 50 packets a second: the counter goes over its wrap eleven times, one packet in seven is lost, and every
/// tenth comes three places late.
#[test]
fn four_hours_with_loss_and_reordering() {
    for profile in [Profile::AesCm128HmacSha1_80, Profile::AeadAes128Gcm] {
        let (mut outbound, mut inbound) = pair(profile);
        let mut late: Vec<(u32, Vec<u8>, Vec<u8>)> = Vec::new();
        let mut heard = 0;
        for number in 0..720_000u32 {
            // Only packets around each wrap, and some others, to keep the test short: the gaps are loss as well.
            let near_wrap = (number as u16).wrapping_add(60) < 120;
            if !near_wrap && number % 5_000 > 2 {
                continue;
            }
            let plain = rtp(SSRC, number as u16);
            let packet = protect(&mut outbound, &plain);
            if number % 7 == 0 {
                continue;
            }
            if number % 10 == 0 && (number as u16).wrapping_add(60) < 115 {
                late.push((number, plain, packet));
                continue;
            }
            assert_eq!(unprotect(&mut inbound, &packet).as_ref(), Ok(&plain), "{profile:?} {number}");
            heard += 1;
            late.retain(|(of, plain, packet)| {
                let due = number >= of + 3;
                if due {
                    assert_eq!(unprotect(&mut inbound, packet).as_ref(), Ok(plain), "{profile:?} {of} late");
                }
                !due
            });
        }
        assert!(heard > 1_000 && outbound.has_rolled_over(SSRC), "{heard}");
    }
}

#[test]
fn the_first_packets_may_lie_right_before_the_wrap() {
    let (mut outbound, mut inbound) = pair(Profile::AesCm128HmacSha1_80);
    let packets: Vec<_> = (0..6u16).map(|at| rtp(SSRC, at.wrapping_sub(3))).collect();
    let sealed: Vec<_> = packets.iter().map(|plain| protect(&mut outbound, plain)).collect();
    for at in [0, 3, 2, 5, 4, 1] {
        assert_eq!(unprotect(&mut inbound, &sealed[at]).as_ref(), Ok(&packets[at]), "{at}");
    }
}

#[test]
fn nothing_is_heard_twice() {
    for profile in Profile::ALL {
        let (mut outbound, mut inbound) = pair(profile);
        let sealed: Vec<_> = (100..400).map(|sequence| protect(&mut outbound, &rtp(SSRC, sequence))).collect();
        for packet in sealed.iter().step_by(2) {
            assert!(unprotect(&mut inbound, packet).is_ok());
        }
        for (at, packet) in sealed.iter().enumerate().rev() {
            // The first of them is the newest, and the window reaches 127 back from it.
            let expected = if at % 2 == 0 || at + 128 <= 299 { Some(SrtpError::Replayed) } else { None };
            assert_eq!(unprotect(&mut inbound, packet).err(), expected, "{profile:?} {at}");
        }
        let reports: Vec<_> = (0..200).map(|_| protect_rtcp(&mut outbound, &rtcp(SSRC))).collect();
        assert!(unprotect_rtcp(&mut inbound, &reports[0]).is_ok());
        assert!(unprotect_rtcp(&mut inbound, &reports[150]).is_ok());
        assert!(unprotect_rtcp(&mut inbound, &reports[149]).is_ok());
        for again in [0, 150, 149, 22] {
            assert_eq!(unprotect_rtcp(&mut inbound, &reports[again]), Err(SrtpError::Replayed), "{again}");
        }
        assert!(unprotect_rtcp(&mut inbound, &reports[23]).is_ok());
    }
}

#[test]
fn no_number_is_sent_twice() {
    for profile in Profile::ALL {
        let (mut outbound, _) = pair(profile);
        let mut send = |sequence: u16| {
            let mut buffer = rtp(SSRC, sequence);
            let len = buffer.len();
            buffer.resize(len + 16, 0);
            let before = buffer.clone();
            let sent = outbound.protect(&mut buffer, len);
            assert!(sent.is_ok() || buffer == before);
            sent.err()
        };
        assert_eq!([send(500), send(502), send(501)], [None; 3]);
        assert_eq!([send(500), send(501), send(502)], [Some(SrtpError::Reused); 3]);
        assert_eq!(send(374), Some(SrtpError::Reused), "too far back to tell");
        assert_eq!(send(375), None);
        assert_eq!(send(60_000), Some(SrtpError::Reused), "before the first of all");
    }
}

#[test]
fn sources_have_numbers_of_their_own() {
    let (mut outbound, mut inbound) = pair(Profile::AeadAes256Gcm);
    for round in 0..3 {
        for source in 0..8u32 {
            let plain = rtp(source, 65_534u16.wrapping_add(round));
            let packet = protect(&mut outbound, &plain);
            assert_eq!(unprotect(&mut inbound, &packet), Ok(plain));
            assert_eq!(unprotect(&mut inbound, &packet), Err(SrtpError::Replayed));
        }
    }
    let mut ninth = rtp(8, 1);
    ninth.extend([0; 16]);
    assert_eq!(outbound.protect(&mut ninth, 172), Err(SrtpError::TooManySources));
    let (mut ninth, mut known) = (rtcp(8), rtcp(7));
    let len = known.len();
    ninth.extend([0; 20]);
    known.extend([0; 20]);
    assert_eq!(outbound.protect_rtcp(&mut ninth, len), Err(SrtpError::TooManySources));
    assert_eq!(outbound.protect_rtcp(&mut known, len), Ok(len + 20));
}

/// A phone that changes its source again and again stays audible; the table does not grow.
#[test]
fn a_phone_may_change_its_source_for_ever() {
    let mut inbound = Inbound::new(&key(Profile::AesCm128HmacSha1_32, 1), 0);
    for source in 0..1_000 {
        let mut outbound = Outbound::new(&key(Profile::AesCm128HmacSha1_32, 1));
        for sequence in 7..10 {
            let plain = rtp(source, sequence);
            assert_eq!(unprotect(&mut inbound, &protect(&mut outbound, &plain)), Ok(plain));
        }
    }
}
