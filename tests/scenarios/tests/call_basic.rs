//! Two phones call each other, talk and hang up.

use lab::{OnInvite, State};
use pbx::call::{Direction, HangupBy, HangupReason};
use scenarios::{seconds, two_phones, two_phones_talking};

#[test]
fn the_caller_hangs_up() {
    let (mut lab, alice, bob) = two_phones_talking(1);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert!(lab[bob].is(State::Ended) && lab[bob].last().was_ended_by_peer);
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    assert_eq!(lab.facts.count("call_created"), 2);
    let records = lab.facts.records();
    assert_eq!((records[0].direction, records[1].direction), (Direction::Incoming, Direction::Outgoing));
    assert_eq!(records[1].master_call_id, Some(records[0].id));
    assert_eq!(records[0].chained_call_ids, [records[1].id]);
    assert_eq!((records[0].hangup_by, records[1].hangup_by), (Some(HangupBy::Remote), Some(HangupBy::Local)));
    assert!(records.iter().all(|record| record.hangup_reason == Some(HangupReason::Normal)));
    insta::assert_snapshot!("facts of a call that the caller ends", lab.facts.story().join("\n"));
}

#[test]
fn the_called_one_hangs_up() {
    let (mut lab, alice, bob) = two_phones_talking(2);
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Ended) && lab[alice].last().was_ended_by_peer);
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    let records = lab.facts.records();
    assert_eq!((records[0].hangup_by, records[1].hangup_by), (Some(HangupBy::Local), Some(HangupBy::Remote)));
}

#[test]
fn an_answer_at_once_needs_no_ringing() {
    let (mut lab, alice, bob) = two_phones(3);
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert!(lab[alice].is(State::Up) && lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}
