//! Phones that speak Opus and G.722 with phones that do not: everybody hears what the others say, in his own codec, and the sound
//! is as wide as all who hear it allow.

use std::time::Duration;

use media::{Codec, Command, ConferenceId, Format, OpusSettings, SampleRate, StreamId, Target};

use crate::sound::AMPLITUDE;
use crate::world::{A, B, C, World, alaw, ulaw};

const ROOM: ConferenceId = ConferenceId(1);

fn opus() -> Format {
    let mut format = Format::new(Codec::Opus, 111);
    format.send.opus = OpusSettings { in_band_fec: true, ..OpusSettings::default() };
    format.receive[0] = Some(format.send);
    format
}

fn g722() -> Format {
    Format::new(Codec::G722, 9)
}

/// How loud a phone hears a tone, in decibels over how it was said.
fn level(world: &World, who: usize, hertz: f64) -> f64 {
    let heard = world.heard(who).after(300);
    assert!(heard.samples.len() >= heard.rate.per_ms() * 400, "{who} heard {} samples", heard.samples.len());
    20.0 * (heard.amplitude(hertz) / AMPLITUDE).max(1e-6).log10()
}

fn assert_hears(world: &World, who: usize, hertz: f64) {
    let level = level(world, who, hertz);
    assert!(level.abs() < 3.0, "{who} hears {hertz} Hz at {level:.1} dB");
}

fn assert_does_not_hear(world: &World, who: usize, hertz: f64) {
    let level = level(world, who, hertz);
    assert!(level < -20.0, "{who} hears {hertz} Hz at {level:.1} dB");
}

#[test]
fn each_pair_of_codecs_talks() {
    let formats = [opus(), g722(), ulaw(), alaw()];
    for a in formats {
        for b in formats.into_iter().filter(|b| b.send.codec != a.send.codec) {
            let mut world = World::call(&[a, b]);
            world.say(&[(A, 440.0), (B, 1_000.0)], 60);
            assert_hears(&world, B, 440.0);
            assert_hears(&world, A, 1_000.0);
            assert_does_not_hear(&world, A, 440.0);
            assert_eq!(world.statistics(A).dropped.total() + world.statistics(B).dropped.total(), 0);
        }
    }
}

#[test]
fn all_codecs_meet_in_a_conference() {
    let mut world = conference(&[opus(), g722(), alaw()]);
    let said = [(A, 440.0), (B, 1_000.0), (C, 1_700.0)];
    world.say(&said, 60);
    for (who, own) in said {
        for (_, tone) in said.into_iter().filter(|(other, _)| *other != who) {
            let level = level(&world, who, tone);
            // The mixer adds exactly, which G.711 and G.722 show. The speech coder of Opus is not made for steady tones
            // that sound together: libopus alone, given these two at 8 kHz, loses up to 9 dB of one from time to time.
            let allowed = if who == A { -10.0..3.0 } else { -0.5..0.5 };
            assert!(allowed.contains(&level), "{who} hears {tone} Hz at {level:.1} dB");
        }
        assert_does_not_hear(&world, who, own);
    }
}

#[test]
fn one_after_another_all_are_as_loud_in_opus_as_they_were_said() {
    let mut world = conference(&[opus(), g722(), alaw(), opus()]);
    for (who, tone) in [(B, 1_000.0), (C, 1_700.0), (3, 440.0)] {
        world.forget_heard();
        world.say(&[(who, tone)], 60);
        let level = level(&world, A, tone);
        assert!(level.abs() < 1.0, "{tone} Hz is heard at {level:.1} dB");
        world.pass(Duration::from_millis(400));
    }
}

fn conference(formats: &[Format]) -> World {
    let mut world = World::apart(formats);
    world.command(Command::OpenConference { conference: ROOM, loudest: None });
    for phone in 0..formats.len() {
        world.command(Command::Join { stream: world.phones[phone].stream, conference: ROOM });
    }
    assert_eq!(world.engine.counters().refused_commands, 0);
    world
}

#[test]
fn opus_is_as_wide_as_the_narrowest_allows_and_wide_again_without_it() {
    let mut world = conference(&[opus(), opus(), ulaw()]);
    assert_eq!(world.engine.rate(Target::Conference(ROOM)), SampleRate::Khz8);
    world.say(&[(A, 1_000.0)], 60);
    assert_hears(&world, B, 1_000.0);
    world.command(Command::Disconnect { stream: StreamId(3) });
    assert_eq!(world.engine.rate(Target::Conference(ROOM)), SampleRate::Khz48);
    world.forget_heard();
    world.say(&[(A, 6_000.0)], 80);
    assert_hears(&world, B, 6_000.0);
    // And narrow once more, in the middle of a sentence.
    world.command(Command::Join { stream: StreamId(3), conference: ROOM });
    world.forget_heard();
    world.say(&[(A, 1_000.0)], 60);
    assert_hears(&world, B, 1_000.0);
    assert_hears(&world, C, 1_000.0);
    world.assert_gapless(B);
}

#[test]
fn a_call_that_was_narrow_is_wide_after_a_reinvite() {
    let mut world = World::call(&[opus(), ulaw()]);
    world.say(&[(A, 1_000.0)], 40);
    world.phones[B].format = g722();
    world.configure(B, media::Direction::SendRecv);
    world.forget_heard();
    world.say(&[(A, 6_000.0), (B, 5_000.0)], 60);
    assert_hears(&world, B, 6_000.0);
    assert_hears(&world, A, 5_000.0);
}

#[test]
fn opus_packets_have_the_length_that_was_agreed() {
    for ptime_ms in [10, 40, 60] {
        let mut odd = opus();
        odd.ptime_ms = ptime_ms;
        let mut world = World::call(&[ulaw(), odd]);
        world.say(&[(A, 440.0)], 60);
        assert_hears(&world, B, 440.0);
        let units = u32::from(ptime_ms) * 48;
        let headers = world.headers(B);
        assert!(headers.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) == units));
        world.assert_gapless(B);
        assert!(headers.len().abs_diff(1_200 / usize::from(ptime_ms)) <= 2, "{}", headers.len());
    }
}
