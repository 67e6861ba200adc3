//! Digits that we send: by order, and those of a phone whose audio is made anew for the other, in the form that one takes.

use media::dtmf::detector::DigitDetector;
use media::{Codec, Command, ConferenceId, Format, Mute, OpusSettings};
use rtp::packet::Packet;

use crate::digits::{press, send, told};
use crate::sound::{AMPLITUDE, Pcm};
use crate::world::{A, B, PTIME, World, alaw, ulaw};

/// The keys a phone was told by events: event, length in units, and how often the end was said. Fails where packets of one
/// key do not belong together.
fn keys(world: &World, who: usize) -> Vec<(u8, u16, usize)> {
    let number = world.phones[who].format.telephone_event.send;
    let heard = world.phones[who].heard.iter().map(|heard| &heard.packet);
    let events: Vec<&Packet> = heard.filter(|packet| Some(packet.header.payload_type) == number).collect();
    let mut keys: Vec<(u32, (u8, u16, usize))> = Vec::new();
    for packet in events {
        let [event, flags, high, low] = packet.payload[..] else { panic!("{:?}", packet.payload) };
        let is_new = keys.last().is_none_or(|(timestamp, _)| *timestamp != packet.header.timestamp);
        assert_eq!(packet.header.marker, is_new, "the first packet is marked");
        if is_new {
            keys.push((packet.header.timestamp, (event, 0, 0)));
        }
        let (_, (same, length, ends)) = keys.last_mut().unwrap();
        let now = u16::from_be_bytes([high, low]);
        assert!(*same == event && now >= *length);
        (*length, *ends) = (now, *ends + usize::from(flags & 0x80 != 0));
    }
    keys.into_iter().map(|(_, key)| key).collect()
}

/// The digits that sound in what a phone heard, and for how long.
fn tones(world: &World, who: usize) -> Vec<(char, u32)> {
    let mut detector = DigitDetector::default();
    let mut found = Vec::new();
    for frame in world.heard(who).samples.chunks(160) {
        detector.hear(frame);
        found.extend(std::iter::from_fn(|| detector.poll_digit()).map(|digit| (digit.digit, digit.duration_ms)));
    }
    found
}

fn numbers_go_on(world: &World, who: usize) {
    for pair in world.headers(who).windows(2) {
        assert_eq!(pair[0].sequence_number.wrapping_add(1), pair[1].sequence_number);
    }
}

fn g722() -> Format {
    Format::new(Codec::G722, 9).with_telephone_event(97)
}

fn silent(mut format: Format) -> Format {
    format.telephone_event = Default::default();
    format
}

fn dial(world: &mut World, who: usize, digits: &str) {
    let stream = world.phones[who].stream;
    world.command(Command::SendDigits { stream, digits: digits.into(), duration_ms: 100 });
}

#[test]
fn digits_survive_that_the_audio_is_made_anew() {
    let mut world = World::call(&[ulaw(), g722()]);
    world.say(&[(A, 440.0)], 10);
    for event in [5, 10] {
        let packets = press(&mut world, event, 5);
        send(&mut world, &packets);
        world.say(&[(A, 440.0)], 20);
    }
    assert_eq!(told(&world), [('5', 100), ('*', 100)]);
    // G.722 counts at 8 kHz.
    assert_eq!(keys(&world, B), [(5, 800, 3), (10, 800, 3)]);
    numbers_go_on(&world, B);
    world.forget_heard();
    world.say(&[(A, 440.0)], 60);
    world.heard(B).after(300).assert_tones(&[440.0], &[440.0]);
    assert!(keys(&world, B).is_empty());
}

#[test]
fn the_length_of_a_digit_counts_at_the_clock_that_was_agreed_on() {
    for (clock_rate, length) in [(8_000, 800), (48_000, 4_800)] {
        let mut opus = Format::new(Codec::Opus, 111).with_telephone_event(110);
        opus.send.opus = OpusSettings::default();
        opus.telephone_event.clock_rate = clock_rate;
        let mut world = World::call(&[ulaw(), opus]);
        world.say(&[(A, 440.0)], 10);
        let packets = press(&mut world, 7, 5);
        send(&mut world, &packets);
        world.say(&[(A, 440.0)], 20);
        assert_eq!(keys(&world, B), [(7, length, 3)]);
        numbers_go_on(&world, B);
    }
}

