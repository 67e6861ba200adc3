//! Transfers: who talks with whom in the end, what the phone that transferred is told, and what is left behind.

use lab::{Lab, OnInvite, PhoneId, State};
use pbx::call::transfer::{NewTransfer, TransferKind, TransferRecord};
use pbx::call::{Address, AddressKind};
use pbx::conference::{ConferenceData, NewConference};
use pbx::{Command, EventKind, Rejection, Reply};
use scenarios::{assert_talk, connect, milliseconds, seconds, three_phones_two_talking};

/// Packets that a phone has heard in the last half second.
fn heard(lab: &Lab, phone: PhoneId) -> usize {
    let since = lab.now().saturating_sub(milliseconds(500));
    lab[phone].last().audio.heard.iter().filter(|packet| packet.at >= since).count()
}

#[test]
fn the_caller_sends_the_called_one_elsewhere() {
    let (mut lab, [alice, bob, carol]) = three_phones_two_talking(1);
    lab[alice].refer("1003");
    lab.run_until(|lab| lab[carol].is(State::Ringing));
    lab.run_for(seconds(2));
    assert!((20..=30).contains(&heard(&lab, bob)), "who waits hears that it rings");
    let shown = lab[carol].last().invite.as_ref().expect("it was rung").need("From").to_string();
    assert!(shown.contains("1002"), "1003 sees who will be there: {shown}");
    lab[carol].answer();
    lab.run_for(seconds(2));
    assert_talk(&lab, bob, carol);
    assert_eq!(lab[alice].notified, [100, 180, 200]);
    lab[alice].hang_up();
    lab.run_for(seconds(2));
    assert_talk(&lab, bob, carol);
    lab[carol].hang_up();
    lab.run_until(|lab| lab[bob].is(State::Ended));
    lab.finish();
    assert_eq!(lab.counter("index_entries"), 0);
}

#[test]
fn the_called_one_sends_the_caller_elsewhere_and_is_let_go() {
    let (mut lab, [alice, bob, carol]) = three_phones_two_talking(2);
    lab[carol].manner.on_invite = OnInvite::Answer;
    lab[bob].refer("1003");
    lab.run_until(|lab| lab[bob].is(State::Ended));
    assert_eq!(lab[bob].notified, [100, 200]);
    assert!(lab[bob].last().was_ended_by_peer, "a phone that does not hang up itself is hung up on");
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, carol);
    lab[alice].hang_up();
    lab.run_until(|lab| lab[carol].is(State::Ended));
    lab.finish();
}

#[test]
fn whom_nobody_takes_comes_back() {
    for by in [0, 1] {
        let (mut lab, phones) = three_phones_two_talking(3 + by as u64);
        let (by, other) = (phones[by], phones[1 - by]);
        lab[by].refer("1003");
        lab.run_until(|lab| lab[phones[2]].is(State::Ringing));
        lab.run_for(seconds(1));
        lab[phones[2]].reject(486);
        lab.run_for(seconds(2));
        assert_eq!(lab[by].notified, [100, 180, 486]);
        assert_talk(&lab, by, other);
        lab[by].refer("1099");
        lab.run_for(seconds(2));
        assert_eq!(lab[by].notified.last(), Some(&404), "a number that is nobody's");
        assert_talk(&lab, by, other);
        lab[by].hang_up();
        lab.run_until(|lab| lab[other].is(State::Ended));
        lab.finish();
        assert_eq!(lab.counter("index_entries"), 0);
    }
}

#[test]
fn who_has_transferred_and_gone_is_rung_again() {
    let (mut lab, [alice, bob, carol]) = three_phones_two_talking(7);
    lab[alice].refer("1003");
    lab.run_until(|lab| lab[carol].is(State::Ringing));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab[carol].reject(486);
    lab.run_until(|lab| lab[alice].is(State::Ringing));
    lab[alice].answer();
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, bob);
    lab[alice].hang_up();
    lab.run_until(|lab| lab[bob].is(State::Ended));

    // Nobody there either: the call ends.
    connect(&mut lab, alice, bob);
    lab[alice].refer("1003");
    lab.run_until(|lab| lab[carol].is(State::Ringing));
    lab[alice].hang_up();
    lab[alice].manner.on_invite = OnInvite::Refuse(486);
    lab[carol].reject(486);
    lab.run_until(|lab| lab[bob].is(State::Ended));
    lab.finish();
    assert_eq!(lab.counter("index_entries"), 0);
}

