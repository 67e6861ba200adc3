//! One conference in two engines: all hear all others, whichever engine they sit with, and nobody hears himself.

use std::num::NonZeroU16;
use std::time::Duration;

use media::tone::Tone;
use media::{Codec, Command, ConferenceId, Format, Lane, Partial, Playable, PlaybackId, SampleRate, Target};

use crate::world::{A, B, World, ulaw};

const ROOM: ConferenceId = ConferenceId(1);
const TONES: [f64; 4] = [350.0, 550.0, 850.0, 1_250.0];
/// What phones say: the phone, and its tone. The tones have whole periods in a packet.
type Said<'a> = &'a [(usize, f64)];

fn wide() -> Format {
    Format::new(Codec::L16(SampleRate::Khz16), 97)
}

fn part(formats: &[Format], other: u8, loudest: u16) -> World {
    let mut world = World::apart(formats);
    world.command(Command::OpenConference { conference: ROOM, loudest: NonZeroU16::new(loudest) });
    world.command(Command::LinkConference { conference: ROOM, with: Lane(other) });
    for phone in 0..formats.len() {
        world.command(Command::Join { stream: world.phones[phone].stream, conference: ROOM });
    }
    assert_eq!(world.engine.counters().refused_commands, 0);
    world
}

/// Two engines, the second of which ticks at other moments than the first.
fn spread(formats: [&[Format]; 2], loudest: u16) -> [World; 2] {
    let mut parts = [part(formats[0], 1, loudest), part(formats[1], 0, loudest)];
    parts[1].pass(Duration::from_millis(7));
    parts[1].partials.clear();
    parts
}

fn talk(parts: &mut [World; 2], said: [Said; 2], packets: usize) {
    for _ in 0..packets {
        for from in 0..2 {
            parts[from].say(said[from], 1);
            for (lanes, partial) in std::mem::take(&mut parts[from].partials) {
                for lane in lanes {
                    let to = &mut parts[usize::from(lane.0)];
                    to.engine.handle_partial(to.now, Lane(from as u8), &partial);
                }
            }
        }
    }
}

#[test]
fn everybody_hears_all_others_of_both_engines() {
    for formats in [[&[ulaw(), ulaw()][..], &[ulaw(), ulaw()]], [&[ulaw(), ulaw()], &[wide(), wide()]]] {
        let mut parts = spread(formats, 0);
        talk(&mut parts, [&[(A, TONES[0]), (B, TONES[1])], &[(A, TONES[2]), (B, TONES[3])]], 60);
        for (place, part) in parts.iter().enumerate() {
            for who in [A, B] {
                let own = TONES[2 * place + who];
                let others: Vec<f64> = TONES.into_iter().filter(|tone| *tone != own).collect();
                part.heard(who).after(300).assert_tones(&TONES, &others);
                part.assert_gapless(who);
            }
            assert_eq!(part.engine.counters().stray_partials, 0);
        }
    }
}

#[test]
fn who_talks_elsewhere_is_as_near_as_two_frames() {
    let mut parts = spread([&[ulaw()], &[ulaw(), ulaw()]], 0);
    talk(&mut parts, [&[], &[]], 10);
    parts.iter_mut().for_each(World::forget_heard);
    talk(&mut parts, [&[], &[(A, TONES[0])]], 40);
    let begin = |world: &World, who: usize| world.heard(who).samples.iter().position(|sample| sample.abs() > 1_000);
    let (far, near) = (begin(&parts[0], A).expect("it is heard"), begin(&parts[1], B).expect("it is heard"));
    let later = (far as i64 - near as i64) / 8;
    println!("{later} ms later");
    assert!((0..=60).contains(&later), "{later} ms");
}

#[test]
fn who_is_loudest_is_decided_among_those_here_and_all_elsewhere() {
    let mut parts = spread([&[ulaw(), ulaw()], &[ulaw()]], 1);
    let said: [Said; 2] = [&[], &[(A, TONES[2])]];
    talk(&mut parts, said, 60);
    parts[0].heard(B).after(300).assert_tones(&TONES, &[TONES[2]]);
    parts.iter_mut().for_each(World::forget_heard);
    // Three voices of which only one is heard at a time.
    talk(&mut parts, [&[(A, TONES[0])], &[]], 80);
    parts[0].heard(B).after(800).assert_tones(&TONES, &[TONES[0]]);
    parts[1].heard(A).after(800).assert_tones(&TONES, &[TONES[0]]);
}

#[test]
fn an_announcement_reaches_those_elsewhere() {
    let mut parts = spread([&[ulaw()], &[ulaw()]], 0);
    let tone = Box::new(Tone::parse("850@-13").expect("a tone"));
    parts[0].command(Command::Play {
        playback: PlaybackId(1),
        to: Target::Conference(ROOM),
        what: Playable::Tone(tone),
    });
    talk(&mut parts, [&[], &[]], 60);
    let near = parts[0].heard(A).after(300).amplitude(850.0);
    let far = parts[1].heard(A).after(300).amplitude(850.0);
    assert!(near > 500.0 && (near - far).abs() < near / 10.0, "{near} and {far}");
}

#[test]
fn an_engine_that_falls_silent_is_silence_and_comes_back() {
    let mut parts = spread([&[ulaw()], &[ulaw()]], 0);
    talk(&mut parts, [&[], &[(A, TONES[0])]], 30);
    // The other thread stands still for half a second, then tells everything at once.
    parts[0].say(&[], 25);
    parts[0].partials.clear();
    parts[0].forget_heard();
    parts[1].say(&[(A, TONES[0])], 25);
    talk(&mut parts, [&[], &[(A, TONES[0])]], 60);
    parts[0].heard(A).after(300).assert_tones(&TONES, &[TONES[0]]);
    parts[0].assert_gapless(A);
}

#[test]
fn what_is_not_linked_is_counted() {
    let mut parts = spread([&[ulaw()], &[ulaw()]], 0);
    let now = parts[0].now;
    let engine = &mut parts[0].engine;
    for (from, conference) in [(Lane(7), ROOM), (Lane(1), ConferenceId(9))] {
        engine.handle_partial(now, from, &Partial::silence(conference, SampleRate::Khz8));
    }
    assert_eq!(engine.counters().stray_partials, 2);
    for refused in [Lane(1), Lane(1)] {
        engine.handle_command(now, Command::LinkConference { conference: ROOM, with: refused });
    }
    engine.handle_command(now, Command::LinkConference { conference: ConferenceId(9), with: Lane(2) });
    assert_eq!(engine.counters().refused_commands, 3);
    engine.handle_command(now, Command::CloseConference { conference: ROOM });
    assert!(engine.poll_partial().is_none());
}
