//! The wall clock is set while calls are up: they last as long as they do, and phones stay where they are.

use std::time::Duration;

use lab::State;
use pbx::Command;
use pbx::call::CallRecord;
use pbx::recording::{Recorded, RecordingOptions};
use scenarios::{connect, recordings_stated, seconds, two_phones_talking};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
/// Where the lab's clock begins.
const TRUE: Duration = Duration::from_secs(1_800_000_000);

/// How long a leg was up, in seconds.
fn talked(record: &CallRecord) -> i64 {
    let (Some(from), Some(to)) = (record.progressing, record.hungup) else { return -1 };
    (to.0 - from.0) / 1_000_000
}

#[test]
fn a_call_lasts_as_long_as_it_does_when_the_clock_jumps_by_years() {
    for to in [TRUE + 50 * YEAR, Duration::from_secs(3_600), TRUE - 20 * YEAR] {
        let (mut lab, alice, bob) = two_phones_talking(1);
        lab.set_clock(to);
        lab.run_for(seconds(4));
        lab[alice].hang_up();
        lab.run_for(seconds(1));
        let over: Vec<CallRecord> = lab.facts.records().into_iter().cloned().collect();
        assert_eq!(over.iter().map(talked).collect::<Vec<_>>(), [5, 5], "to {to:?}");
        let moment = lab.facts.events.last().expect("a fact").at.0;
        assert!(over.iter().all(|record| (moment - record.created.0) < 10_000_000), "dated by the new clock: {to:?}");
        assert!(lab.bindings().iter().all(|binding| binding.expires.0 > moment), "nobody has expired");
        connect(&mut lab, bob, alice);
        lab[bob].hang_up();
        lab.run_for(seconds(1));
        assert_eq!(lab.facts.count("clock_corrected"), 1);
        lab.finish();
    }
}

#[test]
fn a_phone_is_gone_when_its_time_is_over_and_not_when_the_clock_says_so() {
    let (mut lab, alice, bob) = two_phones_talking(2);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.set_clock(TRUE + 50 * YEAR);
    lab.set_clock(TRUE - 20 * YEAR);
    assert_eq!(lab.facts.count("clock_corrected"), 2);
    lab[bob].lose_power();
    lab.run_for(seconds(2 * 3_600));
    assert!(lab.bindings().iter().all(|binding| binding.extension == "1001"), "{:?}", lab.bindings());
    lab[alice].call("1002");
    lab.run_until(|lab| lab[alice].is(State::Ended));
    lab.finish();
}

#[test]
fn a_recording_is_dated_by_the_clock_that_is_right_in_the_end() {
    let (mut lab, alice, _bob) = two_phones_talking(3);
    lab.set_clock(Duration::from_secs(600));
    let leg = lab.facts.unfinished()[0].id;
    lab.command(Command::StartRecording(Recorded::Call(leg), RecordingOptions::default())).expect("it is recorded");
    lab.run_for(seconds(2));
    lab.set_clock(TRUE);
    lab.run_for(seconds(2));
    lab[alice].hang_up();
    lab.run_for(seconds(2));
    let last = recordings_stated(&lab).pop().expect("it is stated");
    let (from, to) = (last.created.0, last.ended.expect("it is over").0);
    assert!((4_000_000..5_000_000).contains(&(to - from)), "{from} to {to}");
    lab.finish();
}
