//! The non-INVITE server transaction.

use sip::StatusCode;
use sip::transaction::{Action, ServerNonInvite, Timer};

use crate::*;

#[test]
fn trying_absorbs_repetitions() {
    expect(ServerNonInvite::Trying.handle_request(), &[]);
}

#[test]
fn proceeding_answers_repetitions_with_the_last_provisional() {
    let mut machine = ServerNonInvite::Trying;
    for (status, text) in PROVISIONAL.into_iter().zip(["100", "180", "199"]) {
        expect(machine.handle_reply(status, bytes(text), &table(UDP)), &[send(text)]);
        expect(machine.handle_request(), &[send(text)]);
        assert!(machine.is_proceeding());
    }
}

#[test]
fn a_final_reply_is_repeated_on_udp_until_j() {
    for status in SUCCESS.into_iter().chain(REFUSAL) {
        let mut machine = ServerNonInvite::Trying;
        expect(machine.handle_reply(status, bytes("done"), &table(UDP)), &[send("done"), arm(Timer::J, 32_000)]);
        assert!(!machine.is_proceeding());
        expect(machine.handle_request(), &[send("done")]);
        for late in every_status() {
            expect(machine.handle_reply(late, bytes("late"), &table(UDP)), &[]);
        }
        expect(machine.handle_request(), &[send("done")]);
        expect(machine.handle_timer(Timer::J), &[Action::Finish]);
        assert_eq!(machine, ServerNonInvite::Terminated);
        expect(machine.handle_request(), &[]);
    }
}

#[test]
fn a_final_reply_on_tcp_ends_it_at_once() {
    let mut machine = ServerNonInvite::Trying;
    machine.handle_reply(StatusCode(100), bytes("100"), &table(TCP));
    expect(machine.handle_reply(StatusCode(200), bytes("done"), &table(TCP)), &[send("done"), Action::Finish]);
    assert_eq!(machine, ServerNonInvite::Terminated);
    expect(machine.handle_reply(StatusCode(200), bytes("late"), &table(TCP)), &[]);
}

#[test]
fn only_completed_awaits_a_timer_and_only_j() {
    let mut completed = ServerNonInvite::Trying;
    completed.handle_reply(StatusCode(200), bytes("done"), &table(UDP));
    let mut proceeding = ServerNonInvite::Trying;
    proceeding.handle_reply(StatusCode(100), bytes("100"), &table(UDP));
    for timer in EVERY_TIMER {
        assert_eq!(completed.awaits(timer), timer == Timer::J);
        for machine in [ServerNonInvite::Trying, proceeding.clone(), ServerNonInvite::Terminated] {
            assert!(!machine.awaits(timer));
            let mut touched = machine.clone();
            expect(touched.handle_timer(timer), &[]);
            assert_eq!(touched, machine);
        }
    }
}
