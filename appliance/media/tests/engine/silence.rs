//! Phones that say nothing, and ours that keeps quiet.

use std::time::Duration;

use media::{Component, Config, Direction, Event, Socket};

use crate::world::{A, B, PTIME, World, ulaw};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn timeouts(world: &World) -> Vec<(u32, u64)> {
    let timeout = |event: &Event| match event {
        Event::Timeout { stream, silent_for } => Some((stream.0, silent_for.as_secs())),
        _ => None,
    };
    world.events.iter().filter_map(timeout).collect()
}

/// An empty receiver report of phone `who`.
fn report(world: &mut World, who: usize) {
    let (stream, from) = (world.phones[who].stream, world.phones[who].rtcp_at());
    world.deliver(Socket::rtcp(stream), from, &[0x80, 201, 0, 1, 0, 0, 0, 9]);
}

#[test]
fn a_dead_phone_is_told_once() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    for _ in 0..200 {
        world.speak(A, 50);
    }
    // B never spoke; A did all the time.
    assert_eq!(timeouts(&world), [(2, 60)]);
}

#[test]
fn a_phone_that_dies_again_is_told_again() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(B, 1);
    world.pass(seconds(90));
    assert_eq!(timeouts(&world), [(1, 60), (2, 60)]);
    world.speak(B, 1);
    world.pass(seconds(150));
    assert_eq!(timeouts(&world)[2..], [(2, 60)]);
}

#[test]
fn reports_are_signs_of_life() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    for _ in 0..60 {
        report(&mut world, A);
        world.pass(seconds(5));
    }
    assert_eq!(timeouts(&world), [(2, 60)]);
}

#[test]
fn on_hold_silence_is_golden() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.configure(A, Direction::Inactive);
    world.configure(B, Direction::SendOnly);
    world.pass(seconds(7_200));
    assert_eq!(timeouts(&world), []);
    world.configure(B, Direction::SendRecv);
    world.pass(seconds(59));
    assert_eq!(timeouts(&world), []);
    world.pass(seconds(2));
    assert_eq!(timeouts(&world), [(2, 60)]);
}

#[test]
fn on_hold_a_longer_silence_may_be_the_limit() {
    let config = Config { hold_timeout: Some(seconds(600)), ..Config::default() };
    let mut world = World::with(config, &[ulaw()]);
    world.configure(A, Direction::Inactive);
    world.pass(seconds(599));
    assert_eq!(timeouts(&world), []);
    world.pass(seconds(2));
    assert_eq!(timeouts(&world), [(1, 600)]);
}

#[test]
fn the_limit_is_a_setting() {
    let mut world = World::with(Config { rtp_timeout: seconds(10), ..Config::default() }, &[ulaw()]);
    world.speak(A, 100);
    world.pass(seconds(20));
    assert_eq!(timeouts(&world), [(1, 10)]);
}

#[test]
fn keepalives_go_only_while_nothing_else_does() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(B, 1);
    for _ in 0..40 {
        world.speak(B, 50);
    }
    let keepalives = |world: &World| -> Vec<_> {
        let rtp = |component| component == Component::Rtp;
        let transmits = world.transmits.iter().filter(|(_, transmit)| rtp(transmit.at.component));
        transmits.map(|(at, transmit)| (at.as_secs(), transmit.to, transmit.packet().len())).collect()
    };
    let b = world.phones[B].at;
    assert_eq!(keepalives(&world), [(115, b, 0), (130, b, 0)]);
    // They use up no numbers.
    world.speak(A, 2);
    world.pass(seconds(40));
    world.speak(A, 2);
    world.assert_gapless(B);
    assert!(world.transmits.iter().all(
        |(_, transmit)| transmit.at.component == Component::Rtcp || [world.phones[A].at, b].contains(&transmit.to)
    ));
}

#[test]
fn thousands_of_streams_are_served_in_turns() {
    let formats = vec![ulaw(); 100];
    let mut world = World::call(&formats);
    world.engine.handle_timeout(world.now + seconds(400));
    let mut turns = 0;
    while world.engine.poll_timeout().is_some_and(|deadline| deadline.at <= world.now + seconds(400)) {
        world.engine.handle_timeout(world.now + seconds(400));
        turns += 1;
        assert!(turns < 20);
        world.drain();
    }
    assert!(turns >= 1);
    world.drain();
    assert_eq!(timeouts(&world).len(), 100);
    assert_eq!(world.engine.counters().lost_transmits, 0);
}

#[test]
fn streams_that_come_and_go_leave_nothing_behind() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    for id in 1_000..21_000 {
        let stream = media::StreamId(id);
        world.command(media::Command::Open { stream, port: 4_000 });
        let format = ulaw();
        let remote = world.phones[A].remote();
        let (direction, latch) = (Direction::SendRecv, media::Latch::Symmetric);
        world.command(media::Command::Configure { stream, remote, format, direction, latch, keys: None });
        world.command(media::Command::Close { stream });
        world.pass(PTIME);
        world.events.clear();
        world.transmits.clear();
    }
    assert_eq!(world.engine.counters().streams, 2);
    world.close(A);
    world.close(B);
    world.pass(seconds(10));
    assert_eq!(world.engine.poll_timeout(), None);
}
