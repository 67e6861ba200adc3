//! Recordings of calls: how they begin, how they end, what stands in them, and that the call does not mind.

use lab::{Lab, PhoneId, State, manner};
use pbx::recording::{EndOfKey, Recorded, RecordingEnd, RecordingFormat, RecordingOptions};
use pbx::recording::{RecordingRecord, RecordingStatus};
use pbx::{Command, EventKind, Rejection, Reply};
use scenarios::{
    assert_recorded, connect, milliseconds, recordings_stated, sample, seconds, two_phones, two_phones_talking,
};
use uuid::Uuid;

/// The id of the caller's leg of the latest call.
fn call_id(lab: &Lab) -> Uuid {
    let mut created = lab.facts.events.iter().rev().filter_map(|event| match &event.kind {
        EventKind::CallCreated(call) if call.master_call_id.is_none() => Some(call.id),
        _ => None,
    });
    created.next().expect("there is a call")
}

fn start(lab: &mut Lab, options: RecordingOptions) -> Result<Reply, Rejection> {
    let call = call_id(lab);
    lab.command(Command::StartRecording(Recorded::Call(call), options))
}

fn stop(lab: &mut Lab) -> Result<Reply, Rejection> {
    let call = call_id(lab);
    lab.command(Command::StopRecording(Recorded::Call(call)))
}

fn last(lab: &Lab) -> RecordingRecord {
    recordings_stated(lab).pop().expect("something was recorded")
}

/// The sample that a phone says again and again.
fn said_by(lab: &Lab, phone: PhoneId) -> i16 {
    sample(0, lab[phone].voice)
}

const STATES: [RecordingStatus; 4] =
    [RecordingStatus::Initiating, RecordingStatus::Recording, RecordingStatus::Stopping, RecordingStatus::Ended];

#[test]
fn it_is_asked_for_and_stopped_and_both_sides_are_in_it() {
    let (mut lab, alice, bob) = two_phones_talking(1);
    let Ok(Reply::Call(call)) = start(&mut lab, RecordingOptions::default()) else { panic!("it begins") };
    let id = call.recording_id.expect("the call names its recording");
    lab.run_for(seconds(3));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "they do not notice");
    let Ok(Reply::Call(call)) = stop(&mut lab) else { panic!("it ends") };
    assert_eq!((call.recording_id, &call.recording_ids[..]), (None, &[id][..]));
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "nor do they now");
    let told = recordings_stated(&lab);
    assert_eq!(told.iter().map(|record| record.status).collect::<Vec<_>>(), STATES);
    let record = last(&lab);
    assert_eq!((record.id, record.of.id(), record.end), (id, call_id(&lab), Some(RecordingEnd::Asked)));
    let duration = record.file.as_ref().expect("it is filed").duration;
    assert!(duration >= milliseconds(2_900) && duration <= milliseconds(3_100), "{duration:?}");
    assert_recorded(&lab, 0, seconds(1), said_by(&lab, alice));
    assert_recorded(&lab, 1, seconds(1), said_by(&lab, bob));
    lab[alice].hang_up();
    lab.finish();
    assert_eq!(recordings_stated(&lab).len(), 4, "and nothing follows");
    let steps = &lab.sequences[0].steps;
    let labels: Vec<_> = steps.iter().map(|step| step.label.as_str()).collect();
    for label in ["record", "stop recording", "recording ended", "call_recording"] {
        assert!(labels.contains(&label), "{label} is not in {labels:?}");
    }
}

#[test]
fn the_called_leg_hears_and_says_the_other_way_round() {
    let (mut lab, alice, bob) = two_phones_talking(2);
    let called = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::CallCreated(call) if call.master_call_id.is_some() => Some(call.id),
        _ => None,
    });
    let command = Command::StartRecording(Recorded::Call(called.expect("a leg")), RecordingOptions::default());
    lab.command(command).expect("it begins");
    lab.run_for(seconds(3));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_recorded(&lab, 0, seconds(1), said_by(&lab, bob));
    assert_recorded(&lab, 1, seconds(1), said_by(&lab, alice));
    lab.finish();
}

#[test]
fn a_hangup_ends_it() {
    let (mut lab, alice, bob) = two_phones_talking(3);
    let options = RecordingOptions { format: RecordingFormat::Mp3, ..RecordingOptions::default() };
    start(&mut lab, options).expect("it begins");
    lab.run_for(seconds(2));
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Ended));
    let told = recordings_stated(&lab);
    assert_eq!(told.iter().map(|record| record.status).collect::<Vec<_>>(), STATES);
    let record = last(&lab);
    assert_eq!((record.end, record.format), (Some(RecordingEnd::Hangup), RecordingFormat::Mp3));
    lab.finish();
    let hungup = lab.facts.records().into_iter().find(|call| call.id == record.of.id()).expect("the call");
    assert_eq!((hungup.recording_id, &hungup.recording_ids[..]), (None, &[record.id][..]));
}

