//! The INVITE server transaction.

use sip::StatusCode;
use sip::transaction::{Action, Failure, ServerInvite, Timer};

use crate::*;

fn proceeding(reliable: bool) -> ServerInvite {
    ServerInvite::start(&table(reliable)).0
}

fn ringing() -> ServerInvite {
    let mut machine = proceeding(UDP);
    machine.handle_reply(StatusCode(180), bytes("180"), &table(UDP));
    machine
}

fn completed(reliable: bool) -> ServerInvite {
    let mut machine = proceeding(reliable);
    machine.handle_reply(StatusCode(486), bytes("486"), &table(reliable));
    machine
}

#[test]
fn a_100_is_due_after_200_ms_unless_something_was_said() {
    expect(ServerInvite::start(&table(UDP)).1, &[arm(Timer::Trying, 200)]);
    assert!(proceeding(UDP).awaits(Timer::Trying));
    assert!(!ringing().awaits(Timer::Trying));
}

#[test]
fn proceeding_answers_a_repeated_invite_with_the_last_provisional() {
    let mut machine = proceeding(UDP);
    expect(machine.handle_request(), &[]);
    for (status, text) in PROVISIONAL.into_iter().zip(["100", "180", "199"]) {
        expect(machine.handle_reply(status, bytes(text), &table(UDP)), &[send(text)]);
        expect(machine.handle_request(), &[send(text)]);
        assert!(machine.is_proceeding());
    }
    expect(machine.handle_ack(&table(UDP)), &[]);
}

#[test]
fn success_moves_to_accepted_which_absorbs_invites_until_l() {
    for reliable in [UDP, TCP] {
        for status in SUCCESS {
            let mut machine = proceeding(reliable);
            let table = table(reliable);
            expect(machine.handle_reply(status, bytes("200"), &table), &[send("200"), arm(Timer::L, 32_000)]);
            assert_eq!(machine, ServerInvite::Accepted);
            expect(machine.handle_request(), &[]);
            expect(machine.handle_reply(status, bytes("200"), &table), &[send("200")]);
            expect(machine.handle_reply(StatusCode(180), bytes("180"), &table), &[]);
            expect(machine.handle_reply(StatusCode(486), bytes("486"), &table), &[]);
            expect(machine.handle_ack(&table), &[Action::Deliver]);
            expect(machine.handle_timer(Timer::L, &table), &[Action::Finish]);
            assert_eq!(machine, ServerInvite::Terminated);
        }
    }
}

#[test]
fn a_refusal_is_repeated_on_udp_with_intervals_doubled_up_to_t2() {
    for status in REFUSAL {
        let mut machine = ringing();
        let wanted = [send("no"), arm(Timer::G, 500), arm(Timer::H, 32_000)];
        expect(machine.handle_reply(status, bytes("no"), &table(UDP)), &wanted);
        for interval in [1_000, 2_000, 4_000, 4_000] {
            expect(machine.handle_timer(Timer::G, &table(UDP)), &[send("no"), arm(Timer::G, interval)]);
        }
        expect(machine.handle_request(), &[send("no")]);
        for late in every_status() {
            expect(machine.handle_reply(late, bytes("late"), &table(UDP)), &[]);
        }
    }
}

#[test]
fn a_refusal_on_tcp_is_not_repeated_but_waits_for_its_ack() {
    let mut machine = proceeding(TCP);
    let wanted = [send("no"), arm(Timer::H, 32_000)];
    expect(machine.handle_reply(StatusCode(404), bytes("no"), &table(TCP)), &wanted);
    expect(machine.handle_ack(&table(TCP)), &[Action::Finish]);
    assert_eq!(machine, ServerInvite::Terminated);
}

#[test]
fn an_ack_confirms_until_i() {
    let mut machine = completed(UDP);
    expect(machine.handle_ack(&table(UDP)), &[arm(Timer::I, 5_000)]);
    assert_eq!(machine, ServerInvite::Confirmed);
    expect(machine.handle_ack(&table(UDP)), &[]);
    expect(machine.handle_request(), &[]);
    expect(machine.handle_timer(Timer::I, &table(UDP)), &[Action::Finish]);
    assert_eq!(machine, ServerInvite::Terminated);
}

#[test]
fn without_an_ack_h_ends_it() {
    for reliable in [UDP, TCP] {
        let mut machine = completed(reliable);
        let wanted = [Action::Fail(Failure::Timeout), Action::Finish];
        expect(machine.handle_timer(Timer::H, &table(reliable)), &wanted);
        assert_eq!(machine, ServerInvite::Terminated);
    }
}

#[test]
fn a_timer_that_is_not_awaited_changes_nothing() {
    use ServerInvite::*;
    let states = [proceeding(UDP), ringing(), completed(UDP), Accepted, Confirmed, Terminated];
    let awaited: [&[Timer]; 6] = [&[Timer::Trying], &[], &[Timer::G, Timer::H], &[Timer::L], &[Timer::I], &[]];
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

#[test]
fn terminated_does_nothing_more() {
    let mut machine = ServerInvite::Terminated;
    expect(machine.handle_request(), &[]);
    expect(machine.handle_ack(&table(UDP)), &[]);
    for status in every_status() {
        expect(machine.handle_reply(status, bytes("late"), &table(UDP)), &[]);
    }
}
