//! The INVITE client transaction.

use sip::StatusCode;
use sip::transaction::{Action, Actions, ClientInvite, Failure, Timer};

use crate::*;

fn start(reliable: bool) -> (ClientInvite, Actions) {
    ClientInvite::start(bytes("INVITE"), &table(reliable))
}

fn answer(machine: &mut ClientInvite, status: StatusCode, reliable: bool) -> Actions {
    machine.handle_response(status, &table(reliable), |invite| {
        assert_eq!(*invite, bytes("INVITE"));
        bytes("ACK")
    })
}

fn calling(reliable: bool) -> ClientInvite {
    start(reliable).0
}

fn proceeding(reliable: bool) -> ClientInvite {
    let mut machine = calling(reliable);
    answer(&mut machine, StatusCode(180), reliable);
    machine
}

fn accepted(reliable: bool) -> ClientInvite {
    let mut machine = calling(reliable);
    answer(&mut machine, StatusCode(200), reliable);
    machine
}

fn completed() -> ClientInvite {
    let mut machine = calling(UDP);
    answer(&mut machine, StatusCode(486), UDP);
    machine
}

#[test]
fn it_sends_and_arms_a_on_udp_and_b_everywhere() {
    expect(start(UDP).1, &[send("INVITE"), arm(Timer::A, 500), arm(Timer::B, 32_000)]);
    expect(start(TCP).1, &[send("INVITE"), arm(Timer::B, 32_000)]);
}

#[test]
fn calling_repeats_with_doubled_intervals_until_b() {
    let mut machine = calling(UDP);
    for interval in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000] {
        expect(machine.handle_timer(Timer::A), &[send("INVITE"), arm(Timer::A, interval)]);
    }
    expect(machine.handle_timer(Timer::B), &[Action::Fail(Failure::Timeout), Action::Finish]);
    assert_eq!(machine, ClientInvite::Terminated);
}

#[test]
fn a_provisional_answer_moves_calling_to_proceeding() {
    for reliable in [UDP, TCP] {
        for status in PROVISIONAL {
            let mut machine = calling(reliable);
            expect(answer(&mut machine, status, reliable), &[Action::Deliver]);
            assert!(matches!(machine, ClientInvite::Proceeding(_)));
            expect(answer(&mut machine, status, reliable), &[Action::Deliver]);
            assert!(matches!(machine, ClientInvite::Proceeding(_)));
            assert_eq!(machine.request(), Some(&bytes("INVITE")));
        }
    }
}

#[test]
fn success_moves_to_accepted_which_delivers_further_ones_until_m() {
    for reliable in [UDP, TCP] {
        for mut machine in [calling(reliable), proceeding(reliable)] {
            for (times, status) in SUCCESS.into_iter().enumerate() {
                let wanted = [Action::Deliver, arm(Timer::M, 32_000)];
                expect(answer(&mut machine, status, reliable), &wanted[..2 - times]);
                assert!(matches!(machine, ClientInvite::Accepted));
            }
            for status in PROVISIONAL.into_iter().chain(REFUSAL) {
                expect(answer(&mut machine, status, reliable), &[]);
            }
            assert_eq!(machine.request(), None);
            expect(machine.handle_timer(Timer::M), &[Action::Finish]);
            assert_eq!(machine, ClientInvite::Terminated);
        }
    }
}

#[test]
fn a_refusal_is_acknowledged_and_on_udp_again_until_d() {
    for status in REFUSAL {
        for mut machine in [calling(UDP), proceeding(UDP)] {
            let wanted = [Action::Deliver, send("ACK"), arm(Timer::D, 32_000)];
            expect(answer(&mut machine, status, UDP), &wanted);
            for again in every_status() {
                let wanted = [send("ACK")];
                let refusal = REFUSAL.contains(&again);
                expect(answer(&mut machine, again, UDP), &wanted[..usize::from(refusal)]);
            }
            assert_eq!(machine.request(), None);
            expect(machine.handle_timer(Timer::D), &[Action::Finish]);
            assert_eq!(machine, ClientInvite::Terminated);
        }
    }
}

#[test]
fn a_refusal_on_tcp_ends_it_at_once() {
    for mut machine in [calling(TCP), proceeding(TCP)] {
        expect(answer(&mut machine, StatusCode(486), TCP), &[Action::Deliver, send("ACK"), Action::Finish]);
        assert_eq!(machine, ClientInvite::Terminated);
    }
}

#[test]
fn a_broken_connection_fails_what_is_open() {
    for mut machine in [calling(TCP), proceeding(TCP)] {
        expect(machine.handle_transport_error(), &[Action::Fail(Failure::Transport), Action::Finish]);
        assert_eq!(machine, ClientInvite::Terminated);
    }
    let mut machine = completed();
    expect(machine.handle_transport_error(), &[Action::Finish]);
    let mut machine = accepted(TCP);
    expect(machine.handle_transport_error(), &[]);
    assert!(matches!(machine, ClientInvite::Accepted));
}

#[test]
fn a_timer_that_is_not_awaited_changes_nothing() {
    let states = [calling(UDP), proceeding(UDP), accepted(UDP), completed(), ClientInvite::Terminated];
    let awaited: [&[Timer]; 5] = [&[Timer::A, Timer::B], &[], &[Timer::M], &[Timer::D], &[]];
    for (machine, awaited) in states.into_iter().zip(awaited) {
        for timer in EVERY_TIMER {
            assert_eq!(machine.awaits(timer), awaited.contains(&timer), "{machine:?} {timer:?}");
            let mut touched = machine.clone();
            if !awaited.contains(&timer) {
                expect(touched.handle_timer(timer), &[]);
                assert_eq!(touched, machine);
            }
        }
    }
}

#[test]
fn terminated_does_nothing_more() {
    let mut machine = ClientInvite::Terminated;
    for status in every_status() {
        expect(answer(&mut machine, status, UDP), &[]);
    }
    expect(machine.handle_transport_error(), &[]);
}
