//! The non-INVITE client transaction.

use sip::StatusCode;
use sip::transaction::{Action, Actions, ClientNonInvite, Failure, Timer};

use crate::*;

fn start(reliable: bool) -> (ClientNonInvite, Actions) {
    ClientNonInvite::start(bytes("BYE"), &table(reliable))
}

fn trying(reliable: bool) -> ClientNonInvite {
    start(reliable).0
}

fn proceeding(reliable: bool) -> ClientNonInvite {
    let mut machine = trying(reliable);
    machine.handle_response(StatusCode(100), &table(reliable));
    machine
}

#[test]
fn it_sends_and_arms_e_on_udp_and_f_everywhere() {
    expect(start(UDP).1, &[send("BYE"), arm(Timer::E, 500), arm(Timer::F, 32_000)]);
    expect(start(TCP).1, &[send("BYE"), arm(Timer::F, 32_000)]);
}

#[test]
fn trying_repeats_with_intervals_doubled_up_to_t2() {
    let mut machine = trying(UDP);
    for interval in [1_000, 2_000, 4_000, 4_000, 4_000] {
        expect(machine.handle_timer(Timer::E, &table(UDP)), &[send("BYE"), arm(Timer::E, interval)]);
    }
}

#[test]
fn proceeding_repeats_every_t2() {
    let mut machine = trying(UDP);
    for status in PROVISIONAL {
        expect(machine.handle_response(status, &table(UDP)), &[Action::Deliver]);
        assert!(matches!(machine, ClientNonInvite::Proceeding(_)));
        expect(machine.handle_timer(Timer::E, &table(UDP)), &[send("BYE"), arm(Timer::E, 4_000)]);
    }
}

#[test]
fn no_final_answer_in_time_is_a_timeout() {
    for mut machine in [trying(UDP), proceeding(UDP), trying(TCP), proceeding(TCP)] {
        let wanted = [Action::Fail(Failure::Timeout), Action::Finish];
        expect(machine.handle_timer(Timer::F, &table(UDP)), &wanted);
        assert_eq!(machine, ClientNonInvite::Terminated);
    }
}

#[test]
fn a_final_answer_completes_on_udp_until_k_and_ends_on_tcp() {
    for status in SUCCESS.into_iter().chain(REFUSAL) {
        for mut machine in [trying(UDP), proceeding(UDP)] {
            expect(machine.handle_response(status, &table(UDP)), &[Action::Deliver, arm(Timer::K, 5_000)]);
            for again in every_status() {
                expect(machine.handle_response(again, &table(UDP)), &[]);
            }
            expect(machine.handle_timer(Timer::K, &table(UDP)), &[Action::Finish]);
            assert_eq!(machine, ClientNonInvite::Terminated);
        }
        for mut machine in [trying(TCP), proceeding(TCP)] {
            expect(machine.handle_response(status, &table(TCP)), &[Action::Deliver, Action::Finish]);
            assert_eq!(machine, ClientNonInvite::Terminated);
        }
    }
}

#[test]
fn a_broken_connection_fails_what_is_open() {
    for mut machine in [trying(TCP), proceeding(TCP)] {
        expect(machine.handle_transport_error(), &[Action::Fail(Failure::Transport), Action::Finish]);
    }
    expect(ClientNonInvite::Completed.handle_transport_error(), &[Action::Finish]);
    expect(ClientNonInvite::Terminated.handle_transport_error(), &[]);
}

#[test]
fn a_timer_that_is_not_awaited_changes_nothing() {
    let states = [trying(UDP), proceeding(UDP), ClientNonInvite::Completed, ClientNonInvite::Terminated];
    let awaited: [&[Timer]; 4] = [&[Timer::E, Timer::F], &[Timer::E, Timer::F], &[Timer::K], &[]];
    for (machine, awaited) in states.into_iter().zip(awaited) {
        for timer in EVERY_TIMER {
            assert_eq!(machine.awaits(timer), awaited.contains(&timer), "{machine:?} {timer:?}");
            let mut touched = machine.clone();
            if !awaited.contains(&timer) {
                expect(touched.handle_timer(timer, &table(UDP)), &[]);
                assert_eq!(touched, machine);
            }
        }
    }
}