#[test]
fn a_phone_that_takes_no_events_hears_a_tone_once() {
    let mut world = World::call(&[g722(), silent(alaw())]);
    world.say(&[(A, 440.0)], 10);
    for event in [1, 11] {
        let packets = press(&mut world, event, 6);
        send(&mut world, &packets);
        world.say(&[(A, 440.0)], 20);
    }
    let heard = tones(&world, B);
    assert_eq!(heard.iter().map(|(digit, _)| *digit).collect::<String>(), "1#");
    assert!(heard.iter().all(|(_, length)| length.abs_diff(120) <= 15), "{heard:?}");
}

#[test]
fn a_muted_phone_presses_no_keys_for_the_other() {
    let mut world = World::call(&[ulaw(), g722()]);
    let stream = world.phones[A].stream;
    world.say(&[(A, 440.0)], 10);
    world.command(Command::Mute { stream, mute: Mute { said: true, heard: false } });
    let packets = press(&mut world, 5, 5);
    send(&mut world, &packets);
    world.command(Command::Mute { stream, mute: Mute::default() });
    world.say(&[(A, 440.0)], 20);
    assert_eq!((told(&world).len(), keys(&world, B)), (1, Vec::new()));
}

#[test]
fn by_order_a_forwarded_call_is_interrupted_and_goes_on_as_it_was() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let rules = |world: &World| world.phones.iter().all(|phone| world.engine.forwarding_rule(phone.stream).is_some());
    world.say(&[(A, 440.0), (B, 1_000.0)], 10);
    assert!(rules(&world));
    dial(&mut world, B, "12#");
    world.say(&[(A, 440.0), (B, 1_000.0)], 60);
    assert_eq!(keys(&world, B), [(1, 800, 3), (2, 800, 3), (11, 800, 3)]);
    assert!(told(&world).is_empty(), "what we send is not what a phone pressed");
    numbers_go_on(&world, B);
    world.assert_gapless(A);
    assert!(rules(&world), "it is forwarded again");
    world.forget_heard();
    world.say(&[(A, 440.0), (B, 1_000.0)], 60);
    world.heard(B).after(300).assert_tones(&[440.0, 1_000.0], &[440.0]);
}

#[test]
fn by_order_tones_take_the_place_of_the_other_for_as_long_as_they_last() {
    let mut world = World::call(&[ulaw(), silent(ulaw())]);
    world.say(&[(A, 440.0)], 10);
    world.forget_heard();
    dial(&mut world, B, "0D");
    world.say(&[(A, 440.0)], 18);
    assert_eq!(tones(&world, B).iter().map(|(digit, _)| *digit).collect::<String>(), "0D");
    let Pcm { samples, .. } = world.heard(B);
    assert!(samples.len() >= 17 * 160 && samples.iter().any(|sample| f64::from(*sample) > AMPLITUDE));
    world.say(&[(A, 440.0)], 10);
    world.forget_heard();
    world.say(&[(A, 440.0)], 60);
    world.heard(B).after(300).assert_tones(&[440.0, 941.0], &[440.0]);
    world.assert_gapless(B);
}

#[test]
fn in_a_conference_only_the_one_is_sent_digits() {
    let mut world = World::apart(&[ulaw(), ulaw(), silent(ulaw())]);
    world.command(Command::OpenConference { conference: ConferenceId(1), loudest: None });
    for phone in 0..3 {
        world.command(Command::Join { stream: world.phones[phone].stream, conference: ConferenceId(1) });
    }
    world.say(&[(A, 440.0)], 5);
    dial(&mut world, B, "8");
    dial(&mut world, 2, "9");
    world.say(&[(A, 440.0)], 30);
    assert_eq!((keys(&world, A), keys(&world, B)), (Vec::new(), vec![(8, 800, 3)]));
    let heard = [A, 2].map(|who| tones(&world, who).iter().map(|(digit, _)| *digit).collect::<String>());
    assert_eq!(heard, ["", "9"]);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.say(&[(A, 440.0)], 3);
    for digits in ["", "12x", "5 5", &"1".repeat(33), "٣"] {
        dial(&mut world, B, digits);
    }
    assert_eq!(world.engine.counters().refused_commands, 5);
    dial(&mut world, B, &"1".repeat(32));
    assert_eq!(world.engine.counters().refused_commands, 5);
    dial(&mut world, B, &"2".repeat(32));
    assert_eq!(world.engine.counters().refused_commands, 6, "too many wait");
    // Whoever goes away meanwhile leaves nothing behind.
    world.pass(PTIME * 5);
    world.close(B);
    world.pass(PTIME * 5);
    assert_eq!(world.engine.counters().streams, 1);
}
