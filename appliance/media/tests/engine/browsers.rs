//! Phones that are found and secured by somebody else: what their descriptions say of addresses does not count.

use media::srtp::Profile;
use media::{Command, Direction, Latch};

use crate::encrypted::Line;
use crate::world::{A, B, PTIME, World, ulaw};

/// A browser and a phone; nobody has found the browser yet.
fn call() -> World {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.configure_as(A, Direction::SendRecv, Latch::Nominated);
    world
}

/// Somebody has: it is where it is now, with these keys.
fn secure(world: &mut World, seeds: (u8, u8)) {
    let line = Line::new(Profile::AeadAes128Gcm, seeds);
    let (stream, remote, keys) = (world.phones[A].stream, world.phones[A].at, line.keys());
    if world.phones[A].line.is_none() {
        world.phones[A].line = Some(line);
    }
    world.command(Command::Secure { stream, remote, keys });
}

/// Each hears so many packets of the other.
fn talk(world: &mut World, packets: usize) {
    world.forget_heard();
    for _ in 0..packets {
        for who in [A, B] {
            let packet = world.phones[who].audio();
            world.send(who, &packet);
        }
        world.pass(PTIME);
    }
    assert_eq!([A, B].map(|who| world.phones[who].heard.len()), [packets; 2]);
}

#[test]
fn nobody_is_heard_or_spoken_to_before_there_are_keys() {
    let mut world = call();
    for _ in 0..10 {
        for who in [A, B] {
            let packet = world.phones[who].audio();
            world.send(who, &packet);
        }
        world.pass(PTIME);
    }
    assert!(world.phones.iter().all(|phone| phone.heard.is_empty()) && world.astray.is_empty());
    assert_eq!((world.statistics(A).dropped.third_party, world.transmits.len()), (10, 0));
    secure(&mut world, (1, 2));
    talk(&mut world, 50);
    // One who knows where it is, and not the keys.
    world.phones[A].line = None;
    let packet = world.phones[A].audio();
    world.send(A, &packet);
    assert_eq!(world.statistics(A).dropped.not_authentic, 1);
}

#[test]
fn a_browser_that_moves_is_followed_under_its_keys_and_no_further() {
    let mut world = call();
    secure(&mut world, (1, 2));
    talk(&mut world, 50);
    let before = world.phones[A].at;
    world.phones[A].at = "203.0.113.5:6000".parse().unwrap();
    // It is not believed by itself, even with its keys.
    let packet = world.phones[A].audio();
    world.send(A, &packet);
    assert_eq!(world.statistics(A).dropped.third_party, 1);
    secure(&mut world, (1, 2));
    talk(&mut world, 50);
    assert!(world.astray.iter().all(|at| *at == before), "{:?}", world.astray);
    // A new description changes nothing of where it is.
    world.configure_as(A, Direction::SendRecv, Latch::Nominated);
    talk(&mut world, 50);
}

#[test]
fn keys_for_a_phone_that_has_no_handshake_are_refused() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let refused = world.engine.counters().refused_commands;
    secure(&mut world, (1, 2));
    world.phones[A].line = None;
    assert_eq!(world.engine.counters().refused_commands, refused + 1);
    talk(&mut world, 10);
}
