//! The ports that calls are heard on: never one that another process holds, never one too many, and all of them back.

use std::time::Duration;

use lab::{Lab, PhoneId, State};
use pbx::conference::{ConferenceData, NewConference};
use pbx::ports::lane_of;
use pbx::sequence::Sequence;
use pbx::{Command, Reply, limits};
use scenarios::{connect, seconds};

/// A lab with registered phones 1001, 1002, …, on an exchange with these ports.
fn phones(seed: u64, ports: (u16, u16), count: u16) -> (Lab, Vec<PhoneId>) {
    let mut lab = Lab::with_settings(seed, |settings| settings.rtp_ports = ports);
    let phones = (1001..1001 + count).map(|number| lab.registered_phone(&number.to_string())).collect();
    (lab, phones)
}

/// Where a phone was told to send its audio.
fn told(lab: &Lab, phone: PhoneId) -> u16 {
    lab[phone].last().audio.peer.as_ref().expect("it has a description").rtp.port()
}

#[test]
fn when_all_ports_are_taken_the_next_call_is_told_so() {
    let (mut lab, phones) = phones(1, (30_000, 30_003), 4);
    connect(&mut lab, phones[0], phones[1]);
    lab[phones[2]].call("1004");
    lab.run_for(seconds(1));
    let call = lab[phones[2]].last();
    assert_eq!(
        (call.status, call.reason.as_deref()),
        (Some(503), Some("Q.850;cause=34;text=\"No circuit available\""))
    );
    assert!(lab[phones[3]].calls.is_empty(), "nobody rings for a call that cannot be answered\n{}", lab.ladder());
    assert_eq!(lab.facts.records().last().and_then(|record| record.hangup_cause), Some(34));
    lab[phones[0]].hang_up();
    lab.run_for(seconds(1));
    connect(&mut lab, phones[2], phones[3]);
    lab[phones[2]].hang_up();
    lab.finish();
}

#[test]
fn one_port_is_not_enough_for_a_call() {
    let (mut lab, phones) = phones(2, (30_000, 30_005), 4);
    connect(&mut lab, phones[0], phones[1]);
    lab[phones[2]].call("1004");
    lab.run_for(seconds(1));
    assert_eq!((lab[phones[2]].last().status, lab[phones[3]].calls.len()), (Some(503), 0), "{}", lab.ladder());
    lab[phones[0]].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(lab.counter("rtp_ports_used"), 0, "the one that was there is back");
    lab.finish();
}

