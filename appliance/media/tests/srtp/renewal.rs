//! Keys that change while a call is up (RFC 4568 §7.1.4).

use media::srtp::{Inbound, Keys, Outbound, Profile, Session, SrtpError};

use crate::packets::{SSRC, key, protect, protect_rtcp, rtcp, rtp, unprotect, unprotect_rtcp};

const PROFILE: Profile = Profile::AesCm128HmacSha1_80;

/// Sends the numbers from 0 up to just over the third wrap, and lets few of them arrive.
fn long_call(outbound: &mut Outbound, inbound: &mut Inbound) {
    for number in (0..=3u32 << 16).step_by(16_384) {
        let plain = rtp(SSRC, number as u16);
        assert_eq!(unprotect(inbound, &protect(outbound, &plain)), Ok(plain));
    }
}

#[test]
fn the_old_key_is_good_until_the_new_one_is_used() {
    let (mut old, mut new) = (Outbound::new(&key(PROFILE, 1)), Outbound::new(&key(PROFILE, 2)));
    let mut inbound = Inbound::new(&key(PROFILE, 1), 0);
    let packets: Vec<_> = (1..6).map(|sequence| protect(&mut old, &rtp(SSRC, sequence))).collect();
    let report = protect_rtcp(&mut old, &rtcp(SSRC));
    assert!(unprotect(&mut inbound, &packets[0]).is_ok());
    inbound.renew(&key(PROFILE, 2), 0);
    assert!(unprotect(&mut inbound, &packets[1]).is_ok());
    assert!(unprotect_rtcp(&mut inbound, &report).is_ok());
    assert_eq!(unprotect(&mut inbound, &packets[0]), Err(SrtpError::Replayed));
    assert!(unprotect(&mut inbound, &protect(&mut new, &rtp(SSRC, 5))).is_ok());
    assert_eq!(unprotect(&mut inbound, &packets[3]), Err(SrtpError::NotAuthentic));
    assert_eq!(unprotect_rtcp(&mut inbound, &report), Err(SrtpError::NotAuthentic));
}

#[test]
fn the_rollover_counter_may_begin_anew() {
    let (mut old, mut new) = (Outbound::new(&key(PROFILE, 1)), Outbound::new(&key(PROFILE, 2)));
    let mut inbound = Inbound::new(&key(PROFILE, 1), 0);
    long_call(&mut old, &mut inbound);
    inbound.renew(&key(PROFILE, 2), 0);
    for sequence in 1..4 {
        assert!(unprotect(&mut inbound, &protect(&mut new, &rtp(SSRC, sequence))).is_ok(), "{sequence}");
    }
}

/// The phone that goes on counting was under the new key from its third wrap on; our side did not hear the packets before.
#[test]
fn the_rollover_counter_may_go_on() {
    let (mut old, mut new) = (Outbound::new(&key(PROFILE, 1)), Outbound::new(&key(PROFILE, 2)));
    let mut inbound = Inbound::new(&key(PROFILE, 1), 0);
    long_call(&mut old, &mut inbound);
    long_call(&mut new, &mut Inbound::new(&key(PROFILE, 2), 0));
    // A key that was agreed on and never used comes between.
    inbound.renew(&key(PROFILE, 3), 0);
    inbound.renew(&key(PROFILE, 2), 0);
    for sequence in [5, 4, 7] {
        let packet = protect(&mut new, &rtp(SSRC, sequence));
        assert!(unprotect(&mut inbound, &packet).is_ok(), "{sequence}");
        assert_eq!(unprotect(&mut inbound, &packet), Err(SrtpError::Replayed));
    }
}

/// A packet each way.
fn talk(ours: &mut Session, theirs: &mut Session, sequence: u16) -> Result<(), SrtpError> {
    say(ours, theirs, sequence)?;
    say(theirs, ours, sequence)
}

fn say(from: &mut Session, to: &mut Session, sequence: u16) -> Result<(), SrtpError> {
    let mut packet = rtp(SSRC, sequence);
    packet.resize(172 + 16, 0);
    let len = from.protect(&mut packet, 172)?;
    assert_eq!(to.unprotect(&mut packet[..len]), Ok(172));
    Ok(())
}

#[test]
fn a_session_renews_only_what_changed() {
    let keys = |send, receive| Keys { send: key(PROFILE, send), receive: key(PROFILE, receive), receive_key_id_len: 0 };
    let mut ours = Session::new(keys(1, 2));
    let mut theirs = Session::new(keys(2, 1));
    assert_eq!(talk(&mut ours, &mut theirs, 1), Ok(()));
    for session in [&mut ours, &mut theirs] {
        session.renew(session.keys().clone());
    }
    assert_eq!(talk(&mut ours, &mut theirs, 1), Err(SrtpError::Reused), "the same keys go on");
    ours.renew(keys(1, 3));
    theirs.renew(keys(3, 1));
    let mut again = rtp(SSRC, 1);
    again.resize(188, 0);
    assert_eq!(ours.protect(&mut again, 172), Err(SrtpError::Reused));
    assert_eq!(talk(&mut ours, &mut theirs, 2), Ok(()));
    assert_eq!(format!("{ours:?}").matches("MasterKey(AesCm128HmacSha1_80, …)").count(), 2);
}
