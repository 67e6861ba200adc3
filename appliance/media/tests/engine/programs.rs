//! Programs that listen to a call and speak into it, phones that hear themselves, and who has answered.

use media::{Answerer, Command, Event, Sides, StreamId};

use crate::world::{A, B, C, World, alaw, ulaw};

const TONES: [f64; 3] = [350.0, 850.0, 1_250.0];
const BOTH: Sides = Sides { said: true, heard: true };
const SAID: Sides = Sides { said: true, heard: false };
const HEARD: Sides = Sides { said: false, heard: true };
const NEITHER: Sides = Sides { said: false, heard: false };

fn everybody() -> Vec<(usize, f64)> {
    TONES.into_iter().enumerate().collect()
}

/// A call of the first two; the third phone plays the program of the first.
fn with_program(hears: Sides, speaks: Sides) -> World {
    let mut world = World::call(&[ulaw(), ulaw(), alaw()]);
    attach(&mut world, hears, speaks);
    world
}

fn attach(world: &mut World, hears: Sides, speaks: Sides) {
    world.command(Command::Attach { program: StreamId(3), to: StreamId(1), hears, speaks });
    assert_eq!(world.engine.counters().refused_commands, 0);
}

fn heard(world: &World, who: usize, expected: &[f64]) {
    world.heard(who).after(200).assert_tones(&TONES, expected);
}

#[test]
fn a_program_hears_what_it_is_told_to_hear() {
    for (hears, expected) in [(SAID, &TONES[..1]), (HEARD, &TONES[1..2]), (BOTH, &TONES[..2]), (NEITHER, &[][..])] {
        let mut world = with_program(hears, NEITHER);
        world.say(&everybody(), 60);
        heard(&world, C, expected);
        heard(&world, A, &TONES[1..2]);
        heard(&world, B, &TONES[..1]);
    }
}

#[test]
fn a_program_is_heard_by_whom_it_speaks_to() {
    for (speaks, phone, other) in [
        (HEARD, &TONES[1..3], &TONES[..1]),
        (SAID, &TONES[1..2], &[TONES[0], TONES[2]][..]),
        (BOTH, &TONES[1..3], &[TONES[0], TONES[2]][..]),
    ] {
        let mut world = with_program(BOTH, speaks);
        world.say(&everybody(), 60);
        heard(&world, A, phone);
        heard(&world, B, other);
        heard(&world, C, &TONES[..2]);
        world.assert_gapless(A);
        world.assert_gapless(B);
        world.assert_gapless(C);
    }
}

#[test]
fn a_program_speaks_to_a_phone_that_is_alone_and_silent() {
    let mut world = World::apart(&[ulaw(), ulaw(), ulaw()]);
    attach(&mut world, BOTH, HEARD);
    world.say(&[(C, TONES[2])], 60);
    heard(&world, A, &TONES[2..]);
    assert!(world.phones[B].heard.is_empty());
}

#[test]
fn a_program_goes_with_its_phone_and_leaves_no_trace() {
    let mut world = with_program(BOTH, HEARD);
    let conference = media::ConferenceId(1);
    world.command(Command::OpenConference { conference, loudest: None });
    for stream in [StreamId(1), StreamId(2)] {
        world.command(Command::Join { stream, conference });
    }
    world.say(&everybody(), 60);
    heard(&world, A, &TONES[1..]);
    heard(&world, C, &TONES[..2]);
    world.command(Command::CloseConference { conference });
    world.connect(A, B);
    world.forget_heard();
    world.say(&everybody(), 60);
    heard(&world, A, &TONES[1..]);
    world.close(C);
    world.forget_heard();
    world.say(&everybody()[..2], 60);
    assert!(world.engine.forwarding_rule(StreamId(1)).is_some(), "they are forwarded again");
    heard(&world, A, &TONES[1..2]);
    assert_eq!(world.engine.counters().refused_commands, 0);
}

#[test]
fn a_phone_may_go_before_its_program() {
    let mut world = with_program(BOTH, BOTH);
    world.say(&everybody(), 10);
    world.close(A);
    world.say(&everybody()[1..], 10);
    world.close(C);
    world.close(B);
    assert_eq!(world.engine.counters().refused_commands, 0);
    assert_eq!(world.engine.counters().streams, 0);
}

#[test]
fn nothing_is_attached_twice_or_to_itself() {
    let mut world = with_program(BOTH, BOTH);
    for (program, to) in [(3, 1), (3, 2), (2, 1), (1, 3), (2, 2), (2, 9), (9, 2)] {
        let (program, to) = (StreamId(program), StreamId(to));
        world.command(Command::Attach { program, to, hears: BOTH, speaks: BOTH });
    }
    assert_eq!(world.engine.counters().refused_commands, 7);
    world.say(&everybody(), 60);
    heard(&world, C, &TONES[..2]);
}

#[test]
fn a_phone_hears_itself_until_it_is_told_otherwise() {
    let mut world = World::apart(&[ulaw()]);
    world.command(Command::Echo { stream: StreamId(1), on: true });
    world.say(&[(A, TONES[0])], 60);
    heard(&world, A, &TONES[..1]);
    world.assert_gapless(A);
    world.command(Command::Echo { stream: StreamId(1), on: false });
    world.forget_heard();
    world.say(&[(A, TONES[0])], 20);
    assert!(world.phones[A].heard.is_empty());
    world.command(Command::Echo { stream: StreamId(1), on: false });
    assert_eq!(world.engine.counters().refused_commands, 1, "it hears itself no longer");
}

fn judged(world: &World) -> Vec<Answerer> {
    let judged = world.events.iter().filter_map(|event| match event {
        Event::Judged { answerer, .. } => Some(*answerer),
        _ => None,
    });
    judged.collect()
}

#[test]
fn it_is_found_out_who_has_answered() {
    for (packets, expected) in [(35, Answerer::Human), (150, Answerer::Machine), (0, Answerer::Unsure)] {
        let mut world = World::apart(&[ulaw()]);
        world.command(Command::DetectMachine { stream: StreamId(1) });
        world.say(&[(A, 0.0)], 15);
        world.say(&[(A, TONES[0])], packets);
        assert!(judged(&world).is_empty() || expected == Answerer::Machine);
        world.say(&[(A, 0.0)], 150);
        assert_eq!(judged(&world), [expected], "after {packets} packets of speech");
    }
}