#[test]
fn only_one_at_a_time_and_only_while_the_call_is_up() {
    let (mut lab, alice, bob) = two_phones(4);
    lab[alice].call("1002");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    assert_eq!(start(&mut lab, RecordingOptions::default()), Err(Rejection::CallState));
    lab[bob].answer();
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(1));
    assert_eq!(stop(&mut lab), Err(Rejection::RecordingInactive));
    start(&mut lab, RecordingOptions::default()).expect("it begins");
    assert_eq!(start(&mut lab, RecordingOptions::default()), Err(Rejection::RecordingActive));
    lab.run_for(seconds(1));
    stop(&mut lab).expect("it ends");
    start(&mut lab, RecordingOptions::default()).expect("another begins at once");
    lab.run_for(seconds(1));
    lab[alice].hang_up();
    lab.run_for(milliseconds(500));
    assert!(matches!(start(&mut lab, RecordingOptions::default()), Err(Rejection::CallState)));
    lab.finish();
    let ended = recordings_stated(&lab).into_iter().filter(|record| record.status == RecordingStatus::Ended);
    assert_eq!(ended.count(), 2);
    assert_eq!(start(&mut lab, RecordingOptions::default()), Err(Rejection::NotFound("call")));
    let nobody = lab.command(Command::StopRecording(Recorded::Call(Uuid::nil())));
    assert_eq!(nobody, Err(Rejection::NotFound("call")));
}

