//! How long sessions may be (RFC 4028 §6): too short for the exchange, too short for a phone.

use lab::{OnInvite, State, TooShort};
use scenarios::{connect, milliseconds, seconds, two_phones};

#[test]
fn a_phone_that_wants_longer_sessions_is_asked_once_more() {
    let (mut lab, alice, bob) = two_phones(30);
    lab[bob].manner.refuses_sessions = TooShort::Below(2_700);
    lab[bob].manner.session_expires = Some(2_700);
    connect(&mut lab, alice, bob);
    let invite = lab[bob].last().invite.clone().expect("it came in");
    assert_eq!((invite.header("Min-SE"), invite.header("CSeq")), (Some("2700"), Some("2 INVITE")));
    assert!(invite.need("Session-Expires").starts_with("2700"), "{}", invite.need("Session-Expires"));
    lab.run_for(seconds(3_000));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "the session is refreshed\n{}", lab.ladder());
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    let messages = lab.messages(bob);
    let first =
        ["< INVITE 1002 (sdp)", "> 422 SessionIntervalTooSmall", "< ACK", "< INVITE 1002 (sdp)", "> 180 Ringing"];
    assert_eq!(messages[..5], first);
    let refreshes = messages.iter().filter(|message| *message == "> INVITE (sdp)").count();
    assert_eq!(refreshes, 2, "at half of the interval\n{}", lab.ladder());
    lab.finish();
}

#[test]
fn a_phone_that_never_has_enough_is_given_up() {
    for (demand, invites) in [(TooShort::Any, 2), (TooShort::None, 1)] {
        let (mut lab, alice, bob) = two_phones(31);
        lab[bob].manner.refuses_sessions = demand;
        // Without a word of how long it should be, there is nothing to try.
        lab[bob].manner.on_invite = OnInvite::Refuse(422);
        lab[alice].call("1002");
        lab.run_for(seconds(2));
        let asked = lab.messages(bob).iter().filter(|message| message.starts_with("< INVITE")).count();
        assert_eq!(asked, invites, "{}", lab.ladder());
        assert!(lab[alice].last().status.is_some_and(|status| status >= 400) && lab[alice].is(State::Ended));
        lab.finish();
    }
}

#[test]
fn the_caller_thinks_better_of_it_while_a_phone_is_asked_once_more() {
    for delay in 0..40 {
        let (mut lab, alice, bob) = two_phones(32);
        lab[bob].manner.refuses_sessions = TooShort::Below(3_600);
        lab[alice].call("1002");
        lab.run_for(milliseconds(delay));
        lab[alice].hang_up();
        lab.run_for(seconds(2));
        assert!(lab[alice].is(State::Ended) && lab[bob].is(State::Ended), "{delay} ms\n{}", lab.ladder());
        lab.finish();
    }
}