#[test]
fn fewer_ports_than_phones_ring_as_many_as_there_are() {
    let mut lab = Lab::with_settings(3, |settings| settings.rtp_ports = (30_000, 30_003));
    let alice = lab.registered_phone("1001");
    let several = [lab.registered_phone("1002"), lab.registered_phone("1002")];
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    let ringing: Vec<PhoneId> = several.into_iter().filter(|phone| !lab[*phone].calls.is_empty()).collect();
    let [bob] = ringing[..] else { panic!("{ringing:?}\n{}", lab.ladder()) };
    lab[bob].answer();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_port_that_another_process_holds_is_passed_over() {
    let (mut lab, phones) = phones(4, (30_000, 30_011), 2);
    // Nothing is bound again before the others had their turn, so that an exchange that starts finds them held.
    lab.held_ports = [30_000, 30_003, 30_004].into();
    lab.restart_exchange();
    lab.run_for(seconds(1));
    assert_eq!((lab.counter("rtp_ports_set_aside"), lab.counter("rtp_ports_held_total")), (3, 3));
    for _ in 0..6 {
        connect(&mut lab, phones[0], phones[1]);
        for phone in [phones[0], phones[1]] {
            assert!([30_006, 30_008, 30_010].contains(&told(&lab, phone)), "{}", told(&lab, phone));
        }
        lab[phones[0]].hang_up();
        lab.run_for(seconds(1));
    }

    lab.held_ports.remove(&30_003);
    lab.run_for(limits::PORT_RETRY + seconds(1));
    assert_eq!((lab.counter("rtp_ports_set_aside"), lab.counter("rtp_ports_held_total")), (2, 5), "two of three again");
    let mut used = Vec::new();
    for _ in 0..2 {
        connect(&mut lab, phones[0], phones[1]);
        used.extend([told(&lab, phones[0]), told(&lab, phones[1])]);
        lab[phones[0]].hang_up();
        lab.run_for(seconds(1));
    }
    assert!(used.contains(&30_002), "{used:?}");
    lab.finish();
}

#[test]
fn when_others_hold_every_port_calls_are_refused_until_they_let_go() {
    let (mut lab, phones) = phones(5, (30_000, 30_007), 2);
    lab.held_ports = (30_000..30_008).collect();
    lab.restart_exchange();
    lab[phones[0]].call("1002");
    lab.run_for(seconds(1));
    assert_eq!(lab[phones[0]].last().status, Some(503), "{}", lab.ladder());
    assert_eq!(lab[phones[0]].last().reason.as_deref(), Some("Q.850;cause=34;text=\"No circuit available\""));
    lab.held_ports.clear();
    lab.run_for(limits::PORT_RETRY);
    connect(&mut lab, phones[0], phones[1]);
    lab[phones[0]].hang_up();
    lab.finish();
}

/// The reserve is empty for a moment: the calls wait for the sockets, in their order, and all of them come about.
#[test]
fn a_burst_that_empties_the_reserve_waits_and_is_served() {
    let calls = limits::PORT_RESERVE as u16 - 10;
    let (mut lab, phones) = phones(6, (30_000, 39_999), 2 * calls);
    for pair in phones.chunks_exact(2) {
        let number = lab[pair[1]].number.clone();
        lab[pair[0]].call(&number);
    }
    lab.run_for(seconds(2));
    for pair in phones.chunks_exact(2) {
        assert!(lab[pair[1]].is(State::Ringing), "{} does not ring\n{}", lab[pair[1]].number, lab.ladder());
        lab[pair[1]].answer();
    }
    lab.run_for(seconds(1));
    assert_eq!(lab.counter("rtp_ports_used"), u64::from(2 * calls));
    for pair in phones.chunks_exact(2) {
        lab[pair[0]].hang_up();
    }
    lab.finish();
    let waited = |sequence: &&Sequence| sequence.steps.iter().any(|step| step.label == "wait for ports");
    assert!(lab.sequences.iter().filter(waited).count() > 10, "the reserve was never empty");
}

#[test]
fn a_caller_who_waits_for_a_port_may_think_better_of_it() {
    let (mut lab, phones) = phones(7, (30_000, 30_007), 2);
    lab.binds_ports = false;
    lab.restart_exchange();
    lab[phones[0]].call("1002");
    lab.run_for(Duration::from_millis(500));
    assert_eq!(lab[phones[0]].last().statuses.last(), Some(&100), "{}", lab.ladder());
    lab[phones[0]].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(lab[phones[0]].last().status, Some(487), "{}", lab.ladder());
    // A media thread that does not answer is not waited for without end.
    lab[phones[0]].call("1002");
    lab.run_for(limits::PORT_WAIT + seconds(1));
    assert_eq!((lab[phones[0]].last().status, lab[phones[1]].calls.len()), (Some(503), 0), "{}", lab.ladder());
    lab.finish();
}

#[test]
fn the_legs_of_a_call_are_on_one_media_thread_and_calls_take_turns() {
    let mut lab = Lab::with_settings(9, |settings| settings.media_threads = 2);
    let phones: Vec<PhoneId> = (1001..1009).map(|number| lab.registered_phone(&number.to_string())).collect();
    let mut calls = [0; 2];
    for pair in phones.chunks(2) {
        connect(&mut lab, pair[0], pair[1]);
        let lanes = [0, 1].map(|leg| lane_of(told(&lab, pair[leg]), 2));
        assert_eq!(lanes[0], lanes[1], "{}", lab.ladder());
        calls[usize::from(lanes[0].0)] += 1;
    }
    assert_eq!(calls, [2, 2]);
    phones.chunks(2).for_each(|pair| lab[pair[0]].hang_up());
    lab.run_for(seconds(1));
    assert_eq!(lab.counter("rtp_ports_used"), 0);
    lab.finish();
}

#[test]
fn a_conference_is_on_one_media_thread_until_it_has_too_many_calls() {
    let mut lab = Lab::with_settings(10, |settings| {
        (settings.media_threads, settings.seats_a_thread) = (2, 3);
    });
    let data = ConferenceData { extension: Some("800".into()), loudest: None, tones: false };
    let made = lab.command(Command::CreateConference(NewConference { data, ..NewConference::default() }));
    assert!(matches!(made, Ok(Reply::Conference(_))), "{made:?}");
    let phones: Vec<PhoneId> = (1001..1006).map(|number| lab.registered_phone(&number.to_string())).collect();
    let mut lanes = Vec::new();
    for phone in phones {
        lab[phone].call("800");
        lab.run_until(|lab| lab[phone].is(State::Up));
        lanes.push(lane_of(told(&lab, phone), 2).0);
    }
    assert_eq!(lanes, [0, 0, 0, 1, 1]);
}