#[test]
fn whoever_is_transferred_may_hang_up() {
    let (mut lab, [alice, bob, carol]) = three_phones_two_talking(8);
    lab[alice].refer("1003");
    lab.run_until(|lab| lab[carol].is(State::Ringing));
    lab[bob].hang_up();
    lab.run_until(|lab| lab[carol].is(State::Ended) && lab[alice].is(State::Ended));
    assert_eq!(lab[alice].notified, [100, 180, 487]);
    lab.finish();
}

#[test]
fn two_calls_of_a_phone_are_brought_together() {
    // Whoever called whom: the phone in the middle has called, or was called.
    for (seed, calls_first, calls_second) in
        [(10, true, true), (11, true, false), (12, false, true), (13, false, false)]
    {
        let mut lab = Lab::new(seed);
        let [alice, bob, carol] = ["1001", "1002", "1003"].map(|number| lab.registered_phone(number));
        let pair = |calls, other| if calls { (alice, other) } else { (other, alice) };
        let (from, to) = pair(calls_first, bob);
        connect(&mut lab, from, to);
        lab[alice].hold();
        lab.run_for(seconds(1));
        let (from, to) = pair(calls_second, carol);
        let number = lab[to].number.clone();
        lab[to].manner.on_invite = OnInvite::Answer;
        lab[from].call(&number);
        lab.run_for(seconds(2));
        lab[alice].refer_to_other_call();
        lab.run_until(|lab| lab[alice].is(State::Ended));
        assert_eq!(lab[alice].notified, [100, 200], "{seed}");
        lab.run_for(seconds(2));
        assert_talk(&lab, bob, carol);
        lab[carol].hang_up();
        lab.run_until(|lab| lab[bob].is(State::Ended));
        lab.finish();
        assert_eq!(lab.counter("index_entries"), 0, "{seed}");
    }
}

#[test]
fn a_caller_is_sent_into_a_conference() {
    let (mut lab, [alice, bob, carol]) = three_phones_two_talking(20);
    let data = ConferenceData { extension: Some("800".into()), loudest: None, tones: false };
    let new = NewConference { data, ..NewConference::default() };
    let Ok(Reply::Conference(_)) = lab.command(Command::CreateConference(new)) else { panic!("it can be made") };
    lab[carol].call("800");
    lab.run_until(|lab| lab[carol].is(State::Up));
    lab[alice].refer("800");
    lab.run_until(|lab| lab[alice].is(State::Ended));
    lab.run_for(seconds(1));
    assert_talk(&lab, bob, carol);
    assert_eq!(lab[alice].notified, [100, 200]);
    lab[bob].hang_up();
    lab[carol].hang_up();
    lab.finish();
}

#[test]
fn what_cannot_be_done_is_refused() {
    let (mut lab, [alice, bob, carol]) = three_phones_two_talking(21);
    for (refer_to, status) in [("<sip:@", 400), ("<sip:other@x?Replaces=abc>", 400), ("<sip:1003@x;method=BYE>", 603)] {
        lab[alice].refer_to(refer_to);
        lab.run_for(seconds(1));
        assert_eq!(lab[alice].last().answers.last(), Some(&("REFER".into(), status)), "{refer_to}");
    }
    lab[alice].refer_to("<sip:other@x?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>");
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].notified, [100, 481]);
    assert_talk(&lab, alice, bob);
    lab[carol].call("1099");
    lab.run_for(seconds(1));
    lab[alice].hang_up();
    lab.finish();
}

/// The id of the latest leg of a phone.
fn leg_of(lab: &Lab, number: &str) -> uuid::Uuid {
    let legs = lab.facts.events.iter().rev().filter_map(|event| match &event.kind {
        EventKind::CallCreated(call) => Some(call),
        _ => None,
    });
    let is_of = |call: &pbx::call::CallRecord| match call.master_call_id {
        None => call.source.target == number,
        Some(_) => call.destination.target == number,
    };
    legs.into_iter().find(|call| is_of(call)).expect("it has a call").id
}

