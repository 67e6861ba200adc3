//! Pickup: a phone takes the place of another one, while that rings or once it talks (Replaces, RFC 3891).

use lab::{Lab, PhoneId, State};
use scenarios::{assert_talk, connect, seconds, three_phones};

/// What names the newest call of a phone to the exchange.
fn replaces(lab: &Lab, phone: PhoneId) -> String {
    lab[phone].last().dialog.replaces()
}

#[test]
fn a_call_that_rings_elsewhere_is_taken() {
    for early_only in ["", ";early-only"] {
        let (mut lab, [alice, bob, carol]) = three_phones(1);
        lab[alice].call("1002");
        lab.run_until(|lab| lab[bob].is(State::Ringing));
        let place = replaces(&lab, bob) + early_only;
        lab[carol].pick_up("1002", &place);
        lab.run_until(|lab| lab[carol].is(State::Up) && lab[alice].is(State::Up) && lab[bob].is(State::Ended));
        lab.run_for(seconds(2));
        assert_talk(&lab, alice, carol);
        lab[alice].hang_up();
        lab.run_until(|lab| lab[carol].is(State::Ended));
        lab.finish();
        assert_eq!(lab.counter("index_entries"), 0);
        assert_eq!(lab.counter("calls_refused_total"), 0);
    }
}

#[test]
fn whoever_talks_is_replaced_whichever_side_it_is() {
    for side in [0, 1] {
        let (mut lab, phones) = three_phones(2 + side as u64);
        connect(&mut lab, phones[0], phones[1]);
        let (goes, stays, comes) = (phones[side], phones[1 - side], phones[2]);
        let place = replaces(&lab, goes);
        lab[comes].pick_up("1002", &place);
        lab.run_until(|lab| lab[comes].is(State::Up) && lab[goes].is(State::Ended));
        assert!(lab[goes].last().was_ended_by_peer);
        lab.run_for(seconds(2));
        assert_talk(&lab, stays, comes);
        lab[comes].hang_up();
        lab.run_until(|lab| lab[stays].is(State::Ended));
        lab.finish();
        assert_eq!(lab.counter("index_entries"), 0);
    }
}

#[test]
fn a_phone_that_says_its_codecs_last_picks_up_as_well() {
    let (mut lab, [alice, bob, carol]) = three_phones(5);
    lab[carol].manner.offers_late = true;
    lab[alice].call("1002");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    let place = replaces(&lab, bob);
    lab[carol].pick_up("1002", &place);
    lab.run_until(|lab| lab[carol].is(State::Up) && lab[alice].is(State::Up) && lab[bob].is(State::Ended));
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, carol);
    lab[carol].hang_up();
    lab.run_until(|lab| lab[alice].is(State::Ended));
    lab.finish();
}

#[test]
fn what_cannot_be_replaced_is_refused_and_stays() {
    let (mut lab, [alice, bob, carol]) = three_phones(6);
    let refused = |lab: &mut Lab, place: &str| {
        lab[carol].pick_up("1002", place);
        lab.run_until(|lab| lab[carol].is(State::Ended));
        lab[carol].last().status
    };
    lab[alice].call("1002");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    let ours = replaces(&lab, alice);
    assert_eq!(refused(&mut lab, &ours), Some(481), "the caller's own early dialog is not to be replaced");
    assert_eq!(refused(&mut lab, "nobody@knows;to-tag=1;from-tag=2"), Some(481));
    assert_eq!(refused(&mut lab, "no-tags@all"), Some(400));
    let bobs = replaces(&lab, bob);
    let forged = bobs.replace("from-tag=", "from-tag=x");
    assert_eq!(refused(&mut lab, &forged), Some(481), "both tags have to be right");
    assert!(lab[bob].is(State::Ringing), "none of this disturbs the call");
    lab[bob].answer();
    lab.run_until(|lab| lab[alice].is(State::Up));
    assert_eq!(refused(&mut lab, &format!("{bobs};early-only")), Some(486), "it was too late");
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, bob);
    lab[alice].hang_up();
    lab.run_until(|lab| lab[bob].is(State::Ended));
    lab.run_for(seconds(1));
    assert_eq!(refused(&mut lab, &bobs), Some(481), "it is over");
    lab.finish();
    assert_eq!(lab.counter("index_entries"), 0);
}

#[test]
fn two_replaces_are_a_mistake() {
    let (mut lab, [alice, bob, carol]) = three_phones(7);
    connect(&mut lab, alice, bob);
    let place = replaces(&lab, bob);
    lab[carol].pick_up("1002", &format!("{place}, {place}"));
    lab.run_until(|lab| lab[carol].is(State::Ended));
    assert_eq!(lab[carol].last().status, Some(400));
    lab.run_for(seconds(1));
    assert_talk(&lab, alice, bob);
    lab[bob].hang_up();
    lab.run_until(|lab| lab[alice].is(State::Ended));
    lab.finish();
}
