//! Whatever happens on one side, the other hears one stream without a gap.

use std::time::Duration;

use media::{Command, Direction, Event};

use crate::world::{A, B, C, PTIME, SAMPLES, World, alaw, ulaw};

/// By how much the last packet's timestamp is ahead of the one before it.
fn last_step(world: &World, who: usize) -> u32 {
    let headers = world.headers(who);
    let [.., before, last] = &headers[..] else { panic!("two packets") };
    last.timestamp.wrapping_sub(before.timestamp)
}

#[test]
fn a_reinvite_with_the_same_source_is_not_heard() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.configure(A, Direction::SendRecv);
    world.configure(B, Direction::SendRecv);
    world.speak(A, 5);
    world.assert_gapless(B);
    assert!(world.headers(B)[1..].iter().all(|header| !header.marker));
    assert_eq!(world.phones[B].heard.len(), 10);
}

#[test]
fn a_reinvite_may_change_the_codec() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.phones[B].format = alaw();
    world.configure(B, Direction::SendRecv);
    world.speak(A, 5);
    let types: Vec<u8> = world.headers(B).iter().map(|header| header.payload_type).collect();
    assert_eq!(types, [0, 0, 0, 0, 0, 8, 8, 8, 8, 8]);
    world.assert_gapless(B);
}

#[test]
fn a_new_ssrc_goes_on_where_the_old_one_stopped() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.pass(Duration::from_millis(480));
    let phone = &mut world.phones[A];
    (phone.ssrc, phone.sequence, phone.timestamp) = (77, 3, 0x7777_7777);
    world.speak(A, 5);
    world.assert_gapless(B);
    let headers = world.headers(B);
    assert!(headers[5].marker && !headers[6].marker);
    assert_eq!(headers[5].timestamp.wrapping_sub(headers[4].timestamp), 500 * 8);
    assert_eq!(world.statistics(A).source_changes, 1);
    let at = world.phones[A].at;
    assert!(world.events.contains(&Event::Relatched { stream: world.phones[A].stream, from: at }));
}

#[test]
fn a_late_packet_of_before_the_change_is_dropped() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 2);
    world.phones[A].ssrc = 77;
    let late = world.phones[A].audio();
    let first = world.phones[A].audio();
    world.send(A, &first);
    world.send(A, &late);
    world.speak(A, 2);
    world.assert_gapless(B);
    assert_eq!(world.statistics(A).dropped.sequence, 1);
}

#[test]
fn hold_is_silence_without_a_gap() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.configure(B, Direction::Inactive);
    world.speak(A, 50);
    assert_eq!(world.phones[B].heard.len(), 5);
    assert_eq!(world.statistics(A).dropped.direction, 50);
    world.configure(B, Direction::SendRecv);
    world.speak(A, 5);
    world.assert_gapless(B);
    assert_eq!(world.headers(B)[5].timestamp.wrapping_sub(world.headers(B)[4].timestamp), 51 * SAMPLES);
    assert!(world.headers(B)[5].marker);
}

#[test]
fn hold_by_the_sender_is_the_same() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.configure(A, Direction::SendOnly);
    world.speak(A, 50);
    world.speak(B, 5);
    assert_eq!((world.phones[A].heard.len(), world.phones[B].heard.len()), (5, 5));
    world.configure(A, Direction::RecvOnly);
    world.speak(A, 5);
    world.speak(B, 5);
    assert_eq!((world.phones[A].heard.len(), world.phones[B].heard.len()), (5, 10));
    world.assert_gapless(B);
}

#[test]
fn hold_with_an_address_of_nowhere() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(B, 1);
    world.speak(A, 1);
    let sdp = world.phones[B].sdp;
    world.phones[B].sdp = "0.0.0.0:40000".parse().unwrap();
    world.configure(B, Direction::SendRecv);
    world.speak(A, 5);
    assert_eq!(world.phones[B].heard.len(), 1);
    assert_eq!(world.statistics(A).dropped.unreachable, 5);
    world.phones[B].sdp = sdp;
    world.configure(B, Direction::SendRecv);
    world.speak(A, 1);
    world.assert_gapless(B);
    assert_eq!(world.phones[B].heard.len(), 2);
}

#[test]
fn another_partner_is_the_same_stream() {
    let mut world = World::call(&[ulaw(), ulaw(), alaw()]);
    world.speak(A, 5);
    world.connect(C, B);
    world.speak(A, 3);
    assert_eq!(world.phones[B].heard.len(), 5);
    world.speak(C, 5);
    world.connect(A, B);
    world.speak(C, 3);
    world.speak(A, 5);
    assert_eq!(world.phones[B].heard.len(), 15);
    world.assert_gapless(B);
    assert!(world.headers(B).iter().all(|header| header.payload_type == 0));
}

#[test]
fn disconnected_is_silence() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.command(Command::Disconnect { stream: world.phones[B].stream });
    world.speak(A, 5);
    world.speak(B, 5);
    assert_eq!((world.phones[A].heard.len(), world.phones[B].heard.len()), (0, 5));
    assert_eq!(world.statistics(A).packets_received, 10);
    world.connect(B, A);
    world.speak(A, 5);
    world.assert_gapless(B);
}

#[test]
fn a_closed_partner_leaves_the_other_alone() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.close(B);
    world.speak(A, 5);
    assert_eq!(world.phones[B].heard.len(), 5);
    assert!(world.astray.is_empty());
}

#[test]
fn a_sequence_that_starts_anew_is_smoothed() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.phones[A].sequence = world.phones[A].sequence.wrapping_add(30_000);
    world.speak(A, 5);
    // The first packet of a jump is not yet believed (RFC 3550 A.1).
    assert_eq!(world.phones[B].heard.len(), 9);
    assert_eq!(world.statistics(A).dropped.sequence, 1);
    world.assert_gapless(B);
    assert_eq!(world.statistics(A).lost, 0);
}

#[test]
fn a_timestamp_that_jumps_is_smoothed() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    world.phones[A].timestamp = world.phones[A].timestamp.wrapping_add(0x6000_0000);
    world.speak(A, 1);
    assert_eq!(last_step(&world, B), SAMPLES);
    assert!(world.headers(B)[5].marker);
    world.speak(A, 5);
    world.assert_gapless(B);
    assert_eq!(world.statistics(A).jitter, 0);
}

#[test]
fn a_long_silence_is_no_jump() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    let silence = Duration::from_secs(30);
    world.pass(silence - PTIME);
    world.phones[A].timestamp = world.phones[A].timestamp.wrapping_add(30 * 8_000 - SAMPLES);
    world.speak(A, 1);
    assert_eq!(last_step(&world, B), 30 * 8_000);
    world.assert_gapless(B);
}

#[test]
fn a_day_of_talk_wraps_every_counter_of_the_wire() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    // Two hundred thousand packets wrap the sequence number three times, from just before the wrap of the timestamp.
    for _ in 0..200 {
        world.speak(A, 1_000);
        world.assert_gapless(B);
        let last = world.phones[B].heard.pop().unwrap();
        world.phones[B].heard = vec![last];
    }
    let statistics = world.statistics(A);
    assert_eq!((statistics.packets_received, statistics.lost, statistics.dropped.total()), (200_000, 0, 0));
}