#[test]
fn the_key_ends_it_and_other_keys_do_not() {
    let (mut lab, alice, bob) = two_phones(5);
    for phone in [alice, bob] {
        lab[phone].manner.codecs = vec![manner::PCMU, manner::DIGITS];
    }
    connect(&mut lab, alice, bob);
    let options = RecordingOptions { end_of_key: EndOfKey::Key('#'), ..RecordingOptions::default() };
    start(&mut lab, options).expect("it begins");
    lab[alice].press('5');
    lab[bob].press('#');
    lab.run_for(seconds(1));
    assert_eq!(last(&lab).status, RecordingStatus::Recording, "neither another key nor the other phone's");
    lab[alice].press('#');
    lab.run_for(seconds(1));
    assert_eq!((last(&lab).status, last(&lab).end), (RecordingStatus::Ended, Some(RecordingEnd::Key)));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn the_duration_ends_it() {
    let (mut lab, alice, _) = two_phones_talking(6);
    let options = RecordingOptions { duration: Some(seconds(2)), ..RecordingOptions::default() };
    start(&mut lab, options).expect("it begins");
    lab.run_for(seconds(5));
    let record = last(&lab);
    assert_eq!((record.status, record.end), (RecordingStatus::Ended, Some(RecordingEnd::Duration)));
    let duration = record.file.expect("it is filed").duration;
    assert!(duration >= milliseconds(1_950) && duration <= milliseconds(2_050), "{duration:?}");
    assert!(lab[alice].is(State::Up));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn silence_ends_it() {
    let (mut lab, alice, bob) = two_phones_talking(7);
    let options = RecordingOptions { end_of_silence: Some(seconds(3)), ..RecordingOptions::default() };
    start(&mut lab, options).expect("it begins");
    lab.run_for(seconds(5));
    assert_eq!(last(&lab).status, RecordingStatus::Recording, "they talk");
    // µ-law's zero.
    lab[alice].voice = 0xff;
    lab[bob].voice = 0xff;
    lab.run_for(milliseconds(2_950));
    assert_eq!(last(&lab).status, RecordingStatus::Recording, "not for long enough");
    // However loud it was before, silence is measured from its first frame, which waits its turn in the jitter buffer.
    lab.run_for(milliseconds(150));
    assert_eq!((last(&lab).status, last(&lab).end), (RecordingStatus::Ended, Some(RecordingEnd::Silence)));
    assert!(lab[alice].is(State::Up));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_pause_leaves_out() {
    let (mut lab, alice, _) = two_phones_talking(8);
    start(&mut lab, RecordingOptions::default()).expect("it begins");
    let call = call_id(&lab);
    lab.run_for(seconds(1));
    lab.command(Command::PauseRecording { of: Recorded::Call(call), paused: true }).expect("it waits");
    lab.run_for(seconds(5));
    lab.command(Command::PauseRecording { of: Recorded::Call(call), paused: false }).expect("it goes on");
    lab.run_for(seconds(1));
    stop(&mut lab).expect("it ends");
    assert_eq!(
        lab.command(Command::PauseRecording { of: Recorded::Call(call), paused: true }),
        Err(Rejection::RecordingInactive)
    );
    lab.run_for(seconds(1));
    let duration = last(&lab).file.expect("it is filed").duration;
    assert!(duration >= milliseconds(1_900) && duration <= milliseconds(2_100), "{duration:?}");
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_call() {
    let (mut lab, alice, bob) = two_phones_talking(9);
    lab.disk.room = Some(8_000);
    start(&mut lab, RecordingOptions::default()).expect("it begins");
    lab.run_for(seconds(4));
    let record = last(&lab);
    assert_eq!((record.status, record.end), (RecordingStatus::Ended, Some(RecordingEnd::Failed)));
    assert_eq!(record.failure.as_deref(), Some("No space left on device"));
    let duration = record.file.expect("what was written counts").duration;
    assert!(duration >= milliseconds(800) && duration <= milliseconds(1_000), "{duration:?}");
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "the call goes on");
    assert_eq!(lab.counter("recordings_failed_total"), 1);
    assert_eq!(stop(&mut lab), Err(Rejection::RecordingInactive));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn where_no_file_can_be_made_the_recording_fails_and_the_call_goes_on() {
    let (mut lab, alice, bob) = two_phones_talking(13);
    lab.disk.is_read_only = true;
    start(&mut lab, RecordingOptions::default()).expect("it is not known yet");
    lab.run_for(seconds(1));
    let record = last(&lab);
    assert_eq!((record.status, record.end, record.file), (RecordingStatus::Ended, Some(RecordingEnd::Failed), None));
    assert_eq!(record.failure.as_deref(), Some("Read-only file system"));
    assert_eq!(stop(&mut lab), Err(Rejection::RecordingInactive));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "the call goes on");
    let states: Vec<_> = recordings_stated(&lab).iter().map(|record| record.status).collect();
    assert_eq!(states, [RecordingStatus::Initiating, RecordingStatus::Ended]);
    lab[bob].hang_up();
    lab.finish();
}

#[test]
fn both_hear_the_beep() {
    let (mut lab, alice, bob) = two_phones_talking(10);
    let options = RecordingOptions { beep: true, ..RecordingOptions::default() };
    start(&mut lab, options).expect("it begins");
    lab.run_for(milliseconds(350));
    assert!(!lab.hears(alice, bob) && !lab.hears(bob, alice), "they hear the beep instead");
    lab.run_for(seconds(2));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "and each other again");
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn what_cannot_be_is_refused() {
    let (mut lab, alice, _) = two_phones_talking(11);
    let options = RecordingOptions { duration: Some(seconds(100_000)), ..RecordingOptions::default() };
    assert!(matches!(start(&mut lab, options), Err(Rejection::Invalid { field: "duration", .. })));
    assert_eq!((recordings_stated(&lab).len(), lab.counter("recordings")), (0, 0));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_drained_exchange_waits_for_the_file() {
    let (mut lab, alice, _) = two_phones_talking(12);
    start(&mut lab, RecordingOptions::default()).expect("it begins");
    lab.input(pbx::Input::Drain);
    lab.run_for(seconds(1));
    lab[alice].hang_up();
    lab.run_until(|lab| lab.is_drained);
    assert_eq!(last(&lab).status, RecordingStatus::Ended);
    lab.finish();
}

#[test]
fn a_failure_is_one_even_if_the_file_is_told_of_before_the_engine_knows() {
    let (mut lab, alice, bob) = two_phones_talking(14);
    start(&mut lab, RecordingOptions::default()).expect("it begins");
    lab.run_for(seconds(2));
    lab.fail_recording("the disk is full");
    lab.run_for(seconds(1));
    let record = last(&lab);
    assert_eq!((record.status, record.end), (RecordingStatus::Ended, Some(RecordingEnd::Failed)));
    assert_eq!(record.failure.as_deref(), Some("the disk is full"));
    assert!(record.file.is_some_and(|file| file.duration >= milliseconds(1_500)), "what was written counts");
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "the call goes on");
    start(&mut lab, RecordingOptions::default()).expect("another may begin");
    stop(&mut lab).expect("and end");
    lab[alice].hang_up();
    lab.finish();
}
