//! Digits that a phone can tell only by its sound (ITU-T Q.23): heard where a call is decoded, and where the phone is alone.

use media::dtmf::Digit;
use media::dtmf::tones::DigitTones;
use media::{Codec, Command, ConferenceId, Direction, Event, Format, Mute, SampleRate, StreamId};

use crate::digits::told;
use crate::world::{A, B, World, alaw, ulaw};

/// A phone without telephone events.
fn old() -> Format {
    Format::new(Codec::Pcma, 8)
}

/// The keys, each 80 ms, as they sound.
fn keys(digits: &str, rate: SampleRate) -> Vec<i16> {
    let mut tones = DigitTones::default();
    assert!(digits.chars().all(|digit| tones.push(Digit { digit, duration_ms: 80 })));
    let mut pcm = vec![0; rate.frame() * 5];
    let mut frame = vec![0; rate.frame()];
    while tones.fill(&mut frame, rate) {
        pcm.extend(&frame);
    }
    pcm.extend(vec![0; rate.frame() * 10]);
    pcm
}

fn digits(world: &World) -> String {
    told(world).into_iter().map(|(digit, _)| digit).collect()
}

#[test]
fn a_phone_that_is_alone_is_listened_to() {
    for format in [old(), Format::new(Codec::Pcmu, 0), Format::new(Codec::G722, 9), Format::new(Codec::Opus, 98)] {
        let mut world = World::apart(&[format]);
        world.say_samples(A, &keys("19*#0D", format.send.sample_rate()));
        assert_eq!(digits(&world), "19*#0D", "{format:?}");
        assert!(world.events.iter().all(|event| !matches!(event, Event::Digit { in_band: false, .. })));
        assert!(told(&world).iter().all(|(_, length)| (60..=100).contains(length)), "{:?}", told(&world));
    }
}

#[test]
fn a_phone_that_tells_its_keys_is_not() {
    let mut world = World::apart(&[ulaw()]);
    world.say_samples(A, &keys("123", SampleRate::Khz8));
    assert_eq!(digits(&world), "");
    // Nothing of it was decoded.
    assert_eq!(world.statistics(A).playout, media::Playout::default());
}

#[test]
fn a_call_of_one_codec_is_forwarded_and_not_listened_to() {
    let mut world = World::call(&[old(), alaw()]);
    world.say_samples(A, &keys("123", SampleRate::Khz8));
    assert_eq!(digits(&world), "");
    assert!(world.engine.forwarding_rule(StreamId(1)).is_some());
    // Then the other hangs up, and what is pressed now is for us.
    world.close(B);
    world.say_samples(A, &keys("45", SampleRate::Khz8));
    assert_eq!(digits(&world), "45");
}

#[test]
fn where_it_is_decoded_anyway_it_is_heard_too() {
    let mut transcoded = World::call(&[old(), ulaw()]);
    transcoded.phones[B].format = Format::new(Codec::L16(SampleRate::Khz16), 97).with_telephone_event(101);
    transcoded.configure(B, Direction::SendRecv);
    transcoded.say_samples(A, &keys("77", SampleRate::Khz8));
    assert_eq!(digits(&transcoded), "77");
    let mut room = World::apart(&[old(), ulaw()]);
    let conference = ConferenceId(9);
    room.command(Command::OpenConference { conference, loudest: None });
    for stream in [StreamId(1), StreamId(2)] {
        room.command(Command::Join { stream, conference });
    }
    // In a conference nobody waits for keys.
    room.say_samples(A, &keys("*6", SampleRate::Khz8));
    assert_eq!(digits(&room), "");
    // Whoever is muted may still press.
    transcoded.command(Command::Mute { stream: StreamId(1), mute: Mute { said: true, heard: false } });
    transcoded.say_samples(A, &keys("8", SampleRate::Khz8));
    assert_eq!(digits(&transcoded), "778");
}

#[test]
fn another_agreement_and_a_hold_are_followed() {
    let mut world = World::apart(&[old()]);
    world.say_samples(A, &keys("1", SampleRate::Khz8));
    world.phones[A].format = old().with_telephone_event(101);
    world.configure(A, Direction::SendRecv);
    world.say_samples(A, &keys("2", SampleRate::Khz8));
    world.phones[A].format = old();
    world.configure(A, Direction::SendOnly);
    world.say_samples(A, &keys("3", SampleRate::Khz8));
    world.configure(A, Direction::SendRecv);
    world.say_samples(A, &keys("4", SampleRate::Khz8));
    assert_eq!(digits(&world), "14");
}