fn transfer(lab: &mut Lab, kind: TransferKind, (by, to): (&str, &str)) -> Result<TransferRecord, Rejection> {
    let address = Address { kind: AddressKind::Extension, target: to.into(), target_name: String::new() };
    let call = leg_of(lab, by);
    match lab.command(Command::CreateTransfer(NewTransfer { kind, call, addresses: vec![address] })) {
        Ok(Reply::Transfer(transfer)) => Ok(*transfer),
        Ok(other) => panic!("{other:?}"),
        Err(rejection) => Err(rejection),
    }
}

#[test]
fn a_program_sends_a_call_elsewhere() {
    for (seed, by) in [(30, "1001"), (31, "1002")] {
        let (mut lab, [alice, bob, carol]) = three_phones_two_talking(seed);
        let (gone, other, name) = if by == "1001" { (alice, bob, "1002") } else { (bob, alice, "1001") };
        let stays = leg_of(&lab, name);
        let begun = transfer(&mut lab, TransferKind::Blind, (by, "1003")).expect("it begins");
        assert_eq!(begun.transferee, stays);
        lab.run_until(|lab| lab[gone].is(State::Ended) && lab[carol].is(State::Ringing));
        assert_eq!(transfer(&mut lab, TransferKind::Blind, (by, "1003")), Err(Rejection::CallState));
        lab[carol].answer();
        lab.run_for(seconds(2));
        assert_talk(&lab, other, carol);
        lab[other].hang_up();
        lab.run_until(|lab| lab[carol].is(State::Ended));
        lab.finish();
        assert_eq!(lab.counter("index_entries"), 0);
    }
}

#[test]
fn two_consult_while_the_third_waits() {
    for (seed, by) in [(40, "1001"), (41, "1002")] {
        let (mut lab, [alice, bob, carol]) = three_phones_two_talking(seed);
        let (asks, waits) = if by == "1001" { (alice, bob) } else { (bob, alice) };
        lab[carol].manner.on_invite = OnInvite::Answer;
        transfer(&mut lab, TransferKind::Attended, (by, "1003")).expect("it begins");
        lab.run_for(seconds(3));
        assert_talk(&lab, asks, carol);
        assert!((20..=30).contains(&heard(&lab, waits)), "who waits hears music");
        lab[asks].hang_up();
        lab.run_for(seconds(3));
        assert_talk(&lab, waits, carol);
        lab[waits].hang_up();
        lab.run_until(|lab| lab[carol].is(State::Ended));
        lab.finish();
        assert_eq!(lab.counter("index_entries"), 0);
    }
}

#[test]
fn whoever_consulted_in_vain_has_the_third_back() {
    let (mut lab, [alice, bob, carol]) = three_phones_two_talking(50);
    // Refused, and after a talk.
    lab[carol].manner.on_invite = OnInvite::Refuse(486);
    transfer(&mut lab, TransferKind::Attended, ("1001", "1003")).expect("it begins");
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, bob);
    lab[carol].manner.on_invite = OnInvite::Answer;
    transfer(&mut lab, TransferKind::Attended, ("1001", "1003")).expect("it begins");
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, carol);
    lab[carol].hang_up();
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, bob);
    // Gone before anybody answered: rung again.
    lab[carol].manner.on_invite = OnInvite::Ring;
    transfer(&mut lab, TransferKind::Attended, ("1001", "1003")).expect("it begins");
    lab.run_until(|lab| lab[carol].is(State::Ringing));
    lab[alice].hang_up();
    lab.run_until(|lab| lab[alice].is(State::Ringing) && lab[carol].is(State::Ended));
    lab[alice].answer();
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, bob);
    // The third gives up: the two talk on.
    lab[carol].manner.on_invite = OnInvite::Answer;
    transfer(&mut lab, TransferKind::Attended, ("1001", "1003")).expect("it begins");
    lab.run_for(seconds(2));
    lab[bob].hang_up();
    lab.run_for(seconds(2));
    assert_talk(&lab, alice, carol);
    lab[alice].hang_up();
    lab.run_until(|lab| lab[carol].is(State::Ended));
    lab.finish();
    assert_eq!(lab.counter("index_entries"), 0);
}
