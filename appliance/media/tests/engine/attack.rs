//! Strangers who try to enter a call by its port.

use std::net::SocketAddr;
use std::time::Duration;

use media::{Direction, Event, Latch, Socket};
use webrtc_util::marshal::Marshal;

use crate::world::{A, B, PTIME, World, ulaw};

const STRANGER: &str = "203.0.113.66:6666";

fn stranger() -> SocketAddr {
    STRANGER.parse().unwrap()
}

/// The stranger sends the phone's next packet, with an SSRC of its choice, to the phone's port.
fn intrude(world: &mut World, who: usize, ssrc: u32) {
    let mut packet = world.phones[who].next_audio();
    packet.header.ssrc = ssrc;
    let stream = world.phones[who].stream;
    world.deliver(Socket::rtp(stream), stranger(), &packet.marshal().unwrap());
}

#[test]
fn a_stranger_is_neither_heard_nor_spoken_to() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 3);
    let own = world.phones[A].ssrc;
    for ssrc in [own, 1, 2, 3] {
        intrude(&mut world, A, ssrc);
    }
    world.speak(A, 3);
    world.speak(B, 3);
    assert_eq!((world.phones[A].heard.len(), world.phones[B].heard.len()), (3, 6));
    assert!(world.astray.is_empty());
    assert_eq!(world.statistics(A).dropped.third_party, 4);
    world.assert_gapless(B);
    assert!(!world.events.iter().any(|event| matches!(event, Event::Relatched { .. })));
}

#[test]
fn a_stranger_who_was_first_is_thrown_out_by_the_phone_of_the_sdp() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    intrude(&mut world, A, 666);
    world.speak(B, 1);
    assert_eq!(world.astray, [stranger()]);
    world.speak(A, 3);
    world.speak(B, 3);
    intrude(&mut world, A, 666);
    assert_eq!(world.phones[A].heard.len(), 3);
    assert_eq!(world.phones[B].heard.len(), 4);
    world.assert_gapless(B);
    let (stream, from) = (world.phones[A].stream, world.phones[A].at);
    assert_eq!(world.events[0], Event::Started { stream, from: stranger() });
    assert!(world.events.contains(&Event::Relatched { stream, from }));
    assert_eq!(world.statistics(A).dropped.third_party, 1);
}

#[test]
fn a_phone_behind_nat_is_answered_where_it_is() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.phones[A].sdp = "192.168.1.5:4000".parse().unwrap();
    world.phones[A].at = "198.51.100.50:61000".parse().unwrap();
    world.configure(A, Direction::SendRecv);
    world.speak(B, 1);
    assert_eq!(world.astray, [world.phones[A].sdp]);
    world.speak(A, 1);
    world.speak(B, 5);
    assert_eq!(world.phones[A].heard.len(), 5);
}

#[test]
fn a_phone_that_moves_is_followed_once_its_old_place_is_silent() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 3);
    world.phones[A].at = "198.51.100.1:50000".parse().unwrap();
    world.phones[A].ssrc = 4_711;
    world.speak(A, 10);
    assert_eq!(world.phones[B].heard.len(), 3);
    world.pass(Duration::from_secs(1));
    world.speak(A, 10);
    world.speak(B, 2);
    assert_eq!((world.phones[B].heard.len(), world.phones[A].heard.len()), (13, 2));
    world.assert_gapless(B);
    let (stream, from) = (world.phones[A].stream, world.phones[A].at);
    assert!(world.events.contains(&Event::Relatched { stream, from }));
}

#[test]
fn a_silent_phone_is_not_replaced_by_its_own_ssrc_from_elsewhere() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 3);
    world.pass(Duration::from_secs(30));
    let ssrc = world.phones[A].ssrc;
    intrude(&mut world, A, ssrc);
    assert_eq!(world.statistics(A).dropped.third_party, 1);
    world.speak(A, 1);
    assert_eq!(world.phones[B].heard.len(), 4);
}

#[test]
fn a_reinvite_lets_the_phone_move_at_once() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 3);
    world.phones[A].sdp = "10.1.1.1:5000".parse().unwrap();
    world.configure(A, Direction::SendRecv);
    // Still on its way from the old place.
    world.speak(A, 2);
    world.phones[A].at = "198.51.100.1:50000".parse().unwrap();
    world.speak(A, 3);
    intrude(&mut world, A, 1);
    world.speak(B, 3);
    assert_eq!((world.phones[A].heard.len(), world.phones[B].heard.len()), (3, 8));
    world.assert_gapless(B);
    assert_eq!(world.statistics(A).dropped.third_party, 1);
}

#[test]
fn a_trunk_is_believed_only_from_its_host() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.configure_as(A, Direction::SendRecv, Latch::Signalled);
    intrude(&mut world, A, 1);
    let signalled = world.phones[A].at;
    world.phones[A].at.set_port(45_454);
    world.speak(A, 3);
    world.speak(B, 1);
    assert_eq!(world.phones[B].heard.len(), 3);
    assert_eq!(world.astray, [signalled]);
    assert_eq!(world.statistics(A).dropped.third_party, 1);
}

#[test]
fn noise_of_an_unknown_kind_starts_nothing() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let mut packet = world.phones[A].next_audio();
    packet.header.payload_type = 99;
    let (stream, octets) = (world.phones[A].stream, packet.marshal().unwrap());
    world.deliver(Socket::rtp(stream), stranger(), &octets);
    assert!(world.events.is_empty());
    assert_eq!(world.statistics(A).dropped.payload_type, 1);
    world.speak(A, 1);
    world.pass(Duration::from_secs(5));
    world.deliver(Socket::rtp(stream), stranger(), &octets);
    assert_eq!(world.statistics(A).dropped.third_party, 1);
}

#[test]
fn a_source_that_flaps_does_not_flood_the_events() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    for ssrc in 0..500 {
        world.phones[A].ssrc = ssrc;
        world.speak(A, 1);
    }
    let relatched = world.events.iter().filter(|event| matches!(event, Event::Relatched { .. })).count();
    assert!(relatched <= 10, "{relatched} in 10 s");
    assert_eq!(world.statistics(A).source_changes, 499);
    world.assert_gapless(B);
    assert_eq!(world.phones[B].heard.len(), 500);
}

#[test]
fn a_dual_stack_socket_sees_the_same_phone() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.configure_as(A, Direction::SendRecv, Latch::Signalled);
    world.phones[A].at = "[::ffff:198.51.100.1]:40000".parse().unwrap();
    world.speak(A, 2);
    assert_eq!(world.phones[B].heard.len(), 2);
    world.pass(PTIME);
}
